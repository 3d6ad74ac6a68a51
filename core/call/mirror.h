/* SPDX-License-Identifier: Apache-2.0 */
/* Our own picture on its way into the window. Of a camera that gives JPEG it is decoded a few times a second. */
#ifndef QV_CALL_MIRROR_H
#define QV_CALL_MIRROR_H

#include <qvisio/videocodec.h>

#include "window.h"

struct mirror {
	/* What made the packets that are sent of such frames; borrowed until the mirror is cleared. */
	const struct qv_host *host;
	const struct qv_videocodec_class *class;
	const struct qv_role *codec;
	struct qv_videodecoder *decoder; /* NULL: not open, or it could not be */
	bool failed;
	int64_t due_ns;
};

/* A frame that we send; NULL: none is sent. */
void mirror_show(struct mirror *mirror, struct window *window, const struct qv_frame *frame);

/* Before the codec, or the format of its frames, changes, and at the end. */
void mirror_clear(struct mirror *mirror);

#endif
