/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strip below the picture that says how the session is secured. It lies outside the picture, so that no sender can
 * paint one of his own there.
 */
#ifndef VIDEOSINK_SDL_STRIP_H
#define VIDEOSINK_SDL_STRIP_H

#include <SDL.h>
#include <SDL_ttf.h>
#include <qvisio/videosink.h>

#include "label.h"

struct strip {
	TTF_Font *font; /* NULL: no text, colour only */
	enum qv_secured secured;
	struct label label;    /* in words, always set */
	double sent, received; /* levels of the sound, in dB below full scale; NAN: none */
};

/*
 * `font`: a file, or NULL to look in the usual places. QV_E_CONFIG if the named one cannot be used; if none is found,
 * 0 with `strip->font` NULL.
 */
int strip_open(struct strip *strip, const char *font, int size, struct qv_error *err);
void strip_close(struct strip *strip);

/* `text` may be NULL. The state is put in front in words unless the text starts with it. QV_E_NOMEM. */
int strip_set(struct strip *strip, enum qv_secured secured, const char *text, struct qv_error *err);

/* How loud sound is, in dB below full scale; NAN: there is none of it. */
void strip_levels(struct strip *strip, double sent, double received);

/* Rows that it takes in a window of this width. */
int strip_height(struct strip *strip, SDL_Renderer *renderer, int width);
void strip_draw(struct strip *strip, SDL_Renderer *renderer, const SDL_Rect *area);

/* The renderer lost its textures. */
void strip_forget(struct strip *strip);

#endif
