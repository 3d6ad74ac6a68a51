/* SPDX-License-Identifier: Apache-2.0 */
/* The opus codec against ffmpeg, which has an Opus decoder of its own, and against seeded losses. */
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/audiocodec.h>

#include "../../../tests/harness/media_test.h"

struct codec {
	const struct qv_audiocodec_class *class;
	struct qv_options *options;
	struct qv_audio_format format;
	size_t block;
	struct qv_audioencoder *encoder;
	struct qv_audiodecoder *decoder;
};

static struct qv_options *options_of(const struct qv_class *class, const char *settings)
{
	char text[256];
	const char *words[16] = { NULL };
	size_t count = 0;
	snprintf(text, sizeof text, "%s", settings);
	for (char *save, *word = strtok_r(text, ",", &save); word && count < 15; word = strtok_r(NULL, ",", &save))
		words[count++] = word;
	return media_options(class, words);
}

static struct codec codec_open(const char *settings)
{
	struct codec codec = { .class = qv_audiocodec_class(media_class("audiocodec", "opus")) };
	struct qv_error err = QV_ERROR_INIT;
	codec.options = options_of(&codec.class->head, settings);
	if (codec.class->plan(codec.options, &codec.format, &codec.block, &err) != 0)
		fail_msg("%s", err.message);
	codec.encoder = codec.class->encoder_open(&media_host, codec.options, &codec.format, &err);
	codec.decoder = codec.class->decoder_open(&media_host, codec.options, &codec.format, &err);
	if (!codec.encoder || !codec.decoder)
		fail_msg("%s", err.message);
	return codec;
}

static void codec_close(struct codec *codec)
{
	codec->class->encoder_close(codec->encoder);
	codec->class->decoder_close(codec->decoder);
	qv_options_free(codec->options);
}

/* Like a voice: a pitch that glides, with harmonics, in syllables. */
static int16_t *voice(const struct qv_audio_format *format, size_t frames)
{
	int16_t *samples = malloc(frames * (size_t)format->channels * sizeof *samples);
	double phase = 0;
	assert_non_null(samples);
	for (size_t i = 0; i < frames; i++) {
		double t = (double)i / format->rate, syllable = 0.55 + 0.45 * sin(2 * M_PI * 3.1 * t);
		phase += 2 * M_PI * (140 + 30 * sin(2 * M_PI * 0.7 * t)) / format->rate;
		double value = sin(phase) + 0.6 * sin(2 * phase) + 0.4 * sin(3 * phase) + 0.2 * sin(5 * phase);
		for (int c = 0; c < format->channels; c++)
			samples[i * (size_t)format->channels + (size_t)c] =
				(int16_t)(6000 * syllable * value * (c ? 0.7 : 1));
	}
	return samples;
}

static int encode(struct codec *codec, const int16_t *samples, size_t at, struct qv_packet *packet)
{
	struct qv_audio_block block = { .format = codec->format,
					.samples = samples + at * (size_t)codec->format.channels,
					.frames = codec->block,
					.capture_ns = 1 + (int64_t)at };
	struct qv_error err = QV_ERROR_INIT;
	int got = codec->class->encode(codec->encoder, &block, packet, &err);
	if (got < 0)
		fail_msg("%s", err.message);
	return got;
}

static double correlation(const int16_t *a, const int16_t *b, size_t count)
{
	double ab = 0, aa = 0, bb = 0;
	for (size_t i = 0; i < count; i++) {
		ab += (double)a[i] * b[i];
		aa += (double)a[i] * a[i];
		bb += (double)b[i] * b[i];
	}
	return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* The filter that the encoder of speech begins with delays by up to a few ms, depending on the pitch. */
static double best_correlation(const struct codec *codec, const int16_t *in, const int16_t *out, size_t count)
{
	double best = 0;
	size_t channels = (size_t)codec->format.channels, most = (size_t)codec->format.rate / 200 * channels;
	for (size_t lag = 0; lag < most; lag += channels) {
		double later = correlation(in, out + lag, count - lag),
		       earlier = correlation(in + lag, out, count - lag);
		best = later > best ? later : best;
		best = earlier > best ? earlier : best;
	}
	return best;
}

static void need(const char *program)
{
	if (media_run("command -v %s >/dev/null", program) != 0) {
		print_message("%s is missing\n", program);
		skip();
	}
}

/* RFC 3533: a page for each packet. */
struct ogg {
	FILE *file;
	uint32_t sequence;
};

static uint32_t ogg_crc(const uint8_t *bytes, size_t size)
{
	uint32_t crc = 0;
	for (size_t i = 0; i < size; i++) {
		crc ^= (uint32_t)bytes[i] << 24;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x80000000u ? crc << 1 ^ 0x04c11db7u : crc << 1;
	}
	return crc;
}

static void put_le(uint8_t *bytes, uint64_t value, int count)
{
	for (int i = 0; i < count; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

static void ogg_page(struct ogg *ogg, unsigned flags, uint64_t granule, const uint8_t *data, size_t size)
{
	static uint8_t page[27 + 255 + 255 * 255];
	size_t segments = size / 255 + 1, header = 27 + segments;
	assert_true(segments <= 255);
	memcpy(page, "OggS", 4);
	page[4] = 0;
	page[5] = (uint8_t)flags;
	put_le(page + 6, granule, 8);
	put_le(page + 14, 1, 4);
	put_le(page + 18, ogg->sequence++, 4);
	put_le(page + 22, 0, 4);
	page[26] = (uint8_t)segments;
	memset(page + 27, 255, segments - 1);
	page[header - 1] = (uint8_t)(size % 255);
	memcpy(page + header, data, size);
	put_le(page + 22, ogg_crc(page, header + size), 4);
	fwrite(page, 1, header + size, ogg->file);
}

/* RFC 7845 */
static void ogg_headers(struct ogg *ogg, const struct codec *codec)
{
	uint8_t head[19] = "OpusHead\x01";
	head[9] = (uint8_t)codec->format.channels;
	size_t skip = codec->class->lookahead(codec->encoder) * (size_t)(48000 / codec->format.rate);
	put_le(head + 10, skip, 2);
	put_le(head + 12, (uint64_t)codec->format.rate, 4);
	put_le(head + 16, 0, 3);
	ogg_page(ogg, 2, 0, head, sizeof head);
	ogg_page(ogg, 0, 0, (const uint8_t *)"OpusTags\x04\x00\x00\x00test\x00\x00\x00\x00", 20);
}

static void ffmpeg_decodes_ours(void **state)
{
	(void)state;
	/* ffmpeg's own decoder is off in stereo of SILK, where libopus stands in. */
	static const struct {
		const char *settings, *decoder;
	} table[] = { { "bitrate=24000", "opus" },
		      { "rate=16000,frame=60,bitrate=20000", "opus" },
		      { "channels=2,application=audio,bitrate=128000,frame=5", "opus" },
		      { "channels=2,application=audio,bitrate=96000,frame=10", "libopus" },
		      { "application=lowdelay,frame=2.5,bitrate=96000", "opus" },
		      { "rate=8000,frame=40,rate_control=cbr,bitrate=16000", "opus" } };
	need("ffmpeg");
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct codec codec = codec_open(table[i].settings);
		size_t blocks = (size_t)codec.format.rate * 2 / codec.block, size;
		int16_t *in = voice(&codec.format, (blocks + 1) * codec.block);
		char *folder = media_folder(), path[512];
		snprintf(path, sizeof path, "%s/a.opus", folder);
		struct ogg ogg = { .file = fopen(path, "wb") };
		assert_non_null(ogg.file);
		ogg_headers(&ogg, &codec);
		uint64_t granule = 0;
		size_t channels = (size_t)codec.format.channels;
		int16_t *ours = malloc(blocks * codec.block * channels * sizeof *ours);
		assert_non_null(ours);
		for (size_t n = 0; n < blocks; n++) {
			struct qv_packet packet;
			assert_int_equal(encode(&codec, in, n * codec.block, &packet), 1);
			assert_int_equal(packet.frames, codec.block);
			assert_int_equal(packet.sequence, n);
			struct qv_audio_block block;
			assert_int_equal(codec.class->decode(codec.decoder, &packet, &block, NULL), 1);
			memcpy(ours + n * codec.block * channels, block.samples, codec.block * channels * sizeof *ours);
			granule += packet.frames * (uint64_t)(48000 / codec.format.rate);
			ogg_page(&ogg, n + 1 == blocks ? 4 : 0, granule, packet.data, packet.size);
		}
		fclose(ogg.file);
		assert_int_equal(media_run("ffmpeg -v error -c:a %s -i '%s' -ar %d -ac %d -f s16le -y '%s/a.raw'",
					   table[i].decoder, path, codec.format.rate, codec.format.channels, folder),
				 0);
		snprintf(path, sizeof path, "%s/a.raw", folder);
		uint8_t *out = media_read_file(path, &size);
		assert_non_null(out);
		size_t count = size / 2, expected = blocks * codec.block * (size_t)codec.format.channels;
		/* What is cut off at the start is the look-ahead. */
		assert_true(count <= expected && count + (size_t)codec.format.rate / 20 >= expected);
		double found = best_correlation(&codec, in, (const int16_t *)(const void *)out, count);
		if (found < 0.8)
			fail_msg("%s: correlation %.3f with what was said", table[i].settings, found);
		size_t skipped = codec.class->lookahead(codec.encoder) * channels;
		found = best_correlation(&codec, ours + skipped, (const int16_t *)(const void *)out,
					 count < expected - skipped ? count : expected - skipped);
		if (found < 0.98)
			fail_msg("%s: correlation %.3f with what we decode", table[i].settings, found);
		free(ours);
		free(out);
		free(in);
		media_folder_remove(folder);
		codec_close(&codec);
	}
}

/* Packets of an Ogg file whose packets do not cross pages, from the third one on. */
static size_t next_packet(const uint8_t *ogg, size_t size, size_t *page, unsigned *segment, size_t *data,
			  size_t *length)
{
	for (;;) {
		if (*page + 27 > size)
			return 0;
		unsigned segments = ogg[*page + 26];
		if (*segment == 0)
			*data = *page + 27 + segments;
		if (*segment >= segments) {
			*page = *data;
			*segment = 0;
			continue;
		}
		size_t start = *data;
		*length = 0;
		unsigned value;
		do {
			value = ogg[*page + 27 + (*segment)++];
			*length += value;
		} while (value == 255 && *segment < segments);
		*data = start + *length;
		return start;
	}
}

static void ours_decodes_ffmpeg(void **state)
{
	(void)state;
	static const char *const arguments[] = { "-c:a libopus -b:a 64k -ac 1 -application voip",
						 "-c:a libopus -b:a 24k -ac 1 -frame_duration 60",
						 "-c:a libopus -b:a 96k -ac 2 -frame_duration 5" };
	need("ffmpeg");
	for (size_t i = 0; i < 3; i++) {
		struct codec codec = codec_open(i == 2 ? "channels=2" : "");
		char *folder = media_folder(), path[512];
		size_t frames = 96000, size, filled = 0, channels = (size_t)codec.format.channels;
		int16_t *in = voice(&codec.format, frames), *out = calloc(2 * frames * channels, sizeof *out);
		assert_non_null(out);
		snprintf(path, sizeof path, "%s/a.raw", folder);
		media_write_file(path, in, frames * channels * 2);
		assert_int_equal(
			media_run("ffmpeg -v error -f s16le -ar 48000 -ac %zu -i '%s' %s -f ogg -y '%s/a.opus'",
				  channels, path, arguments[i], folder),
			0);
		snprintf(path, sizeof path, "%s/a.opus", folder);
		uint8_t *ogg = media_read_file(path, &size);
		assert_non_null(ogg);
		size_t page = 0, data = 0, length = 0, start, skip = 0, number = 0;
		unsigned segment = 0;
		while ((start = next_packet(ogg, size, &page, &segment, &data, &length))) {
			if (number == 0)
				skip = (size_t)(ogg[start + 10] | ogg[start + 11] << 8);
			if (number++ < 2)
				continue;
			struct qv_packet packet = { .data = ogg + start, .size = length, .sequence = number };
			struct qv_audio_block block;
			struct qv_error err = QV_ERROR_INIT;
			if (codec.class->decode(codec.decoder, &packet, &block, &err) != 1)
				fail_msg("%s", err.message);
			assert_true(filled + block.frames <= 2 * frames);
			memcpy(out + filled * channels, block.samples, block.frames * channels * sizeof *out);
			filled += block.frames;
		}
		assert_true(filled >= frames + skip - 3000);
		size_t common = filled - skip < frames ? filled - skip : frames;
		double found = best_correlation(&codec, in, out + skip * channels, common * channels);
		if (found < 0.8)
			fail_msg("%s: correlation %.3f", arguments[i], found);
		free(ogg);
		free(in);
		free(out);
		media_folder_remove(folder);
		codec_close(&codec);
	}
}

enum repair { SILENCE, CONCEAL, RECOVER };

/*
 * Plays a voice of which one packet in ten is lost, by a seed, and returns the error in what was lost against what plays
 * without loss, as a part of the sound's energy.
 */
static double lossy_call(const char *settings, enum repair repair)
{
	struct codec codec = codec_open(settings);
	struct qv_error err = QV_ERROR_INIT;
	struct qv_audiodecoder *witness = codec.class->decoder_open(&media_host, codec.options, &codec.format, &err);
	size_t blocks = (size_t)codec.format.rate * 6 / codec.block;
	int16_t *in = voice(&codec.format, blocks * codec.block);
	int16_t *whole = calloc(codec.block, sizeof *whole), *before = calloc(codec.block, sizeof *before);
	double error = 0, energy = 0;
	uint32_t seed = 11;
	bool lost = false;
	assert_non_null(witness);
	assert_non_null(whole);
	assert_non_null(before);
	for (size_t n = 0; n < blocks; n++) {
		struct qv_packet packet;
		struct qv_audio_block block, filled;
		assert_int_equal(encode(&codec, in, n * codec.block, &packet), 1);
		memcpy(before, whole, codec.block * sizeof *whole);
		assert_int_equal(codec.class->decode(witness, &packet, &block, &err), 1);
		memcpy(whole, block.samples, codec.block * sizeof *whole);
		if (lost) {
			int got = repair == RECOVER
					  ? codec.class->recover(codec.decoder, &packet, codec.block, &filled, &err)
					  : 0;
			if (got == 0)
				got = codec.class->conceal(codec.decoder, QV_GAP_LOST, codec.block, &filled, &err);
			assert_int_equal(got, 1);
			assert_int_equal(filled.frames, codec.block);
			for (size_t i = 0; i < codec.block; i++) {
				double difference = before[i] - (repair == SILENCE ? 0 : filled.samples[i]);
				error += difference * difference;
				energy += (double)before[i] * before[i];
			}
		}
		seed = seed * 1664525 + 1013904223;
		lost = !lost && n > 5 && (seed >> 8) % 10 == 0;
		if (!lost)
			assert_int_equal(codec.class->decode(codec.decoder, &packet, &block, &err), 1);
	}
	assert_true(energy > 0);
	codec.class->decoder_close(witness);
	free(whole);
	free(before);
	free(in);
	codec_close(&codec);
	return error / energy;
}

static void losses_are_recovered_or_concealed(void **state)
{
	(void)state;
	static const char *const with = "rate=16000,bitrate=24000,loss=20,fec=true";
	double silence = lossy_call(with, SILENCE), concealed = lossy_call(with, CONCEAL);
	double recovered = lossy_call(with, RECOVER);
	double without = lossy_call("rate=16000,bitrate=24000,loss=20,fec=false", RECOVER);
	print_message("error in what was lost: silence %.3f, concealed %.3f, recovered %.3f; without fec %.3f\n",
		      silence, concealed, recovered, without);
	assert_true(silence > 0.99);
	assert_true(concealed < 0.8);
	assert_true(recovered < concealed / 2);
	assert_true(without > recovered * 2);
}

static void packets_without_a_copy_recover_nothing(void **state)
{
	(void)state;
	static const char *const table[] = { "fec=false", "application=lowdelay", "frame=5", "loss=0" };
	for (size_t i = 0; i < 4; i++) {
		struct codec codec = codec_open(table[i]);
		int16_t *in = voice(&codec.format, 10 * codec.block);
		for (size_t n = 0; n < 10; n++) {
			struct qv_packet packet;
			struct qv_audio_block block;
			assert_int_equal(encode(&codec, in, n * codec.block, &packet), 1);
			assert_int_equal(codec.class->recover(codec.decoder, &packet, codec.block, &block, NULL), 0);
		}
		free(in);
		codec_close(&codec);
	}
}

static void silence_makes_few_packets(void **state)
{
	(void)state;
	struct codec codec = codec_open("rate=16000,dtx=true,bitrate=24000"), always = codec_open("rate=16000");
	size_t blocks = 250, spoken = 50, made[2] = { 0 }, total = 0;
	int16_t *in = voice(&codec.format, blocks * codec.block);
	memset(in + spoken * codec.block, 0, (blocks - spoken) * codec.block * sizeof *in);
	uint64_t next = 0;
	for (size_t n = 0; n < blocks; n++) {
		struct qv_packet packet;
		struct qv_audio_block block;
		total += (size_t)encode(&always, in, n * codec.block, &packet);
		if (encode(&codec, in, n * codec.block, &packet) == 0) {
			assert_int_equal(codec.class->conceal(codec.decoder, QV_GAP_SILENT, codec.block, &block, NULL),
					 1);
			continue;
		}
		assert_int_equal(packet.sequence, next++);
		made[n >= spoken]++;
		assert_int_equal(codec.class->decode(codec.decoder, &packet, &block, NULL), 1);
	}
	print_message("%zu packets of %zu blocks of voice, %zu of %zu blocks of silence\n", made[0], spoken, made[1],
		      blocks - spoken);
	assert_int_equal(total, blocks);
	assert_int_equal(made[0], spoken);
	assert_true(made[1] < (blocks - spoken) / 4);
	free(in);
	codec_close(&codec);
	codec_close(&always);
}

static void bitrate_steps_are_followed(void **state)
{
	(void)state;
	static const int64_t rates[] = { 16000, 64000, 24000, 128000 };
	struct codec codec = codec_open("fec=false,rate_control=cbr");
	int16_t *in = voice(&codec.format, 50 * codec.block);
	for (size_t r = 0; r < 4; r++) {
		struct qv_audio_target target = { .bitrate = rates[r], .loss_percent = -1 };
		size_t bytes = 0;
		assert_int_equal(codec.class->adjust(codec.encoder, &target, NULL), 0);
		for (size_t n = 0; n < 50; n++) {
			struct qv_packet packet;
			assert_int_equal(encode(&codec, in, n * codec.block, &packet), 1);
			bytes += packet.size;
		}
		double ratio = (double)bytes * 8 / (double)rates[r];
		if (ratio < 0.95 || ratio > 1.05)
			fail_msg("%zu bit/s where %lld were asked for", bytes * 8, (long long)rates[r]);
	}
	free(in);
	codec_close(&codec);
}

static void short_blocks_are_filled_up(void **state)
{
	(void)state;
	struct codec codec = codec_open("");
	static const struct {
		size_t given, made;
	} table[] = {
		{ 960, 960 }, { 959, 960 }, { 481, 960 }, { 100, 120 }, { 1, 120 }, { 5760, 5760 }, { 2000, 2880 }
	};
	int16_t *in = voice(&codec.format, 5761);
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct qv_packet packet;
		size_t frames = 0;
		codec.block = table[i].given;
		assert_int_equal(encode(&codec, in, 0, &packet), 1);
		assert_int_equal(packet.frames, table[i].made);
		assert_int_equal(codec.class->duration(codec.decoder, &packet, &frames, NULL), 0);
		assert_int_equal(frames, table[i].made);
	}
	struct qv_audio_block block = { .format = codec.format, .samples = in, .frames = 5761 };
	struct qv_packet packet;
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(codec.class->encode(codec.encoder, &block, &packet, &err), -1);
	assert_int_equal(err.code, QV_E_INVALID);
	free(in);
	codec_close(&codec);
}

static void impossible_settings_are_told(void **state)
{
	(void)state;
	static const char *const table[][2] = {
		{ "rate=44100", "Opus has no rate of 44100 Hz, but 8000, 12000, 16000, 24000 and 48000" },
		{ "frame=30", "Opus has no frames of 30 ms, but of 2.5, 5, 10, 20, 40 and 60" }
	};
	const struct qv_audiocodec_class *class = qv_audiocodec_class(media_class("audiocodec", "opus"));
	for (size_t i = 0; i < 2; i++) {
		struct qv_options *options = options_of(&class->head, table[i][0]);
		struct qv_audio_format format;
		struct qv_error err = QV_ERROR_INIT;
		size_t block;
		assert_int_equal(class->plan(options, &format, &block, &err), -1);
		assert_int_equal(err.code, QV_E_CONFIG);
		assert_non_null(strstr(err.message, table[i][1]));
		qv_options_free(options);
	}
}

static void memory_stays_flat(void **state)
{
	(void)state;
	struct codec codec = codec_open("rate=16000,loss=20");
	int16_t *in = voice(&codec.format, 50 * codec.block);
	size_t before = 0;
	for (size_t n = 0; n < 2000; n++) {
		struct qv_packet packet;
		struct qv_audio_block block;
		assert_int_equal(encode(&codec, in, n % 50 * codec.block, &packet), 1);
		if (n % 7 == 0)
			codec.class->conceal(codec.decoder, QV_GAP_LOST, codec.block, &block, NULL);
		assert_int_equal(codec.class->decode(codec.decoder, &packet, &block, NULL), 1);
		if (n == 100)
			before = mallinfo2().uordblks;
	}
	assert_true(mallinfo2().uordblks <= before);
	free(in);
	codec_close(&codec);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ffmpeg_decodes_ours),
		cmocka_unit_test(ours_decodes_ffmpeg),
		cmocka_unit_test(losses_are_recovered_or_concealed),
		cmocka_unit_test(packets_without_a_copy_recover_nothing),
		cmocka_unit_test(silence_makes_few_packets),
		cmocka_unit_test(bitrate_steps_are_followed),
		cmocka_unit_test(short_blocks_are_filled_up),
		cmocka_unit_test(impossible_settings_are_told),
		cmocka_unit_test(memory_stays_flat),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
