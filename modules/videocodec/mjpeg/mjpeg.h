/* SPDX-License-Identifier: Apache-2.0 */
/* Both halves of the mjpeg codec, as its class sees them. */
#ifndef MJPEG_MJPEG_H
#define MJPEG_MJPEG_H

#include <qvisio/videocodec.h>

struct qv_videoencoder *mjpeg_encoder_open(const struct qv_host *host, const struct qv_options *options,
					   const struct qv_video_format *format, struct qv_error *err);
void mjpeg_encoder_close(struct qv_videoencoder *encoder);
int mjpeg_encode(struct qv_videoencoder *encoder, const struct qv_frame *frame, struct qv_packet *packet,
		 struct qv_error *err);

struct qv_videodecoder *mjpeg_decoder_open(const struct qv_host *host, const struct qv_options *options,
					   const char *wire_name, const struct qv_video_format *format,
					   struct qv_error *err);
void mjpeg_decoder_close(struct qv_videodecoder *decoder);
int mjpeg_decode(struct qv_videodecoder *decoder, const struct qv_packet *packet, struct qv_frame *frame,
		 struct qv_error *err);

#endif
