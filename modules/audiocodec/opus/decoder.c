/* SPDX-License-Identifier: Apache-2.0 */
#include "opus_codec.h"

#include <opus.h>
#include <stdlib.h>

struct qv_audiodecoder {
	struct qv_audio_format format;
	OpusDecoder *opus;
	size_t step; /* 2.5 ms, which all lengths of Opus are multiples of */
	size_t room; /* a second and a step */
	uint64_t position;
	int16_t *samples;
};

struct qv_audiodecoder *opus_codec_decoder_open(const struct qv_host *host, const struct qv_options *options,
						const struct qv_audio_format *format, struct qv_error *err)
{
	(void)host, (void)options;
	if (opus_check_format(format, err) != 0)
		return NULL;
	struct qv_audiodecoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder) {
		qv_fail(err, QV_E_NOMEM, "no memory for the Opus decoder");
		return NULL;
	}
	int status = OPUS_OK;
	decoder->format = *format;
	decoder->step = (size_t)format->rate / 400;
	decoder->room = (size_t)format->rate + decoder->step;
	decoder->samples = calloc(decoder->room * (size_t)format->channels, sizeof *decoder->samples);
	decoder->opus = opus_decoder_create(format->rate, format->channels, &status);
	if (!decoder->samples || !decoder->opus) {
		qv_fail(err, QV_E_NOMEM, "the Opus decoder does not start: %s", opus_strerror(status));
		opus_codec_decoder_close(decoder);
		return NULL;
	}
	return decoder;
}

void opus_codec_decoder_close(struct qv_audiodecoder *decoder)
{
	if (!decoder)
		return;
	if (decoder->opus)
		opus_decoder_destroy(decoder->opus);
	free(decoder->samples);
	free(decoder);
}

static int damaged(const struct qv_packet *packet, int status, struct qv_error *err)
{
	return qv_fail(err, QV_E_PROTOCOL, "a damaged Opus packet of %zu bytes: %s", packet->size,
		       opus_strerror(status));
}

static void fill(struct qv_audiodecoder *decoder, size_t frames, int64_t capture_ns, struct qv_audio_block *block)
{
	*block = (struct qv_audio_block){ .format = decoder->format,
					  .samples = decoder->samples,
					  .frames = frames,
					  .capture_ns = capture_ns,
					  .position = decoder->position };
	decoder->position += frames;
}

int opus_codec_decode(struct qv_audiodecoder *decoder, const struct qv_packet *packet, struct qv_audio_block *block,
		      struct qv_error *err)
{
	if (packet->size < 1 || packet->size > QV_PACKET_MAX)
		return damaged(packet, OPUS_INVALID_PACKET, err);
	int frames = opus_decode(decoder->opus, packet->data, (opus_int32)packet->size, decoder->samples,
				 (int)decoder->room, 0);
	if (frames <= 0)
		return damaged(packet, frames < 0 ? frames : OPUS_INVALID_PACKET, err);
	fill(decoder, (size_t)frames, packet->capture_ns, block);
	return 1;
}

int opus_codec_duration(const struct qv_audiodecoder *decoder, const struct qv_packet *packet, size_t *frames,
			struct qv_error *err)
{
	if (packet->size < 1 || packet->size > QV_PACKET_MAX)
		return damaged(packet, OPUS_INVALID_PACKET, err);
	int count = opus_packet_get_nb_samples(packet->data, (opus_int32)packet->size, decoder->format.rate);
	if (count <= 0)
		return damaged(packet, count < 0 ? count : OPUS_INVALID_PACKET, err);
	*frames = (size_t)count;
	return 0;
}

int opus_codec_conceal(struct qv_audiodecoder *decoder, enum qv_audio_gap gap, size_t frames,
		       struct qv_audio_block *block, struct qv_error *err)
{
	/* libopus itself knows from the last packet whether to go on with the sound or with the noise behind it. */
	(void)gap;
	if (frames < 1 || frames > (size_t)decoder->format.rate)
		return qv_fail(err, QV_E_INVALID, "a gap of %zu samples is not within a second", frames);
	size_t whole = (frames + decoder->step - 1) / decoder->step * decoder->step;
	int made = opus_decode(decoder->opus, NULL, 0, decoder->samples, (int)whole, 0);
	if (made < 0 || (size_t)made < frames)
		return qv_fail(err, QV_E_INTERNAL, "libopus cannot conceal: %s", opus_strerror(made));
	fill(decoder, frames, 0, block);
	return 1;
}

/*
 * Whether the packet carries a copy of what was before it: the LBRR flag behind the voice activity flags at the start
 * of the first SILK frame, for each channel (RFC 6716 sections 3.1, 4.2.3 and 4.2.4). These bits have even odds, so the
 * range coder leaves them as they are.
 */
static bool carries_copy(const struct qv_packet *packet)
{
	const unsigned char *frame[48];
	opus_int16 size[48];
	unsigned char toc = packet->data[0];
	int silk_frames = opus_packet_get_samples_per_frame(packet->data, 48000) / 960;
	if (toc & 0x80 || opus_packet_parse(packet->data, (opus_int32)packet->size, &toc, frame, size, NULL) < 1 ||
	    size[0] < 1)
		return false;
	silk_frames = silk_frames < 1 ? 1 : silk_frames;
	bool copy = frame[0][0] >> (7 - silk_frames) & 1;
	if (opus_packet_get_nb_channels(packet->data) == 2)
		copy |= frame[0][0] >> (6 - 2 * silk_frames) & 1;
	return copy;
}

int opus_codec_recover(struct qv_audiodecoder *decoder, const struct qv_packet *next, size_t frames,
		       struct qv_audio_block *block, struct qv_error *err)
{
	if (next->size < 1 || next->size > QV_PACKET_MAX)
		return damaged(next, OPUS_INVALID_PACKET, err);
	size_t carried = (size_t)opus_packet_get_samples_per_frame(next->data, decoder->format.rate);
	if (frames < carried || frames > (size_t)decoder->format.rate || frames % decoder->step != 0 ||
	    !carries_copy(next))
		return 0;
	int made = opus_decode(decoder->opus, next->data, (opus_int32)next->size, decoder->samples, (int)frames, 1);
	if (made < 0 || (size_t)made != frames)
		return damaged(next, made < 0 ? made : OPUS_INVALID_PACKET, err);
	fill(decoder, frames, 0, block);
	return 1;
}
