/* SPDX-License-Identifier: Apache-2.0 */
/* Kind "audiosource": PCM blocks with the time their first sample was heard. One thread at a time calls an instance. */
#ifndef QVISIO_AUDIOSOURCE_H
#define QVISIO_AUDIOSOURCE_H

#include <qvisio/media.h>
#include <qvisio/module.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_AUDIOSOURCE_ABI_MAJOR 1
#define QV_AUDIOSOURCE_ABI_MINOR 1

struct qv_audiosource;

struct qv_audiosource_class {
	struct qv_class head;

	/*
	 * Required. Starts capture of `format` in blocks of `block_frames` samples per channel (the last block of a file may
	 * be shorter). Where only another format can be had, a source with `format` takes that, in blocks that last as long,
	 * and the core adapts; one without fails with QV_E_UNSUPPORTED, saying what it can.
	 */
	struct qv_audiosource *(*open)(const struct qv_host *host, const struct qv_options *options,
				       const struct qv_audio_format *format, size_t block_frames, struct qv_error *err);
	void (*close)(struct qv_audiosource *source); /* required; NULL is fine */

	/*
	 * Required. 1: `block` filled, valid until the next call; 0: none within `timeout_ms`; -1: QV_E_END, QV_E_GONE,
	 * QV_E_CANCELLED, QV_E_IO. An overrun is not an error: `position` jumps over what was lost.
	 */
	int (*read)(struct qv_audiosource *source, struct qv_audio_block *block, int timeout_ms, struct qv_error *err);

	/* Optional. What every block will have, unchanged after open; NULL: what was asked for. */
	void (*format)(const struct qv_audiosource *source, struct qv_audio_format *format);
};

const struct qv_audiosource_class *qv_audiosource_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
