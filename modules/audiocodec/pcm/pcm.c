/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audio codec "pcm": samples as they are, interleaved signed 16-bit little-endian (wire name "pcm-s16le"). A packet is
 * the samples of one block and nothing else; rate and channels are agreed by the session.
 */
#include <qvisio/audiocodec.h>

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* Longest block, in samples per channel: 340 ms at 192 kHz, 8 s at 8 kHz. Bounds what a peer makes a decoder hold. */
#define BLOCK_FRAMES_MAX 65536

struct qv_audioencoder {
	struct qv_audio_format format;
	uint64_t sequence;
	int16_t *data; /* little-endian */
};

struct qv_audiodecoder {
	struct qv_audio_format format;
	uint64_t position;
	int16_t *samples;
};

static const struct qv_option options[] = {
	{ .name = "rate",
	  .type = QV_OPTION_INT,
	  .fallback = "16000",
	  .min = 8000,
	  .max = 192000,
	  .unit = "Hz",
	  .help = "Samples per second and channel." },
	{ .name = "channels", .type = QV_OPTION_INT, .fallback = "1", .min = 1, .max = 8, .help = "Sound channels." },
	{ .name = "block",
	  .type = QV_OPTION_INT,
	  .fallback = "512",
	  .min = 16,
	  .max = 2048,
	  .help = "Samples per channel of one block." },
	{ .name = "accumulate",
	  .type = QV_OPTION_INT,
	  .fallback = "2",
	  .min = 1,
	  .max = 32,
	  .help = "Blocks put into one packet: fewer for less delay, more for fewer packets." },
	{ .name = NULL },
};

static int pcm_plan(const struct qv_options *values, struct qv_audio_format *format, size_t *block_frames,
		    struct qv_error *err)
{
	format->rate = (int)qv_options_int(values, "rate");
	format->channels = (int)qv_options_int(values, "channels");
	*block_frames = (size_t)(qv_options_int(values, "block") * qv_options_int(values, "accumulate"));
	return qv_audio_format_check(format, err);
}

/* Frames of a packet, or 0 if it is not one of ours. */
static size_t check_packet(const struct qv_audiodecoder *decoder, const struct qv_packet *packet, struct qv_error *err)
{
	size_t frame_bytes = (size_t)decoder->format.channels * sizeof decoder->samples[0];
	size_t frames = packet->size / frame_bytes;
	if (packet->size == 0 || packet->size % frame_bytes != 0) {
		qv_fail(err, QV_E_PROTOCOL, "a PCM packet of %zu bytes is not whole samples of %zu bytes", packet->size,
			frame_bytes);
		return 0;
	}
	if (frames > BLOCK_FRAMES_MAX) {
		qv_fail(err, QV_E_PROTOCOL, "a PCM packet of %zu samples is longer than %d", frames, BLOCK_FRAMES_MAX);
		return 0;
	}
	return frames;
}

/* Room for the longest block, which later calls then need not grow. */
static int16_t *room_for_block(const struct qv_audio_format *format, struct qv_error *err)
{
	if (qv_audio_format_check(format, err) != 0)
		return NULL;
	int16_t *samples = calloc((size_t)BLOCK_FRAMES_MAX * (size_t)format->channels, sizeof *samples);
	if (!samples)
		qv_fail(err, QV_E_NOMEM, "no memory for an audio block");
	return samples;
}

static struct qv_audioencoder *pcm_encoder_open(const struct qv_host *host, const struct qv_options *values,
						const struct qv_audio_format *format, struct qv_error *err)
{
	(void)host, (void)values;
	struct qv_audioencoder *encoder = calloc(1, sizeof *encoder);
	if (!encoder) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio encoder");
		return NULL;
	}
	encoder->format = *format;
	encoder->data = room_for_block(format, err);
	if (!encoder->data) {
		free(encoder);
		return NULL;
	}
	return encoder;
}

static void pcm_encoder_close(struct qv_audioencoder *encoder)
{
	if (!encoder)
		return;
	free(encoder->data);
	free(encoder);
}

static int pcm_encode(struct qv_audioencoder *encoder, const struct qv_audio_block *block, struct qv_packet *packet,
		      struct qv_error *err)
{
	if (block->format.rate != encoder->format.rate || block->format.channels != encoder->format.channels)
		return qv_fail(
			err, QV_E_INVALID, "a block of %d Hz, %d channels came to an encoder of %d Hz, %d channels",
			block->format.rate, block->format.channels, encoder->format.rate, encoder->format.channels);
	if (block->frames < 1 || block->frames > BLOCK_FRAMES_MAX)
		return qv_fail(err, QV_E_INVALID, "a block of %zu samples is outside 1 to %d", block->frames,
			       BLOCK_FRAMES_MAX);
	size_t count = block->frames * (size_t)encoder->format.channels;
	for (size_t i = 0; i < count; i++)
		encoder->data[i] = (int16_t)htole16((uint16_t)block->samples[i]);
	*packet = (struct qv_packet){ .data = (const uint8_t *)encoder->data,
				      .size = count * sizeof encoder->data[0],
				      .capture_ns = block->capture_ns,
				      .sequence = encoder->sequence++,
				      .key = true,
				      .frames = (uint32_t)block->frames };
	return 1;
}

static struct qv_audiodecoder *pcm_decoder_open(const struct qv_host *host, const struct qv_options *values,
						const struct qv_audio_format *format, struct qv_error *err)
{
	(void)host, (void)values;
	struct qv_audiodecoder *decoder = calloc(1, sizeof *decoder);
	if (!decoder) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio decoder");
		return NULL;
	}
	decoder->format = *format;
	decoder->samples = room_for_block(format, err);
	if (!decoder->samples) {
		free(decoder);
		return NULL;
	}
	return decoder;
}

static void pcm_decoder_close(struct qv_audiodecoder *decoder)
{
	if (!decoder)
		return;
	free(decoder->samples);
	free(decoder);
}

static int pcm_decode(struct qv_audiodecoder *decoder, const struct qv_packet *packet, struct qv_audio_block *block,
		      struct qv_error *err)
{
	size_t frames = check_packet(decoder, packet, err);
	if (frames == 0)
		return -1;
	memcpy(decoder->samples, packet->data, packet->size);
	for (size_t i = 0; i < frames * (size_t)decoder->format.channels; i++)
		decoder->samples[i] = (int16_t)le16toh((uint16_t)decoder->samples[i]);
	*block = (struct qv_audio_block){ .format = decoder->format,
					  .samples = decoder->samples,
					  .frames = frames,
					  .capture_ns = packet->capture_ns,
					  .position = decoder->position };
	decoder->position += frames;
	return 1;
}

static int pcm_duration(const struct qv_audiodecoder *decoder, const struct qv_packet *packet, size_t *frames,
			struct qv_error *err)
{
	*frames = check_packet(decoder, packet, err);
	return *frames > 0 ? 0 : -1;
}

static const struct qv_audiocodec_class pcm = {
	.head = { .kind = "audiocodec",
		  .name = "pcm",
		  .summary = "16-bit samples as they are",
		  .abi_major = QV_AUDIOCODEC_ABI_MAJOR,
		  .abi_minor = QV_AUDIOCODEC_ABI_MINOR,
		  .size = sizeof(struct qv_audiocodec_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.wire_name = "pcm-s16le",
	.plan = pcm_plan,
	.encoder_open = pcm_encoder_open,
	.encoder_close = pcm_encoder_close,
	.encode = pcm_encode,
	.decoder_open = pcm_decoder_open,
	.decoder_close = pcm_decoder_close,
	.decode = pcm_decode,
	.duration = pcm_duration,
};

static const struct qv_class *const classes[] = { &pcm.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "1.0",
	.license = "Apache-2.0",
	.classes = classes,
};
