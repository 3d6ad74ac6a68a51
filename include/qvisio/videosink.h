/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "videosink": shows or keeps frames. open, show, status, poll and close of an instance are all called on the
 * same thread (window systems want that).
 */
#ifndef QVISIO_VIDEOSINK_H
#define QVISIO_VIDEOSINK_H

#include <qvisio/media.h>
#include <qvisio/module.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_VIDEOSINK_ABI_MAJOR 1
#define QV_VIDEOSINK_ABI_MINOR 0

/* How the session that brings the frames is secured: what a person must see. */
enum qv_secured {
	QV_SECURED_NONE = 0, /* no session */
	QV_SECURED_CLASSIC,  /* TLS with certificates, not QKD */
	QV_SECURED_QKD       /* TLS keyed by a QKD key */
};

struct qv_videosink;

struct qv_videosink_class {
	struct qv_class head;

	/* Required. `title` names the call, for a window. Frames may change format later. */
	struct qv_videosink *(*open)(const struct qv_host *host, const struct qv_options *options, const char *title,
				     struct qv_error *err);

	/* Required. Finishes what was kept (file headers, snapshot). NULL is fine. */
	void (*close)(struct qv_videosink *sink);

	/*
	 * Required. Shows one planar frame (QV_PIXELS_PLANAR), borrowed. Blocks at most about one frame time.
	 * QV_E_END: the person closed the window; QV_E_IO.
	 */
	int (*show)(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err);

	/* Optional. The security state in words ("QKD · TLS_CHACHA20_POLY1305_SHA256 · key 1f0c…"), kept on the picture. */
	int (*status)(struct qv_videosink *sink, enum qv_secured secured, const char *text, struct qv_error *err);

	/* Optional. Handles window events while no frames come; call at least ten times a second. QV_E_END as in show. */
	int (*poll)(struct qv_videosink *sink, struct qv_error *err);
};

const struct qv_videosink_class *qv_videosink_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
