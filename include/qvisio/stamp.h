/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stamp: frame number and capture time painted into a picture, to be read back wherever the picture is shown.
 *
 * The picture is divided into 26 columns and 15 rows (24.6 x 32 px at 640x480); the stamp fills the four top rows from
 * the top left to the right, row by row: 104 cells, dark for 0 and light for 1, neutral in colour. They are, highest bit
 * first: 1 0 1 0 (whose levels tell dark from light), 32 bits frame number, 60 bits capture time, 8 bits CRC. The CRC has
 * the polynomial x^8+x^2+x+1 and the initial value 0xff, over the 92 bits between. It finds up to three wrong cells.
 * The grid is relative to the picture, so that a scaled picture still reads. Safe on any thread.
 */
#ifndef QVISIO_STAMP_H
#define QVISIO_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include <qvisio/media.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_STAMP_COLUMNS   26
#define QV_STAMP_ROWS      4
#define QV_STAMP_GRID_ROWS 15 /* of which the stamp fills QV_STAMP_ROWS */

/* Smallest picture that can carry a stamp. */
#define QV_STAMP_WIDTH_MIN  160
#define QV_STAMP_HEIGHT_MIN 120

struct qv_stamp {
	uint32_t number;    /* low 32 bits of the frame's sequence */
	int64_t capture_ns; /* 0 … 2^60-1, CLOCK_MONOTONIC */
};

/* Paints over the top 4/15 of a planar picture. QV_E_INVALID for one that is too small, or a time out of range. */
int qv_stamp_paint(struct qv_picture *picture, const struct qv_stamp *stamp, struct qv_error *err);

/* Reads the luma of a planar frame. False (and `stamp` untouched) unless every cell is clear and the CRC is right. */
bool qv_stamp_read(const struct qv_frame *frame, struct qv_stamp *stamp);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
