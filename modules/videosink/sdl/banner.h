/* SPDX-License-Identifier: Apache-2.0 */
/* Texts over the picture, as broad as the window: warnings at the top, then notices, then help. */
#ifndef VIDEOSINK_SDL_BANNER_H
#define VIDEOSINK_SDL_BANNER_H

#include <qvisio/videosink.h>

#include "label.h"

struct banners {
	struct label labels[QV_OVERLAY_COUNT];
};

/* NULL or "" takes the banner away. QV_E_NOMEM. */
int banner_set(struct banners *banners, enum qv_overlay overlay, const char *text, struct qv_error *err);
void banners_draw(struct banners *banners, SDL_Renderer *renderer, TTF_Font *font, const SDL_Rect *area);
void banners_forget(struct banners *banners);
void banners_free(struct banners *banners);

#endif
