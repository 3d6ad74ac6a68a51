/* SPDX-License-Identifier: Apache-2.0 */
/* A received picture in the mjpeg decoder, and the same bytes as a camera's picture that the encoder passes through. */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/config.h>
#include <qvisio/videocodec.h>

const char *const fuzz_corpus = "fuzz/modules/corpus/mjpeg";

static const struct qv_host host = { sizeof host, NULL, &qv_clock_monotonic, -1, NULL };
static const struct qv_video_format format = { QV_PIXEL_GRAY, QV_RANGE_FULL, 8, 8, 30, 1 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Reads every sample that the frame promises. */
static unsigned touch(const struct qv_frame *frame)
{
	unsigned sum = 0;
	for (int i = 0; i < qv_pixel_planes(frame->format.pixel); i++)
		for (size_t j = 0; j < frame->size[i]; j++)
			sum += frame->plane[i][j];
	return sum;
}

static void encode_sound(const struct qv_videocodec_class *class, struct qv_videoencoder *encoder,
			 struct qv_packet *packet)
{
	static const uint8_t samples[64];
	struct qv_frame frame = { .format = format, .plane = { samples }, .stride = { 8 }, .size = { 64 } };
	require(class->encode(encoder, &frame, packet, NULL) == 1);
}

static void decode(const struct qv_videocodec_class *class, struct qv_videodecoder *decoder,
		   const struct qv_packet *hostile, const struct qv_packet *sound)
{
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	if (class->decode(decoder, hostile, &frame, &err) == 1) {
		require(qv_frame_check(&frame, NULL) == 0);
		require((int64_t)frame.format.width * frame.format.height <= 65536);
		volatile unsigned sum = touch(&frame);
		(void)sum;
	} else {
		require(err.code == QV_E_PROTOCOL);
	}
	/* Whatever came before it, a sound picture is shown. */
	require(class->decode(decoder, sound, &frame, NULL) == 1);
}

static void pass_through(const struct qv_videocodec_class *class, struct qv_videoencoder *encoder, const uint8_t *data,
			 size_t size)
{
	struct qv_frame frame = { .format = format, .plane = { data }, .size = { size } };
	struct qv_packet packet;
	frame.format.pixel = QV_PIXEL_JPEG;
	if (class->encode(encoder, &frame, &packet, NULL) == 1)
		require(packet.data == data && packet.size <= size && packet.size >= 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const settings[] = { "max_pixels=65536", NULL };
	const struct qv_videocodec_class *class = qv_videocodec_class(qv_module.classes[0]);
	struct qv_options *options =
		qv_options_from_strings(settings, class->head.options, class->head.option_size, "fuzz", NULL);
	struct qv_videoencoder *encoder = class->encoder_open(&host, options, &format, NULL);
	struct qv_videodecoder *decoder = class->decoder_open(&host, options, "mjpeg", &format, NULL);
	struct qv_packet hostile = { .data = data, .size = size }, sound;
	require(encoder && decoder);
	encode_sound(class, encoder, &sound);
	decode(class, decoder, &hostile, &sound);
	pass_through(class, encoder, data, size);
	class->decoder_close(decoder);
	class->encoder_close(encoder);
	qv_options_free(options);
	return 0;
}
