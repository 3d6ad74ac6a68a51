/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the camera in the size in which they are sent. */
#ifndef QV_CALL_FITTING_H
#define QV_CALL_FITTING_H

#include <qvisio/media.h>

#include "picture_size.h"

struct fitting {
	struct picture_size size;
	struct qv_video_format format; /* of the camera */
	struct qv_picture *picture;    /* in the size that was last sent; NULL: none yet, or the camera's own */
};

/* Frames of that format will come. `codec`: name in the session of what encodes them; NULL: the size stays. */
void fitting_begin(struct fitting *fitting, const struct qv_video_format *format, const char *codec);

/* The format of what is sent now. */
struct qv_video_format fitting_format(const struct fitting *fitting);

/* `fitted`: valid as long as `frame`, until the next call. */
int fitting_frame(struct fitting *fitting, const struct qv_frame *frame, struct qv_frame *fitted, struct qv_error *err);

void fitting_clear(struct fitting *fitting);

#endif
