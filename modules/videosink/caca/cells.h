/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures and text put into the cells of a canvas. */
#ifndef VIDEOSINK_CACA_CELLS_H
#define VIDEOSINK_CACA_CELLS_H

#include <caca.h>
#include <qvisio/media.h>

/* A picture kept small, as colours. */
struct small {
	uint32_t *pixels; /* 0x00rrggbb; NULL: none */
	int width, height;
	int of_width, of_height; /* of the picture that it was */
};

/* At most `most` pixels broad and high. QV_E_NOMEM. */
int small_take(struct small *small, const struct qv_frame *frame, int most, struct qv_error *err);
void small_free(struct small *small);

struct area {
	int x, y, width, height;
};

/* As large as fits into the area, in its middle or its lower right corner. */
void small_draw(const struct small *small, caca_canvas_t *canvas, const struct area *area, bool corner);

/*
 * Text from row `y` on, in rows of `width` cells broken at spaces where that can be, at most `rows`; lines end with \n.
 * Nothing in it acts on the terminal. Returns the rows it takes; with a NULL canvas nothing is drawn.
 */
int text_draw(caca_canvas_t *canvas, int y, int width, int rows, const char *text);

#endif
