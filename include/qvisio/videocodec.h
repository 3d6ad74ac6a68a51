/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "videocodec": frames to packets and back. One thread at a time calls an encoder or a decoder; the two are
 * independent. Packets given to a decoder are hostile.
 *
 * A picture that is predicted from a lost one would be shown corrupt. So a packet says what it is predicted from
 * (struct qv_packet), and three callbacks close the loop: the decoder's `need` says what the receiver has to ask for,
 * and the sender hands the answer to the encoder's `feedback` (which pictures arrived or are lost) or `request_key`.
 */
#ifndef QVISIO_VIDEOCODEC_H
#define QVISIO_VIDEOCODEC_H

#include <qvisio/media.h>
#include <qvisio/module.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_VIDEOCODEC_ABI_MAJOR 2
#define QV_VIDEOCODEC_ABI_MINOR 0

struct qv_videoencoder;
struct qv_videodecoder;

/* What is to come from now on. 0 leaves a value as it is. */
struct qv_video_target {
	int64_t bitrate;      /* bit/s of all layers together */
	int fps_num, fps_den; /* frames a second that will be given to encode */
};

/* What is known of a picture that was sent. */
enum qv_picture_fate {
	QV_PICTURE_DECODED, /* the receiver has it, whole and correct */
	QV_PICTURE_LOST     /* the receiver will never have it */
};

/* What a decoder waits for. */
enum qv_picture_need {
	QV_NEED_NOTHING, /* the base layer goes on */
	QV_NEED_REPAIR,  /* a picture predicted only from pictures that were decoded, or a key picture */
	QV_NEED_KEY
};

struct qv_videocodec_class {
	struct qv_class head;

	/* Required. The codecs' names in the session protocol that decoder_open knows, NULL-ended, at least one. */
	const char *const *wire_names;
	uint32_t pixels; /* required: formats that encode takes, set of QV_PIXEL_BIT; JPEG: passed through */

	/* Optional. The one of wire_names that an encoder with these options makes; NULL: the first. */
	const char *(*wire_name)(const struct qv_options *options);

	/* Required. Frames will have `format`; a frame may have another size later. */
	struct qv_videoencoder *(*encoder_open)(const struct qv_host *host, const struct qv_options *options,
						const struct qv_video_format *format, struct qv_error *err);
	void (*encoder_close)(struct qv_videoencoder *encoder); /* required; NULL is fine */

	/*
	 * Required. Encodes one frame. 1: `packet` filled, valid until the next call on this encoder (for a JPEG passed
	 * through: as long as the frame); 0: nothing comes of this frame, and the sequence does not count it; -1. The
	 * time is the frame's.
	 */
	int (*encode)(struct qv_videoencoder *encoder, const struct qv_frame *frame, struct qv_packet *packet,
		      struct qv_error *err);

	/* Optional. NULL: what is made follows from the options only. */
	int (*adjust)(struct qv_videoencoder *encoder, const struct qv_video_target *target, struct qv_error *err);
	/* Optional. The next packet is a key picture. NULL: every picture is. */
	void (*request_key)(struct qv_videoencoder *encoder);
	/*
	 * Optional. Told in the order of the pictures. After a loss that later pictures build on, the next packet is predicted from
	 * one that was told as decoded, or is a key picture. What is older than the encoder remembers counts as unknown.
	 */
	void (*feedback)(struct qv_videoencoder *encoder, uint64_t sequence, enum qv_picture_fate fate);

	/*
	 * Required. `wire_name` is one of wire_names. `format` is what the sender announced; only its range and rate are
	 * binding, the bitstream has the rest.
	 */
	struct qv_videodecoder *(*decoder_open)(const struct qv_host *host, const struct qv_options *options,
						const char *wire_name, const struct qv_video_format *format,
						struct qv_error *err);
	void (*decoder_close)(struct qv_videodecoder *decoder); /* required; NULL is fine */

	/*
	 * Required. Packets of one encoder come by rising sequence, and a gap in it is a loss. 1: `frame` filled (planar), correct, valid
	 * until the next call on this decoder; 0: nothing to show, as what it builds on is missing: keep showing the
	 * last; -1 QV_E_PROTOCOL: the packet is damaged, which counts as its loss.
	 */
	int (*decode)(struct qv_videodecoder *decoder, const struct qv_packet *packet, struct qv_frame *frame,
		      struct qv_error *err);

	/* Optional. NULL: a key picture after each loss, unless request_key is NULL. */
	enum qv_picture_need (*need)(const struct qv_videodecoder *decoder);
};

const struct qv_videocodec_class *qv_videocodec_class(const struct qv_class *class);

/* The name of what an encoder with these options makes. Never NULL. */
const char *qv_videocodec_wire_name(const struct qv_videocodec_class *class, const struct qv_options *options);
bool qv_videocodec_decodes(const struct qv_videocodec_class *class, const char *wire_name);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
