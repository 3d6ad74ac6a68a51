/* SPDX-License-Identifier: Apache-2.0 */
/* One tile in the canvas: border, picture or why there is none, and a caption. Pure functions. */
#ifndef QV_CONFERENCE_TILE_H
#define QV_CONFERENCE_TILE_H

#include <qvisio/media.h>
#include <qvisio/videosink.h>

#include "grid.h"

#define TILE_TEXT    768
#define TILE_OVERLAY 1000
#define TILE_LEVELS  10 /* steps of a meter */

struct tile {
	const struct qv_frame *frame; /* NULL: none to show */
	char name[80];
	char note[160];                               /* why there is none; "": nothing more than that */
	char text[TILE_TEXT];                         /* how the call is secured, in words */
	char overlay[QV_OVERLAY_COUNT][TILE_OVERLAY]; /* over the picture; "": none */
	enum qv_secured secured;
	bool speaks;
	int level; /* steps of the meter that are lit */
};

/* Where the picture of a tile goes. */
struct box tile_picture_room(const struct box *cell);

/* Paints the whole cell of an I420 canvas of full range. */
void tile_paint(struct qv_picture *canvas, const struct box *cell, const struct tile *tile);

/* Black, where no tile is. */
void tile_clear(struct qv_picture *canvas);

#endif
