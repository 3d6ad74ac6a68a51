/* SPDX-License-Identifier: Apache-2.0 */
/* Both halves of the opus codec, as its class sees them. */
#ifndef OPUS_OPUS_CODEC_H
#define OPUS_OPUS_CODEC_H

#include <qvisio/audiocodec.h>

/* Whether libopus works at this rate, with so many channels. */
int opus_check_format(const struct qv_audio_format *format, struct qv_error *err);

struct qv_audioencoder *opus_codec_encoder_open(const struct qv_host *host, const struct qv_options *options,
						const struct qv_audio_format *format, struct qv_error *err);
void opus_codec_encoder_close(struct qv_audioencoder *encoder);
int opus_codec_encode(struct qv_audioencoder *encoder, const struct qv_audio_block *block, struct qv_packet *packet,
		      struct qv_error *err);
int opus_codec_adjust(struct qv_audioencoder *encoder, const struct qv_audio_target *target, struct qv_error *err);
size_t opus_codec_lookahead(struct qv_audioencoder *encoder);

struct qv_audiodecoder *opus_codec_decoder_open(const struct qv_host *host, const struct qv_options *options,
						const struct qv_audio_format *format, struct qv_error *err);
void opus_codec_decoder_close(struct qv_audiodecoder *decoder);
int opus_codec_decode(struct qv_audiodecoder *decoder, const struct qv_packet *packet, struct qv_audio_block *block,
		      struct qv_error *err);
int opus_codec_duration(const struct qv_audiodecoder *decoder, const struct qv_packet *packet, size_t *frames,
			struct qv_error *err);
int opus_codec_conceal(struct qv_audiodecoder *decoder, enum qv_audio_gap gap, size_t frames,
		       struct qv_audio_block *block, struct qv_error *err);
int opus_codec_recover(struct qv_audiodecoder *decoder, const struct qv_packet *next, size_t frames,
		       struct qv_audio_block *block, struct qv_error *err);

#endif
