/* SPDX-License-Identifier: Apache-2.0 */
#include "strip.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MARGIN   6
#define BADGE    12 /* width of the coloured block before the text */
#define METER    72 /* width of the bars after it */
#define BAR      5  /* height of one */
#define QUIET_DB (-60.0)
#define LOUD_DB  (-6.0)
#define TEXT_MAX 700

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
	*strip = (struct strip){ .sent = NAN, .received = NAN };
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
	label_forget(&strip->label);
}

void strip_close(struct strip *strip)
{
	label_free(&strip->label);
	if (strip->font)
		TTF_CloseFont(strip->font);
	*strip = (struct strip){ .font = NULL };
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
	int result = label_set(&strip->label, all, TEXT_MAX, false, colours[index], err);
	free(all);
	if (result == 0)
		strip->secured = (enum qv_secured)index;
	return result;
}

void strip_levels(struct strip *strip, double sent, double received)
{
	if (isnan(sent) != isnan(strip->sent) || isnan(received) != isnan(strip->received))
		strip_forget(strip);
	strip->sent = sent;
	strip->received = received;
}

static bool has_meters(const struct strip *strip)
{
	return !isnan(strip->sent) || !isnan(strip->received);
}

static void lay_out(struct strip *strip, SDL_Renderer *renderer, int width)
{
	int room = width - 3 * MARGIN - BADGE - (has_meters(strip) ? METER + MARGIN : 0);
	label_fit(&strip->label, renderer, strip->font, room);
}

int strip_height(struct strip *strip, SDL_Renderer *renderer, int width)
{
	lay_out(strip, renderer, width);
	int height = strip->label.height ? strip->label.height : BADGE;
	return height + 2 * MARGIN;
}

/* A bar as long as the sound is loud; red where it is nearly as loud as can be. */
static void draw_meter(SDL_Renderer *renderer, double level, int x, int y)
{
	SDL_Rect whole = { x, y, METER, BAR }, bar = whole;
	if (isnan(level))
		return;
	double part = level <= QUIET_DB ? 0 : level >= 0 ? 1 : 1 - level / QUIET_DB;
	const SDL_Color *colour = &colours[level > LOUD_DB ? 0 : 2];
	bar.w = (int)lround(part * METER);
	SDL_SetRenderDrawColor(renderer, 70, 70, 70, 255);
	SDL_RenderFillRect(renderer, &whole);
	SDL_SetRenderDrawColor(renderer, colour->r, colour->g, colour->b, 255);
	SDL_RenderFillRect(renderer, &bar);
}

void strip_draw(struct strip *strip, SDL_Renderer *renderer, const SDL_Rect *area)
{
	const SDL_Color *colour = &colours[strip->secured];
	SDL_Rect badge = { area->x + MARGIN, area->y + MARGIN, BADGE, area->h - 2 * MARGIN };
	lay_out(strip, renderer, area->w);
	SDL_SetRenderDrawColor(renderer, 24, 24, 24, 255);
	SDL_RenderFillRect(renderer, area);
	SDL_SetRenderDrawColor(renderer, colour->r, colour->g, colour->b, 255);
	SDL_RenderFillRect(renderer, &badge);
	label_draw(&strip->label, renderer, badge.x + BADGE + MARGIN, area->y + MARGIN);
	int x = area->x + area->w - MARGIN - METER;
	draw_meter(renderer, strip->sent, x, area->y + MARGIN);
	draw_meter(renderer, strip->received, x, area->y + MARGIN + BAR + 2);
}
