/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures for the suites of the video kinds. */
#ifndef QV_CONFORMANCE_VIDEO_H
#define QV_CONFORMANCE_VIDEO_H

#include "conformance.h"

#include <qvisio/media.h>

/* A smooth picture with some structure, different for each `phase`. Never NULL. */
struct qv_picture *video_picture(struct check *check, const struct qv_video_format *format, int phase);

/* Mean squared difference of the samples of two planar frames of equal format and size. */
double video_mse(const struct qv_frame *a, const struct qv_frame *b);

#endif
