/* SPDX-License-Identifier: Apache-2.0 */
/* Kind "audiosink": plays or keeps PCM blocks. One thread at a time calls an instance. */
#ifndef QVISIO_AUDIOSINK_H
#define QVISIO_AUDIOSINK_H

#include <qvisio/media.h>
#include <qvisio/module.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_AUDIOSINK_ABI_MAJOR 1
#define QV_AUDIOSINK_ABI_MINOR 1

struct qv_audiosink;

struct qv_audiosink_class {
	struct qv_class head;

	/*
	 * Required. Every block written will have `format`, or what the sink's own `format` tells then. QV_E_UNSUPPORTED when
	 * the device cannot, and a sink without `format` cannot take another.
	 */
	struct qv_audiosink *(*open)(const struct qv_host *host, const struct qv_options *options,
				     const struct qv_audio_format *format, struct qv_error *err);

	/* Required. Lets what was written play out for at most its own latency, then finishes. NULL is fine. */
	void (*close)(struct qv_audiosink *sink);

	/*
	 * Required. Hands over one block (borrowed). Blocks until the device has room, which paces the caller; a file or
	 * null sink returns at once, and the caller's own clock paces. An underrun is recovered and counted, not an error.
	 * QV_E_GONE, QV_E_CANCELLED, QV_E_IO.
	 */
	int (*write)(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err);

	/* Required. Time in ns until a sample written now would be heard; 0 for a file. */
	int64_t (*delay)(struct qv_audiosink *sink);

	bool paced; /* true: write blocks at the device's pace */

	/* Optional. The format of the blocks to be written, unchanged after open; NULL: what was asked for. */
	void (*format)(const struct qv_audiosink *sink, struct qv_audio_format *format);

	/*
	 * Optional, for paced sinks. The least delay, in ns, at which the device does not run dry: what has left its buffer
	 * and is not heard yet, and what it takes at once. NULL: 0.
	 */
	int64_t (*least_delay)(struct qv_audiosink *sink);
};

const struct qv_audiosink_class *qv_audiosink_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
