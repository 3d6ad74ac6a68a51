/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIDEOSINK_FILE_RGB_H
#define VIDEOSINK_FILE_RGB_H

#include <qvisio/media.h>

/*
 * One row of a planar frame as 8-bit R, G, B; `rgb` has 3 * width bytes. Matrix of ITU-R BT.601, chroma interpolated
 * between its sample points, which lie in the middle of the luma samples they stand for (as in JPEG).
 */
void rgb_row(const struct qv_frame *frame, int y, uint8_t *rgb);

#endif
