/* SPDX-License-Identifier: Apache-2.0 */
#include "label.h"

#include <stdlib.h>
#include <string.h>

/* Cuts at a character of UTF-8, and lets no control character move the text about. */
static void tidy(char *text, size_t limit, bool lines)
{
	size_t length = strlen(text);
	if (length > limit) {
		length = limit;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
		text[length] = '\0';
	}
	for (char *at = text; *at; at++)
		if (((unsigned char)*at < 0x20 && !(lines && *at == '\n')) || *at == 0x7f)
			*at = ' ';
}

int label_set(struct label *label, const char *text, size_t limit, bool lines, SDL_Color colour, struct qv_error *err)
{
	char *copy = text && *text ? strdup(text) : NULL;
	if (text && *text && !copy)
		return qv_fail(err, QV_E_NOMEM, "no memory for a text in the window");
	if (copy)
		tidy(copy, limit, lines);
	label_free(label);
	label->text = copy;
	label->colour = colour;
	return 0;
}

void label_fit(struct label *label, SDL_Renderer *renderer, TTF_Font *font, int room)
{
	if (label->room == room)
		return;
	label_forget(label);
	label->room = room;
	if (!font || !label->text || room < 1)
		return;
	SDL_Surface *surface = TTF_RenderUTF8_Blended_Wrapped(font, label->text, label->colour, (Uint32)room);
	if (!surface)
		return;
	label->texture = SDL_CreateTextureFromSurface(renderer, surface);
	label->width = surface->w;
	label->height = surface->h;
	SDL_FreeSurface(surface);
}

void label_draw(const struct label *label, SDL_Renderer *renderer, int x, int y)
{
	SDL_Rect target = { x, y, label->width, label->height };
	if (label->texture)
		SDL_RenderCopy(renderer, label->texture, NULL, &target);
}

void label_forget(struct label *label)
{
	if (label->texture)
		SDL_DestroyTexture(label->texture);
	label->texture = NULL;
	label->room = label->width = label->height = 0;
}

void label_free(struct label *label)
{
	label_forget(label);
	free(label->text);
	label->text = NULL;
}
