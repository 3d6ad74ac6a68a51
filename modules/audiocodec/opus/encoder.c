/* SPDX-License-Identifier: Apache-2.0 */
#include "opus_codec.h"

#include <opus.h>
#include <stdlib.h>
#include <string.h>

/* Longest packet: 120 ms, six frames of 1275 bytes with their lengths (RFC 6716 section 3.4). */
#define PACKET_ROOM 7680

/* What DTX leaves of a packet that need not be sent. */
#define DTX_BYTES 2

#define BITRATE_MIN 6000
#define BITRATE_MAX 510000

struct qv_audioencoder {
	struct qv_audio_format format;
	OpusEncoder *opus;
	bool dtx;
	uint64_t sequence;
	int16_t *padded; /* a block that is shorter than any frame of Opus */
	uint8_t data[PACKET_ROOM];
};

static int application_of(const struct qv_options *options)
{
	const char *name = qv_options_string(options, "application");
	if (strcmp(name, "lowdelay") == 0)
		return OPUS_APPLICATION_RESTRICTED_LOWDELAY;
	return strcmp(name, "audio") == 0 ? OPUS_APPLICATION_AUDIO : OPUS_APPLICATION_VOIP;
}

static int set_up(struct qv_audioencoder *encoder, const struct qv_options *options, struct qv_error *err)
{
	const char *control = qv_options_string(options, "rate_control");
	int failed = opus_encoder_ctl(encoder->opus, OPUS_SET_BITRATE((opus_int32)qv_options_int(options, "bitrate")));
	failed |= opus_encoder_ctl(encoder->opus, OPUS_SET_VBR(strcmp(control, "cbr") != 0));
	failed |= opus_encoder_ctl(encoder->opus, OPUS_SET_VBR_CONSTRAINT(strcmp(control, "constrained") == 0));
	failed |= opus_encoder_ctl(encoder->opus, OPUS_SET_COMPLEXITY((int)qv_options_int(options, "complexity")));
	failed |= opus_encoder_ctl(encoder->opus, OPUS_SET_INBAND_FEC(qv_options_bool(options, "fec")));
	failed |= opus_encoder_ctl(encoder->opus, OPUS_SET_PACKET_LOSS_PERC((int)qv_options_int(options, "loss")));
	failed |= opus_encoder_ctl(encoder->opus, OPUS_SET_DTX(encoder->dtx));
	return failed ? qv_fail(err, QV_E_INTERNAL, "libopus refuses its settings") : 0;
}

struct qv_audioencoder *opus_codec_encoder_open(const struct qv_host *host, const struct qv_options *options,
						const struct qv_audio_format *format, struct qv_error *err)
{
	(void)host;
	if (opus_check_format(format, err) != 0)
		return NULL;
	struct qv_audioencoder *encoder = calloc(1, sizeof *encoder);
	if (!encoder) {
		qv_fail(err, QV_E_NOMEM, "no memory for the Opus encoder");
		return NULL;
	}
	int status = OPUS_OK;
	size_t longest = (size_t)format->rate * 120 / 1000;
	encoder->format = *format;
	encoder->dtx = qv_options_bool(options, "dtx");
	encoder->padded = calloc(longest * (size_t)format->channels, sizeof *encoder->padded);
	encoder->opus = opus_encoder_create(format->rate, format->channels, application_of(options), &status);
	if (!encoder->padded || !encoder->opus) {
		qv_fail(err, QV_E_NOMEM, "the Opus encoder does not start: %s", opus_strerror(status));
		opus_codec_encoder_close(encoder);
		return NULL;
	}
	if (set_up(encoder, options, err) != 0) {
		opus_codec_encoder_close(encoder);
		return NULL;
	}
	return encoder;
}

void opus_codec_encoder_close(struct qv_audioencoder *encoder)
{
	if (!encoder)
		return;
	if (encoder->opus)
		opus_encoder_destroy(encoder->opus);
	free(encoder->padded);
	free(encoder);
}

/* The shortest frame of Opus that holds so many samples; 0: none does. */
static size_t frame_for(const struct qv_audio_format *format, size_t frames)
{
	static const unsigned tenths[] = { 25, 50, 100, 200, 400, 600, 800, 1000, 1200 };
	for (size_t i = 0; i < sizeof tenths / sizeof tenths[0]; i++)
		if ((size_t)format->rate * tenths[i] / 10000 >= frames)
			return (size_t)format->rate * tenths[i] / 10000;
	return 0;
}

static const int16_t *fill_up(struct qv_audioencoder *encoder, const struct qv_audio_block *block, size_t frames)
{
	size_t channels = (size_t)encoder->format.channels;
	if (block->frames == frames)
		return block->samples;
	memcpy(encoder->padded, block->samples, block->frames * channels * sizeof *encoder->padded);
	memset(encoder->padded + block->frames * channels, 0,
	       (frames - block->frames) * channels * sizeof *encoder->padded);
	return encoder->padded;
}

int opus_codec_encode(struct qv_audioencoder *encoder, const struct qv_audio_block *block, struct qv_packet *packet,
		      struct qv_error *err)
{
	if (block->format.rate != encoder->format.rate || block->format.channels != encoder->format.channels)
		return qv_fail(
			err, QV_E_INVALID, "a block of %d Hz, %d channels came to an encoder of %d Hz, %d channels",
			block->format.rate, block->format.channels, encoder->format.rate, encoder->format.channels);
	size_t frames = block->frames > 0 ? frame_for(&encoder->format, block->frames) : 0;
	if (frames == 0)
		return qv_fail(err, QV_E_INVALID, "a block of %zu samples at %d Hz is not within 120 ms", block->frames,
			       encoder->format.rate);
	int size = opus_encode(encoder->opus, fill_up(encoder, block, frames), (int)frames, encoder->data,
			       (opus_int32)sizeof encoder->data);
	if (size < 0)
		return qv_fail(err, QV_E_INTERNAL, "libopus cannot encode: %s", opus_strerror(size));
	if (size == 0 || (encoder->dtx && size <= DTX_BYTES))
		return 0;
	*packet = (struct qv_packet){ .data = encoder->data,
				      .size = (size_t)size,
				      .capture_ns = block->capture_ns,
				      .sequence = encoder->sequence++,
				      .key = true,
				      .frames = (uint32_t)frames };
	return 1;
}

int opus_codec_adjust(struct qv_audioencoder *encoder, const struct qv_audio_target *target, struct qv_error *err)
{
	int failed = OPUS_OK;
	if (target->bitrate > 0) {
		int64_t bitrate = target->bitrate < BITRATE_MIN ? BITRATE_MIN : target->bitrate;
		bitrate = bitrate > BITRATE_MAX ? BITRATE_MAX : bitrate;
		failed |= opus_encoder_ctl(encoder->opus, OPUS_SET_BITRATE((opus_int32)bitrate));
	}
	if (target->loss_percent >= 0) {
		int loss = target->loss_percent > 100 ? 100 : target->loss_percent;
		failed |= opus_encoder_ctl(encoder->opus, OPUS_SET_PACKET_LOSS_PERC(loss));
	}
	return failed ? qv_fail(err, QV_E_INTERNAL, "libopus refuses a bitrate or a loss") : 0;
}

size_t opus_codec_lookahead(struct qv_audioencoder *encoder)
{
	opus_int32 samples = 0;
	int failed = opus_encoder_ctl(encoder->opus, OPUS_GET_LOOKAHEAD(&samples));
	return failed || samples < 0 ? 0 : (size_t)samples;
}
