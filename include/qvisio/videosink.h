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
#define QV_VIDEOSINK_ABI_MINOR 1

/* How the session that brings the frames is secured: what a person must see. */
enum qv_secured {
	QV_SECURED_NONE = 0, /* no session */
	QV_SECURED_CLASSIC,  /* TLS with certificates, not QKD */
	QV_SECURED_QKD       /* TLS keyed by a QKD key */
};

/* Text that lies over the picture. */
enum qv_overlay {
	QV_OVERLAY_NOTICE,  /* good to know */
	QV_OVERLAY_WARNING, /* must be seen */
	QV_OVERLAY_HELP,    /* lines of what the keys do */
	QV_OVERLAY_COUNT
};

/* What `key` gives for the left mouse button: above all Unicode characters. */
#define QV_KEY_CLICK 0x110000

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

	/* All that follows is optional, since 1.1, and called on the same thread as the rest. */

	/* Shows a text over the picture until another one or NULL takes its place; each overlay has a place of its own. */
	int (*overlay)(struct qv_videosink *sink, enum qv_overlay overlay, const char *text, struct qv_error *err);

	/*
	 * The next key that a person pressed here, as a Unicode character in lower case ('\r', 27 for Enter, Escape), or
	 * QV_KEY_CLICK; 0: none. Keys that the sink itself obeys are not told. Asked for after show and poll.
	 */
	int (*key)(struct qv_videosink *sink);

	/* Shows our own picture, small; planar, borrowed. NULL: none. */
	int (*self_view)(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err);

	/* Fills the screen, or not. QV_E_UNSUPPORTED. */
	int (*fullscreen)(struct qv_videosink *sink, bool on, struct qv_error *err);

	/* How loud the sound is that is sent and received, in dB below full scale (0 to -100); NAN: no such sound. */
	void (*levels)(struct qv_videosink *sink, double sent, double received);
};

const struct qv_videosink_class *qv_videosink_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
