/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "audiocodec": PCM blocks to packets and back. One thread at a time calls an encoder or a decoder. Packets given
 * to a decoder are hostile.
 */
#ifndef QVISIO_AUDIOCODEC_H
#define QVISIO_AUDIOCODEC_H

#include <qvisio/media.h>
#include <qvisio/module.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_AUDIOCODEC_ABI_MAJOR 1
#define QV_AUDIOCODEC_ABI_MINOR 0

struct qv_audioencoder;
struct qv_audiodecoder;

struct qv_audiocodec_class {
	struct qv_class head;

	const char *wire_name; /* required: the codec's name in the session protocol, "pcm-s16le" */

	/*
	 * Required. What the source must deliver for these options: the format, and samples per channel of one block.
	 * Called before the source is opened.
	 */
	int (*plan)(const struct qv_options *options, struct qv_audio_format *format, size_t *block_frames,
		    struct qv_error *err);

	struct qv_audioencoder *(*encoder_open)(const struct qv_host *host, const struct qv_options *options,
						const struct qv_audio_format *format,
						struct qv_error *err); /* required */
	void (*encoder_close)(struct qv_audioencoder *encoder);        /* required; NULL is fine */

	/* Required. 1: `packet` filled, valid until the next call; 0: kept back; -1. */
	int (*encode)(struct qv_audioencoder *encoder, const struct qv_audio_block *block, struct qv_packet *packet,
		      struct qv_error *err);

	struct qv_audiodecoder *(*decoder_open)(const struct qv_host *host, const struct qv_options *options,
						const struct qv_audio_format *format,
						struct qv_error *err); /* required */
	void (*decoder_close)(struct qv_audiodecoder *decoder);        /* required; NULL is fine */

	/* Required. 1: `block` filled, valid until the next call; 0: nothing yet; -1 QV_E_PROTOCOL: damaged packet. */
	int (*decode)(struct qv_audiodecoder *decoder, const struct qv_packet *packet, struct qv_audio_block *block,
		      struct qv_error *err);

	/* Optional. Fills a gap of `frames` samples per channel; NULL: the core plays silence. */
	int (*conceal)(struct qv_audiodecoder *decoder, size_t frames, struct qv_audio_block *block,
		       struct qv_error *err);
};

const struct qv_audiocodec_class *qv_audiocodec_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
