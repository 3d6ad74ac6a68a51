/* SPDX-License-Identifier: Apache-2.0 */
/* A text, laid out for a width and kept as a texture. */
#ifndef VIDEOSINK_SDL_LABEL_H
#define VIDEOSINK_SDL_LABEL_H

#include <SDL.h>
#include <SDL_ttf.h>
#include <qvisio/error.h>
#include <stdbool.h>

struct label {
	char *text; /* NULL: none */
	SDL_Color colour;
	SDL_Texture *texture; /* laid out for `room`; NULL: not yet, or nothing to draw */
	int room;
	int width, height; /* of what is drawn */
};

/*
 * Takes a copy of the text, cut at `limit` bytes, without control characters (unless `lines`: new lines stay). NULL or ""
 * takes the text away. QV_E_NOMEM.
 */
int label_set(struct label *label, const char *text, size_t limit, bool lines, SDL_Color colour, struct qv_error *err);

/* Lays it out for `room` pixels of width; without a font it stays empty. */
void label_fit(struct label *label, SDL_Renderer *renderer, TTF_Font *font, int room);
void label_draw(const struct label *label, SDL_Renderer *renderer, int x, int y);

/* The renderer has lost its textures. */
void label_forget(struct label *label);
void label_free(struct label *label);

#endif
