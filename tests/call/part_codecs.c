/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/audiocodec.h>
#include <qvisio/videocodec.h>

struct qv_videoencoder {
	uint8_t *bytes;
	uint64_t count;
};

static struct qv_videoencoder *encoder_open(const struct qv_host *host, const struct qv_options *options,
					    const struct qv_video_format *format, struct qv_error *err)
{
	(void)host;
	(void)options;
	(void)format;
	(void)err;
	struct qv_videoencoder *encoder = calloc(1, sizeof *encoder);
	encoder->bytes = calloc(1, parts.video_packet);
	return encoder;
}

static void encoder_close(struct qv_videoencoder *encoder)
{
	if (encoder)
		free(encoder->bytes);
	free(encoder);
}

static int encode(struct qv_videoencoder *encoder, const struct qv_frame *frame, struct qv_packet *packet,
		  struct qv_error *err)
{
	(void)err;
	parts_lock();
	*packet = (struct qv_packet){ .data = encoder->bytes,
				      .size = parts.video_packet,
				      .capture_ns = frame->capture_ns,
				      .sequence = encoder->count,
				      .key = !parts.video_inter_coded || encoder->count % 10 == 0 };
	parts.encoded_frames++;
	parts_unlock();
	encoder->count++;
	memcpy(encoder->bytes, frame->plane[0], 16);
	return 1;
}

struct qv_videodecoder {
	uint8_t luma[16 * 16], chroma[8 * 8];
	int count;
};

static struct qv_videodecoder *decoder_open(const struct qv_host *host, const struct qv_options *options,
					    const char *wire_name, const struct qv_video_format *format,
					    struct qv_error *err)
{
	(void)host;
	(void)options;
	(void)wire_name;
	(void)format;
	(void)err;
	return calloc(1, sizeof(struct qv_videodecoder));
}

static void decoder_close(struct qv_videodecoder *decoder)
{
	free(decoder);
}

static int decode(struct qv_videodecoder *decoder, const struct qv_packet *packet, struct qv_frame *frame,
		  struct qv_error *err)
{
	parts_lock();
	int every = parts.damaged_every;
	parts_unlock();
	if (packet->size < 16 || (every && ++decoder->count % every == 0))
		return qv_fail(err, QV_E_PROTOCOL, "damaged");
	memcpy(decoder->luma, packet->data, 16);
	*frame = (struct qv_frame){ .format = parts_video_format,
				    .plane = { decoder->luma, decoder->chroma, decoder->chroma },
				    .stride = { 16, 8, 8 },
				    .size = { sizeof decoder->luma, sizeof decoder->chroma, sizeof decoder->chroma } };
	return 1;
}

static const char *const wire_names[] = { "stamp", NULL };

static const struct qv_videocodec_class videocodec = {
	.head = { .kind = "videocodec", .name = "stamp" },
	.wire_names = wire_names,
	.pixels = QV_PIXEL_BIT(QV_PIXEL_I420),
	.encoder_open = encoder_open,
	.encoder_close = encoder_close,
	.encode = encode,
	.decoder_open = decoder_open,
	.decoder_close = decoder_close,
	.decode = decode,
};

static int audio_plan(const struct qv_options *options, struct qv_audio_format *format, size_t *block_frames,
		      struct qv_error *err)
{
	(void)options;
	(void)err;
	*format = (struct qv_audio_format){ AUDIO_RATE, 1 };
	*block_frames = AUDIO_BLOCK;
	return 0;
}

struct qv_audioencoder {
	int unused;
};

static struct qv_audioencoder *audioencoder_open(const struct qv_host *host, const struct qv_options *options,
						 const struct qv_audio_format *format, struct qv_error *err)
{
	(void)host;
	(void)options;
	(void)format;
	(void)err;
	return calloc(1, sizeof(struct qv_audioencoder));
}

static void audioencoder_close(struct qv_audioencoder *encoder)
{
	free(encoder);
}

static int audio_encode(struct qv_audioencoder *encoder, const struct qv_audio_block *block, struct qv_packet *packet,
			struct qv_error *err)
{
	(void)encoder;
	(void)err;
	*packet = (struct qv_packet){ .data = (const uint8_t *)block->samples,
				      .size = block->frames * sizeof(int16_t),
				      .capture_ns = block->capture_ns,
				      .key = true,
				      .frames = (uint32_t)block->frames };
	return 1;
}

struct qv_audiodecoder {
	int16_t samples[AUDIO_BLOCK];
};

static struct qv_audiodecoder *audiodecoder_open(const struct qv_host *host, const struct qv_options *options,
						 const struct qv_audio_format *format, struct qv_error *err)
{
	(void)host;
	(void)options;
	(void)format;
	(void)err;
	return calloc(1, sizeof(struct qv_audiodecoder));
}

static void audiodecoder_close(struct qv_audiodecoder *decoder)
{
	free(decoder);
}

static int audio_decode(struct qv_audiodecoder *decoder, const struct qv_packet *packet, struct qv_audio_block *block,
			struct qv_error *err)
{
	if (packet->size != sizeof decoder->samples)
		return qv_fail(err, QV_E_PROTOCOL, "damaged");
	memcpy(decoder->samples, packet->data, packet->size);
	*block = (struct qv_audio_block){ .format = { AUDIO_RATE, 1 },
					  .samples = decoder->samples,
					  .frames = AUDIO_BLOCK };
	return 1;
}

static const struct qv_audiocodec_class audiocodec = {
	.head = { .kind = "audiocodec", .name = "raw" },
	.wire_name = "raw16",
	.plan = audio_plan,
	.encoder_open = audioencoder_open,
	.encoder_close = audioencoder_close,
	.encode = audio_encode,
	.decoder_open = audiodecoder_open,
	.decoder_close = audiodecoder_close,
	.decode = audio_decode,
};

const struct qv_role video_codec_role = { .class = &videocodec.head };
const struct qv_role audio_codec_role = { .class = &audiocodec.head };
