/* SPDX-License-Identifier: Apache-2.0 */
/* The vpx codec against ffmpeg, whose VP8 and VP9 decoders are its own, and against seeded losses. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/videocodec.h>

#include "../../../tests/harness/media_test.h"

#define WIDTH    320
#define HEIGHT   240
#define BYTES    (WIDTH * HEIGHT * 3 / 2)
#define FRAME_NS INT64_C(33333333)

static const char *const codecs[] = { "vp8", "vp9" };

struct codec {
	const struct qv_videocodec_class *class;
	struct qv_options *options;
	struct qv_videoencoder *encoder;
	struct qv_videodecoder *decoder;
	struct qv_picture *scene; /* larger than the picture, which wanders over it */
	int number;               /* of the next frame */
};

static const struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_LIMITED, WIDTH, HEIGHT, 30, 1 };

static struct qv_videodecoder *decoder_open(struct codec *codec, const char *wire_name)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_videodecoder *decoder =
		codec->class->decoder_open(&media_host, codec->options, wire_name, &format, &err);
	if (!decoder)
		fail_msg("%s", err.message);
	return decoder;
}

/* `settings`: "name=value,name=value". */
static struct codec codec_open(const char *name, const char *settings)
{
	struct codec codec = { .class = qv_videocodec_class(media_class("videocodec", "vpx")) };
	struct qv_error err = QV_ERROR_INIT;
	char text[256];
	const char *words[16] = { NULL };
	size_t count = 0;
	snprintf(text, sizeof text, "codec=%s,%s", name, settings);
	for (char *save, *word = strtok_r(text, ",", &save); word && count < 15; word = strtok_r(NULL, ",", &save))
		words[count++] = word;
	codec.options = media_options(&codec.class->head, words);
	codec.encoder = codec.class->encoder_open(&media_host, codec.options, &format, &err);
	if (!codec.encoder)
		fail_msg("%s", err.message);
	codec.decoder = decoder_open(&codec, name);
	codec.scene = media_pattern(QV_PIXEL_I420, WIDTH + 64, HEIGHT + 64, 1);
	return codec;
}

static void codec_close(struct codec *codec)
{
	codec->class->encoder_close(codec->encoder);
	codec->class->decoder_close(codec->decoder);
	qv_options_free(codec->options);
	qv_picture_free(codec->scene);
}

/* The part of the scene that frame `number` shows. */
static struct qv_frame view(const struct codec *codec, int number)
{
	struct qv_frame whole = qv_picture_frame(codec->scene), frame = { .format = format };
	int x = 2 * (number % 32 < 16 ? number % 16 : 16 - number % 16), y = 2 * (number / 2 % 16);
	for (int i = 0; i < 3; i++) {
		int width, height, half = i ? 2 : 1;
		qv_plane_dimensions(&format, i, &width, &height);
		size_t offset = (size_t)(y / half) * (size_t)whole.stride[i] + (size_t)(x / half);
		frame.plane[i] = whole.plane[i] + offset;
		frame.stride[i] = whole.stride[i];
		frame.size[i] = (size_t)whole.stride[i] * (size_t)(height - 1) + (size_t)width;
	}
	frame.capture_ns = 1 + number * FRAME_NS;
	frame.sequence = (uint64_t)number;
	return frame;
}

/* Encodes until a packet comes; `frame` is what it is of. */
static struct qv_packet next_packet(struct codec *codec, struct qv_frame *frame)
{
	struct qv_packet packet = { 0 };
	struct qv_error err = QV_ERROR_INIT;
	int got = 0;
	for (int tries = 0; got == 0 && tries < 60; tries++) {
		*frame = view(codec, codec->number++);
		got = codec->class->encode(codec->encoder, frame, &packet, &err);
	}
	if (got != 1)
		fail_msg("no packet: %s", err.message);
	return packet;
}

static struct qv_frame decode(struct codec *codec, const struct qv_packet *packet)
{
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	if (codec->class->decode(codec->decoder, packet, &frame, &err) != 1)
		fail_msg("packet %llu is not shown: %s", (unsigned long long)packet->sequence, err.message);
	assert_int_equal(qv_frame_check(&frame, &err), 0);
	return frame;
}

static void need(const char *program)
{
	if (media_run("command -v %s >/dev/null", program) != 0) {
		print_message("%s is missing\n", program);
		skip();
	}
}

static void put_le(FILE *file, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		fputc((int)(value >> (8 * i) & 0xff), file);
}

static void ivf_header(FILE *file, const char *fourcc)
{
	fwrite("DKIF", 1, 4, file);
	put_le(file, 0, 2);
	put_le(file, 32, 2);
	fwrite(fourcc, 1, 4, file);
	put_le(file, WIDTH, 2);
	put_le(file, HEIGHT, 2);
	put_le(file, 30, 4);
	put_le(file, 1, 4);
	put_le(file, 0, 8);
}

static void ivf_packet(FILE *file, const struct qv_packet *packet)
{
	put_le(file, packet->size, 4);
	put_le(file, packet->sequence, 8);
	fwrite(packet->data, 1, packet->size, file);
}

/* Planes without gaps, as ffmpeg writes them. */
static void pack(const struct qv_frame *frame, uint8_t *out)
{
	for (int i = 0; i < 3; i++) {
		int width, height;
		qv_plane_dimensions(&frame->format, i, &width, &height);
		for (int y = 0; y < height; y++, out += width)
			memcpy(out, frame->plane[i] + (size_t)y * (size_t)frame->stride[i], (size_t)width);
	}
}

/* Both decoders have to agree in every bit, whatever the layers. */
static void ffmpeg_decodes_ours(void **state)
{
	(void)state;
	enum { PICTURES = 40 };
	need("ffmpeg");
	for (int i = 0; i < 6; i++) {
		char *folder = media_folder(), path[512], settings[64];
		snprintf(settings, sizeof settings, "bitrate=600000,temporal_layers=%d", 1 + i / 2);
		struct codec codec = codec_open(codecs[i % 2], settings);
		uint8_t *ours = malloc((size_t)PICTURES * BYTES);
		assert_non_null(ours);
		snprintf(path, sizeof path, "%s/a.ivf", folder);
		FILE *file = fopen(path, "wb");
		assert_non_null(file);
		ivf_header(file, i % 2 ? "VP90" : "VP80");
		for (int n = 0; n < PICTURES; n++) {
			struct qv_frame in, out;
			struct qv_packet packet = next_packet(&codec, &in);
			ivf_packet(file, &packet);
			out = decode(&codec, &packet);
			double psnr = media_psnr(&in, &out);
			if (psnr < 28)
				fail_msg("%s %s: picture %d has %.1f dB", codecs[i % 2], settings, n, psnr);
			pack(&out, ours + (size_t)n * BYTES);
		}
		fclose(file);
		assert_int_equal(media_run("ffmpeg -v error -i '%s' -fps_mode passthrough -f rawvideo -y '%s/a.raw'",
					   path, folder),
				 0);
		size_t size;
		snprintf(path, sizeof path, "%s/a.raw", folder);
		uint8_t *theirs = media_read_file(path, &size);
		assert_non_null(theirs);
		assert_int_equal(size, (size_t)PICTURES * BYTES);
		assert_memory_equal(theirs, ours, size);
		free(theirs);
		free(ours);
		media_folder_remove(folder);
		codec_close(&codec);
	}
}

static uint32_t get_le32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* With alternate references that are not shown, superframes, and VP9 in 4:4:4. */
static void ours_decodes_ffmpeg(void **state)
{
	(void)state;
	static const struct {
		const char *wire_name, *arguments, *pixel;
		enum qv_pixel expected;
	} table[] = {
		{ "vp8", "-c:v libvpx -b:v 800k -auto-alt-ref 1 -lag-in-frames 12", "yuv420p", QV_PIXEL_I420 },
		{ "vp8", "-c:v libvpx -b:v 800k -deadline realtime -cpu-used 8", "yuv420p", QV_PIXEL_I420 },
		{ "vp9", "-c:v libvpx-vp9 -b:v 800k -cpu-used 5 -lag-in-frames 12 -auto-alt-ref 1", "yuv420p",
		  QV_PIXEL_I420 },
		{ "vp9", "-c:v libvpx-vp9 -b:v 800k -deadline realtime -cpu-used 8", "yuv444p", QV_PIXEL_I444 },
	};
	need("ffmpeg");
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		char *folder = media_folder(), path[512];
		struct codec codec = codec_open(table[i].wire_name, "threads=2");
		assert_int_equal(media_run("cd '%s' && ffmpeg -v error -f lavfi -i testsrc2=size=320x240:rate=30 "
					   "-frames:v 30 -pix_fmt %s %s -y a.ivf && ffmpeg -v error -i a.ivf "
					   "-fps_mode passthrough -f rawvideo -y a.raw",
					   folder, table[i].pixel, table[i].arguments),
				 0);
		size_t size, raw_size, shown = 0;
		snprintf(path, sizeof path, "%s/a.ivf", folder);
		uint8_t *ivf = media_read_file(path, &size);
		snprintf(path, sizeof path, "%s/a.raw", folder);
		uint8_t *raw = media_read_file(path, &raw_size);
		assert_non_null(ivf);
		assert_non_null(raw);
		struct qv_packet packet = { .sequence = 0 };
		for (size_t at = 32; at + 12 < size; at += 12 + packet.size, packet.sequence++) {
			struct qv_frame frame;
			struct qv_error err = QV_ERROR_INIT;
			packet.size = get_le32(ivf + at);
			packet.data = ivf + at + 12;
			int got = codec.class->decode(codec.decoder, &packet, &frame, &err);
			if (got < 0)
				fail_msg("%s, packet %llu: %s", table[i].arguments, (unsigned long long)packet.sequence,
					 err.message);
			if (got == 0)
				continue;
			size_t bytes = raw_size / 30;
			assert_int_equal(frame.format.pixel, table[i].expected);
			struct qv_frame theirs =
				media_raw_frame(raw + shown++ * bytes, bytes, table[i].expected, 320, 240);
			theirs.format.range = frame.format.range;
			assert_true(media_psnr(&theirs, &frame) > 98);
		}
		assert_int_equal(shown, 30);
		free(ivf);
		free(raw);
		media_folder_remove(folder);
		codec_close(&codec);
	}
}

static uint32_t random_state;

static unsigned random_below(unsigned limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % limit;
}

struct outcome {
	int made, lost, shown, frozen_longest, keys, repairs;
	bool broken; /* the base layer is, and the receiver has said so */
};

static struct qv_packet copy_packet(const struct qv_packet *packet, uint8_t *room, size_t size)
{
	struct qv_packet copy = *packet;
	assert_true(packet->size <= size);
	memcpy(room, packet->data, packet->size);
	copy.data = room;
	return copy;
}

/*
 * A call over a network that loses `percent` of the pictures and tells of each one `delay` pictures later. Whatever is
 * shown has to be, in every bit, what a receiver shows who got everything.
 */
static struct outcome lossy_call(const char *name, const char *settings, unsigned percent, unsigned delay,
				 bool feedback)
{
	enum { PICTURES = 240 };
	static uint8_t bytes[1 << 20];
	struct codec codec = codec_open(name, settings);
	struct qv_videodecoder *witness = decoder_open(&codec, name);
	struct outcome outcome = { 0 };
	enum qv_picture_fate fates[PICTURES];
	int frozen = 0;
	random_state = 7;
	for (unsigned n = 0; n < PICTURES; n++) {
		struct qv_frame in, whole, out;
		struct qv_error err = QV_ERROR_INIT;
		struct qv_packet made = next_packet(&codec, &in);
		struct qv_packet packet = copy_packet(&made, bytes, sizeof bytes);
		bool lost = n > 0 && random_below(100) < percent;
		assert_int_equal(packet.sequence, n);
		assert_int_equal(codec.class->decode(witness, &packet, &whole, &err), 1);
		int got = lost ? 0 : codec.class->decode(codec.decoder, &packet, &out, &err);
		if (got < 0)
			fail_msg("picture %u: %s", n, err.message);
		if (got == 1) {
			if (media_psnr(&whole, &out) < 98)
				fail_msg("%s %s: picture %u is shown corrupt", name, settings, n);
			outcome.repairs += outcome.broken && !packet.key;
		}
		frozen = got == 1 ? 0 : frozen + 1;
		outcome.frozen_longest = frozen > outcome.frozen_longest ? frozen : outcome.frozen_longest;
		outcome.made++;
		outcome.lost += lost;
		outcome.shown += got == 1;
		outcome.keys += packet.key;
		outcome.broken = codec.class->need(codec.decoder) != QV_NEED_NOTHING;
		fates[n] = got == 1 ? QV_PICTURE_DECODED : QV_PICTURE_LOST;
		if (feedback && n >= delay)
			codec.class->feedback(codec.encoder, n - delay, fates[n - delay]);
	}
	codec.class->decoder_close(witness);
	codec_close(&codec);
	return outcome;
}

static void losses_show_no_corrupt_picture_and_are_repaired(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		char settings[96];
		snprintf(settings, sizeof settings, "bitrate=1000000,key_interval=0,temporal_layers=%d", 1 + i / 2);
		struct outcome repaired = lossy_call(codecs[i % 2], settings, 5, 3, true);
		struct outcome left = lossy_call(codecs[i % 2], settings, 5, 3, false);
		print_message("%s, %d layers, 5 %% lost: %d of %d shown, %d keys, longest freeze %d; without feedback "
			      "%d shown\n",
			      codecs[i % 2], 1 + i / 2, repaired.shown, repaired.made, repaired.keys,
			      repaired.frozen_longest, left.shown);
		assert_int_equal(left.keys, 1);
		assert_true(repaired.lost > 5);
		assert_true(repaired.shown > left.shown);
		/* A loss costs itself and what comes until the encoder knows of it, unless that is lost, too. */
		assert_true(repaired.frozen_longest <= 12);
		assert_true(repaired.repairs > 0);
		assert_true(repaired.keys <= 3);
		assert_true(repaired.shown >= repaired.made - 5 * repaired.lost);
	}
}

static void key_comes_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		char settings[96];
		snprintf(settings, sizeof settings, "key_interval=0,temporal_layers=%d", 1 + i / 2);
		struct codec codec = codec_open(codecs[i % 2], settings);
		struct qv_frame in;
		for (int n = 0; n < 30; n++) {
			bool asked = n % 7 == 5;
			if (asked)
				codec.class->request_key(codec.encoder);
			struct qv_packet packet = next_packet(&codec, &in);
			assert_int_equal(packet.key, asked || n == 0);
			decode(&codec, &packet);
		}
		codec_close(&codec);
	}
}

static void keys_come_at_the_interval(void **state)
{
	(void)state;
	struct codec codec = codec_open("vp8", "key_interval=1,frame_drop=false");
	struct qv_frame in;
	int keys = 0;
	for (int n = 0; n < 95; n++)
		keys += next_packet(&codec, &in).key;
	assert_int_equal(keys, 4);
	codec_close(&codec);
}

/* Bit/s over `seconds` of what is encoded. */
static double measure_rate(struct codec *codec, int seconds)
{
	size_t bytes = 0;
	for (int last = codec->number + 30 * seconds; codec->number < last;) {
		struct qv_frame frame = view(codec, codec->number++);
		struct qv_packet packet;
		if (codec->class->encode(codec->encoder, &frame, &packet, NULL) == 1)
			bytes += packet.size;
	}
	return (double)bytes * 8 / seconds;
}

static void bitrate_steps_are_followed(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct codec codec =
			codec_open(codecs[i % 2], i < 2 ? "bitrate=300000,key_interval=0"
							: "bitrate=300000,key_interval=0,temporal_layers=3");
		static const int64_t rates[] = { 300000, 80000, 200000 };
		for (size_t r = 0; r < 3; r++) {
			struct qv_video_target target = { .bitrate = rates[r] };
			assert_int_equal(codec.class->adjust(codec.encoder, &target, NULL), 0);
			measure_rate(&codec, 1);
			double measured = measure_rate(&codec, 3), ratio = measured / (double)rates[r];
			if (ratio < 0.6 || ratio > 1.25)
				fail_msg("%s: %.0f bit/s where %lld were asked for", codecs[i % 2], measured,
					 (long long)rates[r]);
		}
		codec_close(&codec);
	}
}

static void base_layer_stands_alone(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		int layers = 2 + i / 2, base = 0;
		char settings[96];
		snprintf(settings, sizeof settings, "key_interval=0,temporal_layers=%d", layers);
		struct codec codec = codec_open(codecs[i % 2], settings);
		for (int n = 0; n < 32; n++) {
			struct qv_frame in;
			struct qv_packet packet = next_packet(&codec, &in);
			assert_true(packet.told);
			assert_true(packet.layer < layers);
			assert_int_equal(packet.discardable, packet.layer == layers - 1);
			if (packet.layer > 0)
				continue;
			base++;
			decode(&codec, &packet);
			assert_int_equal(codec.class->need(codec.decoder), QV_NEED_NOTHING);
		}
		assert_int_equal(base, layers == 2 ? 16 : 8);
		codec_close(&codec);
	}
}

static void sizes_change_on_the_way(void **state)
{
	(void)state;
	static const int sizes[][2] = { { 320, 240 }, { 160, 120 }, { 641, 361 }, { 320, 240 } };
	for (int i = 0; i < 2; i++) {
		struct codec codec = codec_open(codecs[i], "frame_drop=false,bitrate=4000000");
		for (size_t s = 0; s < 4; s++)
			for (int n = 0; n < 3; n++) {
				struct qv_picture *picture = media_pattern(QV_PIXEL_I420, sizes[s][0], sizes[s][1], 1);
				struct qv_frame in = qv_picture_frame(picture);
				struct qv_packet packet;
				in.capture_ns = 1 + codec.number++ * FRAME_NS;
				assert_int_equal(codec.class->encode(codec.encoder, &in, &packet, NULL), 1);
				assert_int_equal(packet.key, n == 0);
				struct qv_frame out = decode(&codec, &packet);
				in.format.range = out.format.range;
				assert_true(media_psnr(&in, &out) > 28);
				qv_picture_free(picture);
			}
		codec_close(&codec);
	}
}

static void expect_refused(struct codec *codec, const char *bytes, size_t size, const char *message)
{
	struct qv_packet packet = { .data = (const uint8_t *)bytes, .size = size };
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(codec->class->decode(codec->decoder, &packet, &frame, &err), -1);
	assert_int_equal(err.code, QV_E_PROTOCOL);
	assert_string_equal(err.message, message);
}

static void large_pictures_are_refused_before_they_cost(void **state)
{
	(void)state;
	struct codec codec = codec_open("vp8", "max_pixels=76799");
	struct qv_frame in;
	struct qv_packet packet = next_packet(&codec, &in);
	expect_refused(&codec, (const char *)packet.data, packet.size,
		       "a VP8 picture of 320x240 is over 8192 a side or 76799 pixels (option max_pixels)");
	codec_close(&codec);
	codec = codec_open("vp9", "bitrate=1000000");
	/* A key frame of 65536x65536, alone and behind a frame that shows an older one. */
	expect_refused(&codec, "\x82\x49\x83\x42\x0f\xff\xff\xff\xf0\x00", 10,
		       "a VP9 picture of 65536x65536 is over 8192 a side or 16777216 pixels (option max_pixels)");
	expect_refused(&codec, "\x88\x82\x49\x83\x42\x0f\xff\xff\xff\xf0\x00\xc9\x01\x00\x0b\x00\xc9", 17,
		       "damaged VP9 packet: a frame reaches past its end");
	expect_refused(&codec, "\x88\x82\x49\x83\x42\x0f\xff\xff\xff\xf0\x00\xc1\x01\x0a\xc1", 15,
		       "a VP9 picture of 65536x65536 is over 8192 a side or 16777216 pixels (option max_pixels)");
	expect_refused(&codec, "\x92", 1, "a VP9 frame of profile 2, where 8 bits a sample are read");
	codec_close(&codec);
}

static void options_that_exclude_each_other_are_told(void **state)
{
	(void)state;
	struct codec codec = codec_open("vp8", "");
	static const char *const words[] = { "error_resilient=false", "temporal_layers=2", NULL };
	struct qv_options *options = media_options(&codec.class->head, words);
	struct qv_error err = QV_ERROR_INIT;
	assert_null(codec.class->encoder_open(&media_host, options, &format, &err));
	assert_int_equal(err.code, QV_E_CONFIG);
	assert_non_null(strstr(err.message, "temporal_layers above 1 need error_resilient = true"));
	qv_options_free(options);
	codec_close(&codec);
}

/* Without resilience a loss takes a key picture, and the decoder knows. */
static void streams_without_resilience_hold(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct outcome outcome = lossy_call(codecs[i], "error_resilient=false,key_interval=0", 5, 3, true);
		assert_int_equal(outcome.repairs, 0);
		assert_true(outcome.keys > 3);
		assert_true(outcome.shown > outcome.made / 2);
	}
}

static void memory_stays_flat(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct codec codec = codec_open(codecs[i], "temporal_layers=2,key_interval=1");
		size_t before = 0;
		for (int n = 0; n < 400; n++) {
			struct qv_frame in;
			struct qv_packet packet = next_packet(&codec, &in);
			decode(&codec, &packet);
			codec.class->feedback(codec.encoder, packet.sequence, QV_PICTURE_DECODED);
			if (n == 100)
				before = mallinfo2().uordblks;
		}
		size_t after = mallinfo2().uordblks;
		if (after > before + 65536)
			fail_msg("%s: %zu bytes became %zu", codecs[i], before, after);
		codec_close(&codec);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ffmpeg_decodes_ours),
		cmocka_unit_test(ours_decodes_ffmpeg),
		cmocka_unit_test(losses_show_no_corrupt_picture_and_are_repaired),
		cmocka_unit_test(key_comes_at_once),
		cmocka_unit_test(keys_come_at_the_interval),
		cmocka_unit_test(bitrate_steps_are_followed),
		cmocka_unit_test(base_layer_stands_alone),
		cmocka_unit_test(sizes_change_on_the_way),
		cmocka_unit_test(large_pictures_are_refused_before_they_cost),
		cmocka_unit_test(options_that_exclude_each_other_are_told),
		cmocka_unit_test(streams_without_resilience_hold),
		cmocka_unit_test(memory_stays_flat),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
