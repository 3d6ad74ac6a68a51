/* SPDX-License-Identifier: Apache-2.0 */
/* The picture: stamp, digits, colour bars with a square that bounces over them, and a ramp that scrolls. */
#ifndef TESTPATTERN_PATTERN_H
#define TESTPATTERN_PATTERN_H

#include <qvisio/stamp.h>

/* Paints a whole picture of at least the size that a stamp needs. */
int pattern_paint(struct qv_picture *picture, uint64_t sequence, int64_t capture_ns, struct qv_error *err);

#endif
