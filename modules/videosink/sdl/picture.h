/* SPDX-License-Identifier: Apache-2.0 */
/* The last frame as a texture. */
#ifndef VIDEOSINK_SDL_PICTURE_H
#define VIDEOSINK_SDL_PICTURE_H

#include <SDL.h>
#include <qvisio/media.h>

struct picture {
	SDL_Texture *texture; /* NULL: no frame yet */
	struct qv_video_format format;
	struct qv_picture *chroma; /* I420 whose chroma planes hold what the frame's were converted to */
};

/* Puts a checked planar frame into the texture. QV_E_IO, QV_E_NOMEM. */
int picture_update(struct picture *picture, SDL_Renderer *renderer, const struct qv_frame *frame, struct qv_error *err);

/* Draws it as large as fits into `area`, in the middle, with its aspect. */
void picture_draw(const struct picture *picture, SDL_Renderer *renderer, const SDL_Rect *area);

void picture_free(struct picture *picture);

#endif
