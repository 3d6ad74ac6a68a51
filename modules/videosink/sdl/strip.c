/* SPDX-License-Identifier: Apache-2.0 */
#include "strip.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MARGIN   6
#define BADGE    12 /* width of the coloured block before the text */
#define TEXT_MAX 400

static const char *const words[] = { "not secured", "classic", "QKD" };
static const SDL_Color colours[] = { { 255, 80, 80, 255 }, { 255, 191, 0, 255 }, { 80, 220, 110, 255 } };

/* Where Debian and relatives, Fedora, Arch and the BSDs keep a font that has what the text needs. */
static const char *const font_files[] = {
	"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
	"/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
	"/usr/share/fonts/TTF/DejaVuSans.ttf",
	"/usr/share/fonts/dejavu/DejaVuSans.ttf",
	"/usr/local/share/fonts/dejavu/DejaVuSans.ttf",
	"/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
	"/usr/share/fonts/truetype/freefont/FreeSans.ttf",
};

static TTF_Font *find_font(int size)
{
	TTF_Font *font = NULL;
	for (size_t i = 0; i < sizeof font_files / sizeof font_files[0] && !font; i++)
		if (access(font_files[i], R_OK) == 0)
			font = TTF_OpenFont(font_files[i], size);
	return font;
}

int strip_open(struct strip *strip, const char *font, int size, struct qv_error *err)
{
	*strip = (struct strip){ 0 };
	if (strip_set(strip, QV_SECURED_NONE, NULL, err) != 0)
		return -1;
	strip->font = font ? TTF_OpenFont(font, size) : find_font(size);
	if (font && !strip->font) {
		qv_fail(err, QV_E_CONFIG, "font %s cannot be used: %s", font, TTF_GetError());
		strip_close(strip);
		return -1;
	}
	return 0;
}

void strip_forget(struct strip *strip)
{
	if (strip->texture)
		SDL_DestroyTexture(strip->texture);
	strip->texture = NULL;
	strip->width = 0;
}

void strip_close(struct strip *strip)
{
	strip_forget(strip);
	if (strip->font)
		TTF_CloseFont(strip->font);
	free(strip->text);
	*strip = (struct strip){ 0 };
}

/* Cuts at a character of UTF-8, and lets no control character move the text about. */
static void tidy(char *text)
{
	size_t length = strlen(text);
	if (length > TEXT_MAX) {
		length = TEXT_MAX;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
		text[length] = '\0';
	}
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = ' ';
}

int strip_set(struct strip *strip, enum qv_secured secured, const char *text, struct qv_error *err)
{
	unsigned index = (unsigned)secured <= QV_SECURED_QKD ? (unsigned)secured : 0;
	const char *word = words[index];
	char *all;
	int length;
	if (!text || !*text)
		length = asprintf(&all, "%s", word);
	else if (strncasecmp(text, word, strlen(word)) == 0)
		length = asprintf(&all, "%s", text);
	else
		length = asprintf(&all, "%s · %s", word, text);
	if (length < 0)
		return qv_fail(err, QV_E_NOMEM, "no memory for the security state in the window");
	tidy(all);
	free(strip->text);
	strip->text = all;
	strip->secured = (enum qv_secured)index;
	strip_forget(strip);
	return 0;
}

static void lay_out(struct strip *strip, SDL_Renderer *renderer, int width)
{
	if (strip->width == width)
		return;
	strip_forget(strip);
	strip->width = width;
	strip->text_width = strip->text_height = 0;
	int room = width - 3 * MARGIN - BADGE;
	if (!strip->font || room < 1)
		return;
	SDL_Surface *surface =
		TTF_RenderUTF8_Blended_Wrapped(strip->font, strip->text, colours[strip->secured], (Uint32)room);
	if (!surface)
		return;
	strip->texture = SDL_CreateTextureFromSurface(renderer, surface);
	strip->text_width = surface->w;
	strip->text_height = surface->h;
	SDL_FreeSurface(surface);
}

int strip_height(struct strip *strip, SDL_Renderer *renderer, int width)
{
	lay_out(strip, renderer, width);
	return (strip->text_height ? strip->text_height : BADGE) + 2 * MARGIN;
}

void strip_draw(struct strip *strip, SDL_Renderer *renderer, const SDL_Rect *area)
{
	const SDL_Color *colour = &colours[strip->secured];
	SDL_Rect badge = { area->x + MARGIN, area->y + MARGIN, BADGE, area->h - 2 * MARGIN };
	SDL_Rect text = { badge.x + BADGE + MARGIN, area->y + MARGIN, strip->text_width, strip->text_height };
	lay_out(strip, renderer, area->w);
	SDL_SetRenderDrawColor(renderer, 24, 24, 24, 255);
	SDL_RenderFillRect(renderer, area);
	SDL_SetRenderDrawColor(renderer, colour->r, colour->g, colour->b, 255);
	SDL_RenderFillRect(renderer, &badge);
	if (strip->texture)
		SDL_RenderCopy(renderer, strip->texture, NULL, &text);
}
