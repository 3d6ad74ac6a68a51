/* SPDX-License-Identifier: Apache-2.0 */
/* Both halves of the vpx codec, as its class sees them. */
#ifndef VPX_VPX_H
#define VPX_VPX_H

#include <qvisio/videocodec.h>

struct qv_videoencoder *vpx_encoder_open(const struct qv_host *host, const struct qv_options *options,
					 const struct qv_video_format *format, struct qv_error *err);
void vpx_encoder_close(struct qv_videoencoder *encoder);
int vpx_encode(struct qv_videoencoder *encoder, const struct qv_frame *frame, struct qv_packet *packet,
	       struct qv_error *err);
int vpx_adjust(struct qv_videoencoder *encoder, const struct qv_video_target *target, struct qv_error *err);
void vpx_request_key(struct qv_videoencoder *encoder);
void vpx_feedback(struct qv_videoencoder *encoder, uint64_t sequence, enum qv_picture_fate fate);

struct qv_videodecoder *vpx_decoder_open(const struct qv_host *host, const struct qv_options *options,
					 const char *wire_name, const struct qv_video_format *format,
					 struct qv_error *err);
void vpx_decoder_close(struct qv_videodecoder *decoder);
int vpx_decode(struct qv_videodecoder *decoder, const struct qv_packet *packet, struct qv_frame *frame,
	       struct qv_error *err);
enum qv_picture_need vpx_need(const struct qv_videodecoder *decoder);

#endif
