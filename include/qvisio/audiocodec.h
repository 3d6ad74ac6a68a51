/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "audiocodec": PCM blocks to packets and back. One thread at a time calls an encoder or a decoder. Packets given
 * to a decoder are hostile.
 *
 * The receiver asks for sound in the order of playing: decode where the packet came; recover and then decode where it is
 * lost and the next one is there; conceal where neither is, or where the encoder sent nothing.
 */
#ifndef QVISIO_AUDIOCODEC_H
#define QVISIO_AUDIOCODEC_H

#include <qvisio/media.h>
#include <qvisio/module.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_AUDIOCODEC_ABI_MAJOR 2
#define QV_AUDIOCODEC_ABI_MINOR 1

struct qv_audioencoder;
struct qv_audiodecoder;

/* What is to come from now on. */
struct qv_audio_target {
	int64_t bitrate; /* bit/s; 0: as it is */
	int loss_percent; /* of packets that the network will lose, 0…100, for in-band error correction; -1: as it is */
};

/* Why there is no packet for a stretch of sound. */
enum qv_audio_gap {
	QV_GAP_LOST,  /* it did not arrive (yet) */
	QV_GAP_SILENT /* the encoder made none: there was nothing to hear (DTX) */
};

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

	/*
	 * Required. 1: `packet` filled, with its frames (which are more than the block's where a last, short block was
	 * filled up), valid until the next call; 0: nothing to send (DTX), and the sequence does not count it; -1.
	 */
	int (*encode)(struct qv_audioencoder *encoder, const struct qv_audio_block *block, struct qv_packet *packet,
		      struct qv_error *err);

	/* Optional. NULL: bitrate and protection follow from the options only. */
	int (*adjust)(struct qv_audioencoder *encoder, const struct qv_audio_target *target, struct qv_error *err);
	/* Optional. Samples per channel by which decoded sound lags behind what was encoded; NULL: 0. */
	size_t (*lookahead)(struct qv_audioencoder *encoder);

	struct qv_audiodecoder *(*decoder_open)(const struct qv_host *host, const struct qv_options *options,
						const struct qv_audio_format *format,
						struct qv_error *err); /* required */
	void (*decoder_close)(struct qv_audiodecoder *decoder);        /* required; NULL is fine */

	/* Required. 1: `block` filled, valid until the next call; 0: nothing yet; -1 QV_E_PROTOCOL: damaged packet. */
	int (*decode)(struct qv_audiodecoder *decoder, const struct qv_packet *packet, struct qv_audio_block *block,
		      struct qv_error *err);

	/*
	 * Optional. Samples per channel that `packet` decodes to, from its bytes alone; -1 QV_E_PROTOCOL: damaged.
	 * Changes nothing in the decoder. NULL: not known before decoding.
	 */
	int (*duration)(const struct qv_audiodecoder *decoder, const struct qv_packet *packet, size_t *frames,
			struct qv_error *err);

	/*
	 * Optional. Fills a gap of `frames` samples per channel, at most those of a second, and carries the sound on from
	 * what was played last; NULL: the core plays silence. 1: `block` filled with just so many; -1.
	 */
	int (*conceal)(struct qv_audiodecoder *decoder, enum qv_audio_gap gap, size_t frames,
		       struct qv_audio_block *block, struct qv_error *err);

	/*
	 * Optional. Decodes the `frames` samples per channel just before `next` from what `next` carries of the packet
	 * before it; `next` itself is decoded after that. 1: `block` filled with just so many, of which those that `next`
	 * does not carry are concealed; 0: it carries nothing, and nothing has changed: conceal; -1 QV_E_PROTOCOL.
	 */
	int (*recover)(struct qv_audiodecoder *decoder, const struct qv_packet *next, size_t frames,
		       struct qv_audio_block *block, struct qv_error *err);

	/* Optional, since 2.1. Bit/s of its packets for these options; NULL: those of the sound uncompressed. */
	int64_t (*bitrate)(const struct qv_options *options, const struct qv_audio_format *format);
};

const struct qv_audiocodec_class *qv_audiocodec_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
