/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audio_parts.h"

static struct qv_loader *loader;
static const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };

struct codec {
	struct part part;
	const struct qv_audiocodec_class *class;
	struct qv_audio_format format;
	size_t block_frames;
	struct qv_audioencoder *encoder;
	struct qv_audiodecoder *decoder;
};

static struct codec codec_open(const char *text)
{
	struct codec codec = { 0 };
	struct qv_error err = QV_ERROR_INIT;
	if (part_load(&codec.part, loader, "audiocodec", text, &err) != 0)
		fail_msg("%s", err.message);
	codec.class = qv_audiocodec_class(codec.part.class);
	assert_int_equal(codec.class->plan(codec.part.options, &codec.format, &codec.block_frames, &err), 0);
	codec.encoder = codec.class->encoder_open(&host, codec.part.options, &codec.format, &err);
	codec.decoder = codec.class->decoder_open(&host, codec.part.options, &codec.format, &err);
	assert_non_null(codec.encoder);
	assert_non_null(codec.decoder);
	return codec;
}

static void codec_close(struct codec *codec)
{
	codec->class->encoder_close(codec->encoder);
	codec->class->decoder_close(codec->decoder);
	part_free(&codec->part);
}

static void plan_is_the_original_call_unless_told_otherwise(void **state)
{
	(void)state;
	struct codec codec = codec_open("pcm");
	assert_int_equal(codec.format.rate, 16000);
	assert_int_equal(codec.format.channels, 1);
	assert_int_equal(codec.block_frames, 1024);
	assert_string_equal(codec.class->wire_name, "pcm-s16le");
	codec_close(&codec);
	codec = codec_open("pcm,rate=48000,channels=2,block=480,accumulate=1");
	assert_int_equal(codec.format.rate, 48000);
	assert_int_equal(codec.format.channels, 2);
	assert_int_equal(codec.block_frames, 480);
	codec_close(&codec);
}

static void samples_come_back_and_lie_little_endian(void **state)
{
	(void)state;
	static const char *const variants[] = { "pcm", "pcm,rate=48000,channels=2" };
	for (size_t v = 0; v < 2; v++) {
		struct codec codec = codec_open(variants[v]);
		int16_t samples[960];
		size_t count = sizeof samples / sizeof samples[0], channels = (size_t)codec.format.channels;
		for (size_t i = 0; i < count; i++)
			samples[i] = (int16_t)(uint16_t)(0x8001u + i * 2654435761u);
		samples[0] = INT16_MIN;
		samples[1] = 0x1234;
		for (uint64_t n = 0; n < 3; n++) {
			struct qv_audio_block in = { .format = codec.format,
						     .samples = samples,
						     .frames = count / channels,
						     .capture_ns = 77 + (int64_t)n },
					      out;
			struct qv_packet packet;
			assert_int_equal(codec.class->encode(codec.encoder, &in, &packet, NULL), 1);
			assert_int_equal(packet.size, sizeof samples);
			assert_int_equal(packet.sequence, n);
			assert_true(packet.key);
			assert_memory_equal(packet.data, "\x00\x80\x34\x12", 4);
			assert_int_equal(codec.class->decode(codec.decoder, &packet, &out, NULL), 1);
			assert_int_equal(out.frames, in.frames);
			assert_int_equal(out.capture_ns, in.capture_ns);
			assert_int_equal(out.position, n * in.frames);
			assert_int_equal(out.format.rate, in.format.rate);
			assert_int_equal(out.format.channels, in.format.channels);
			assert_memory_equal(out.samples, samples, sizeof samples);
		}
		codec_close(&codec);
	}
}

static void damaged_packets_are_refused_and_change_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *codec;
		size_t size;
		bool good;
	} table[] = {
		{ "pcm", 0, false },
		{ "pcm", 1, false },
		{ "pcm", 2047, false },
		{ "pcm", 2, true },
		{ "pcm", 65536 * 2, true },
		{ "pcm", 65536 * 2 + 2, false },
		{ "pcm", QV_PACKET_MAX, false },
		{ "pcm,channels=2", 2, false },
		{ "pcm,channels=2", 6, false },
		{ "pcm,channels=2", 8, true },
		{ "pcm,channels=3", 8, false },
		{ "pcm,channels=8", 65536 * 16, true },
		{ "pcm,channels=8", 65537 * 16, false },
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct codec codec = codec_open(table[i].codec);
		uint8_t *bytes = calloc(1, table[i].size + 1);
		struct qv_packet packet = { .data = bytes, .size = table[i].size };
		struct qv_audio_block block;
		struct qv_error err = QV_ERROR_INIT;
		int got = codec.class->decode(codec.decoder, &packet, &block, &err);
		if (got != (table[i].good ? 1 : -1))
			fail_msg("%s with %zu bytes: %d %s", table[i].codec, table[i].size, got, err.message);
		assert_int_equal(err.code, table[i].good ? QV_OK : QV_E_PROTOCOL);
		packet.size = 2 * (size_t)codec.format.channels;
		free(bytes);
		bytes = calloc(1, packet.size);
		packet.data = bytes;
		assert_int_equal(codec.class->decode(codec.decoder, &packet, &block, NULL), 1);
		assert_int_equal(block.position,
				 table[i].good ? table[i].size / (2 * (size_t)codec.format.channels) : 0);
		free(bytes);
		codec_close(&codec);
	}
}

static void a_block_of_another_format_is_refused(void **state)
{
	(void)state;
	struct codec codec = codec_open("pcm");
	int16_t samples[4] = { 0 };
	struct qv_audio_block block = { .format = { 16000, 2 }, .samples = samples, .frames = 2 };
	struct qv_packet packet;
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(codec.class->encode(codec.encoder, &block, &packet, &err), -1);
	assert_int_equal(err.code, QV_E_INVALID);
	assert_string_equal(err.message, "a block of 16000 Hz, 2 channels came to an encoder of 16000 Hz, 1 channels");
	codec_close(&codec);
}

static int setup(void **state)
{
	(void)state;
	loader = qv_loader_new(NULL, NULL, NULL);
	return loader ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	qv_loader_free(loader);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_is_the_original_call_unless_told_otherwise),
		cmocka_unit_test(samples_come_back_and_lie_little_endian),
		cmocka_unit_test(damaged_packets_are_refused_and_change_nothing),
		cmocka_unit_test(a_block_of_another_format_is_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
