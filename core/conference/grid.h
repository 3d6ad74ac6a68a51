/* SPDX-License-Identifier: Apache-2.0 */
/* Where tiles stand. Pure functions. */
#ifndef QV_CONFERENCE_GRID_H
#define QV_CONFERENCE_GRID_H

#include <stddef.h>

struct box {
	int x, y, width, height;
};

/* The cell of tile `index` of `count` in a canvas, in as many rows and columns as give 4:3 pictures the most room. */
struct box grid_cell(size_t count, size_t index, int width, int height);

/* The largest box of that aspect in the middle of `inside`, with even edges (chroma is halved); at least 2x2. */
struct box grid_fit(const struct box *inside, int width, int height);

#endif
