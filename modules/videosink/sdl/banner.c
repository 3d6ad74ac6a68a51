/* SPDX-License-Identifier: Apache-2.0 */
#include "banner.h"

#define MARGIN   10
#define NO_FONT  24 /* height of a banner whose text cannot be drawn */
#define TEXT_MAX 1500

static const SDL_Color backgrounds[QV_OVERLAY_COUNT] = {
	[QV_OVERLAY_NOTICE] = { 0, 96, 56, 255 },
	[QV_OVERLAY_WARNING] = { 176, 0, 32, 255 },
	[QV_OVERLAY_HELP] = { 20, 24, 48, 255 },
};

int banner_set(struct banners *banners, enum qv_overlay overlay, const char *text, struct qv_error *err)
{
	static const SDL_Color white = { 255, 255, 255, 255 };
	if ((unsigned)overlay >= QV_OVERLAY_COUNT)
		return 0; /* of a later version of the kind */
	return label_set(&banners->labels[overlay], text, TEXT_MAX, true, white, err);
}

static int draw_one(struct label *label, SDL_Renderer *renderer, TTF_Font *font, const SDL_Color *background,
		    const SDL_Rect *area, int y)
{
	label_fit(label, renderer, font, area->w - 2 * MARGIN);
	SDL_Rect box = { area->x, y, area->w, (label->height ? label->height : NO_FONT) + 2 * MARGIN };
	SDL_SetRenderDrawColor(renderer, background->r, background->g, background->b, 255);
	SDL_RenderFillRect(renderer, &box);
	label_draw(label, renderer, area->x + MARGIN, y + MARGIN);
	return box.h;
}

void banners_draw(struct banners *banners, SDL_Renderer *renderer, TTF_Font *font, const SDL_Rect *area)
{
	static const enum qv_overlay order[] = { QV_OVERLAY_WARNING, QV_OVERLAY_NOTICE, QV_OVERLAY_HELP };
	int y = area->y;
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		struct label *label = &banners->labels[order[i]];
		if (label->text)
			y += draw_one(label, renderer, font, &backgrounds[order[i]], area, y);
	}
}

void banners_forget(struct banners *banners)
{
	for (int i = 0; i < QV_OVERLAY_COUNT; i++)
		label_forget(&banners->labels[i]);
}

void banners_free(struct banners *banners)
{
	for (int i = 0; i < QV_OVERLAY_COUNT; i++)
		label_free(&banners->labels[i]);
}
