/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "videosource": frames with their capture time. One thread at a time calls an instance; it need not be the same.
 */
#ifndef QVISIO_VIDEOSOURCE_H
#define QVISIO_VIDEOSOURCE_H

#include <qvisio/media.h>
#include <qvisio/module.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_VIDEOSOURCE_ABI_MAJOR 1
#define QV_VIDEOSOURCE_ABI_MINOR 0

/* What the rest of the pipeline can take. */
struct qv_video_want {
	uint32_t pixels; /* set of QV_PIXEL_BIT; has QV_PIXEL_JPEG only if the encoder passes JPEG through */
};

struct qv_videosource;

struct qv_videosource_class {
	struct qv_class head;

	/* Required. Starts capture. Width, height and rate are options of the module. */
	struct qv_videosource *(*open)(const struct qv_host *host, const struct qv_options *options,
				       const struct qv_video_want *want, struct qv_error *err);
	void (*close)(struct qv_videosource *source); /* required; NULL is fine */

	/* Required. What was negotiated; every frame has this pixel format and size. */
	void (*format)(const struct qv_videosource *source, struct qv_video_format *format);

	/*
	 * Required. Waits at most `timeout_ms` for the next frame. 1: `frame` is filled, valid until the next call on this
	 * source; 0: none in time; -1: QV_E_END (a file ended), QV_E_GONE (unplugged), QV_E_CANCELLED, QV_E_IO.
	 * A single damaged frame is skipped and counted, not an error.
	 */
	int (*read)(struct qv_videosource *source, struct qv_frame *frame, int timeout_ms, struct qv_error *err);
};

const struct qv_videosource_class *qv_videosource_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
