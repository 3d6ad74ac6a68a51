/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kind "videocodec": frames to packets and back. One thread at a time calls an encoder or a decoder; the two are
 * independent. Packets given to a decoder are hostile.
 */
#ifndef QVISIO_VIDEOCODEC_H
#define QVISIO_VIDEOCODEC_H

#include <qvisio/media.h>
#include <qvisio/module.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_VIDEOCODEC_ABI_MAJOR 1
#define QV_VIDEOCODEC_ABI_MINOR 0

struct qv_videoencoder;
struct qv_videodecoder;

struct qv_videocodec_class {
	struct qv_class head;

	const char *wire_name; /* required: the codec's name in the session protocol, "mjpeg" */
	uint32_t pixels;       /* required: formats that encode takes, set of QV_PIXEL_BIT; JPEG: passed through */

	/* Required. Frames will have `format`. */
	struct qv_videoencoder *(*encoder_open)(const struct qv_host *host, const struct qv_options *options,
						const struct qv_video_format *format, struct qv_error *err);
	void (*encoder_close)(struct qv_videoencoder *encoder); /* required; NULL is fine */

	/*
	 * Required. Encodes one frame. 1: `packet` filled, valid until the next call on this encoder (for a JPEG passed
	 * through: as long as the frame); 0: the codec kept it back; -1. Times and sequence are the frame's.
	 */
	int (*encode)(struct qv_videoencoder *encoder, const struct qv_frame *frame, struct qv_packet *packet,
		      struct qv_error *err);

	/* Required. `format` is what the sender announced; only its range and rate are binding, the bitstream has the rest. */
	struct qv_videodecoder *(*decoder_open)(const struct qv_host *host, const struct qv_options *options,
						const struct qv_video_format *format, struct qv_error *err);
	void (*decoder_close)(struct qv_videodecoder *decoder); /* required; NULL is fine */

	/*
	 * Required. 1: `frame` filled (planar), valid until the next call on this decoder; 0: nothing to show yet;
	 * -1 QV_E_PROTOCOL: the packet is damaged; the decoder can go on with the next key packet.
	 */
	int (*decode)(struct qv_videodecoder *decoder, const struct qv_packet *packet, struct qv_frame *frame,
		      struct qv_error *err);
};

const struct qv_videocodec_class *qv_videocodec_class(const struct qv_class *class);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
