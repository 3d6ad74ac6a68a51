/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio_parts.h"

static struct qv_loader *loader;

/* A clock that stands until the test moves it. */
struct still_clock {
	struct qv_clock clock;
	int64_t ns;
};

static int64_t still_now(const struct qv_clock *clock)
{
	return ((const struct still_clock *)(const void *)clock)->ns;
}

struct tone {
	struct part part;
	const struct qv_audiosource_class *class;
	struct qv_host host;
	struct qv_audiosource *source;
	struct qv_error err;
};

static bool tone_try(struct tone *tone, const char *text, struct qv_audio_format format, size_t block_frames)
{
	tone->err = (struct qv_error)QV_ERROR_INIT;
	if (!tone->host.clock)
		tone->host =
			(struct qv_host){ .size = sizeof tone->host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };
	if (part_load(&tone->part, loader, "audiosource", text, &tone->err) != 0)
		fail_msg("%s", tone->err.message);
	tone->class = qv_audiosource_class(tone->part.class);
	tone->source = tone->class->open(&tone->host, tone->part.options, &format, block_frames, &tone->err);
	return tone->source != NULL;
}

static void tone_open(struct tone *tone, const char *text, struct qv_audio_format format, size_t block_frames)
{
	if (!tone_try(tone, text, format, block_frames))
		fail_msg("%s", tone->err.message);
}

static void tone_close(struct tone *tone)
{
	tone->class->close(tone->source);
	part_free(&tone->part);
}

static struct qv_audio_block tone_read(struct tone *tone)
{
	struct qv_audio_block block;
	if (tone->class->read(tone->source, &block, -1, &tone->err) != 1)
		fail_msg("%s", tone->err.message);
	return block;
}

/* Amplitude of one frequency, by correlation with it. */
static double amplitude_of(const int16_t *samples, size_t count, double frequency, double rate)
{
	double re = 0, im = 0;
	for (size_t i = 0; i < count; i++) {
		re += samples[i] * cos(2 * M_PI * frequency * (double)i / rate);
		im += samples[i] * sin(2 * M_PI * frequency * (double)i / rate);
	}
	return 2 * hypot(re, im) / (double)count;
}

static void a_sine_has_the_frequency_and_level_asked_for(void **state)
{
	(void)state;
	struct tone tone = { 0 };
	tone_open(&tone, "tone,frequency=1000,level=-6,pace=none", (struct qv_audio_format){ 16000, 1 }, 1600);
	struct qv_audio_block block = tone_read(&tone);
	double wanted = 32767 * pow(10, -6 / 20.0);
	assert_true(fabs(amplitude_of(block.samples, 1600, 1000, 16000) - wanted) < wanted / 100);
	assert_true(amplitude_of(block.samples, 1600, 2000, 16000) < wanted / 100);
	tone_close(&tone);
}

static void blocks_join_without_a_seam_and_all_channels_agree(void **state)
{
	(void)state;
	struct tone whole = { 0 }, parts = { 0 };
	tone_open(&whole, "tone,frequency=441,pace=none", (struct qv_audio_format){ 48000, 1 }, 3000);
	tone_open(&parts, "tone,frequency=441,pace=none", (struct qv_audio_format){ 48000, 2 }, 300);
	struct qv_audio_block expected = tone_read(&whole);
	for (uint64_t n = 0; n < 10; n++) {
		struct qv_audio_block block = tone_read(&parts);
		assert_int_equal(block.position, n * 300);
		for (size_t i = 0; i < 300; i++) {
			assert_int_equal(block.samples[2 * i], expected.samples[n * 300 + i]);
			assert_int_equal(block.samples[2 * i + 1], expected.samples[n * 300 + i]);
		}
	}
	tone_close(&whole);
	tone_close(&parts);
}

static void it_ends_where_it_was_told_to(void **state)
{
	(void)state;
	static const char *const variants[] = { "tone,frames=2500,pace=none", "tone,seconds=0.15625,pace=none" };
	for (size_t v = 0; v < 2; v++) {
		struct tone tone = { 0 };
		struct qv_audio_block block;
		tone_open(&tone, variants[v], (struct qv_audio_format){ 16000, 1 }, 1000);
		assert_int_equal(tone_read(&tone).frames, 1000);
		assert_int_equal(tone_read(&tone).frames, 1000);
		assert_int_equal(tone_read(&tone).frames, 500);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(tone.class->read(tone.source, &block, 0, &tone.err), -1);
			assert_int_equal(tone.err.code, QV_E_END);
		}
		tone_close(&tone);
	}
}

static void time_is_that_of_the_clock_and_does_not_drift(void **state)
{
	(void)state;
	struct still_clock clock = { { still_now }, 5 * QV_NS_PER_SECOND };
	struct tone tone = { .host = { sizeof(struct qv_host), NULL, &clock.clock, -1 } };
	struct qv_audio_block block;
	tone_open(&tone, "tone", (struct qv_audio_format){ 44100, 1 }, 441 * 7);
	/* The first read starts it; then a block takes 70 ms. */
	assert_int_equal(tone.class->read(tone.source, &block, 0, &tone.err), 0);
	for (int64_t n = 0; n < 5000; n++) {
		if (n == 100) {
			/* Nobody reads for a while: what was unread is skipped, and time is kept. */
			n = 4000;
			clock.ns = 5 * QV_NS_PER_SECOND + n * 70 * QV_NS_PER_MS;
			assert_int_equal(tone.class->read(tone.source, &block, 0, &tone.err), 0);
		}
		clock.ns = 5 * QV_NS_PER_SECOND + (n + 1) * 70 * QV_NS_PER_MS - 1;
		assert_int_equal(tone.class->read(tone.source, &block, 0, &tone.err), 0);
		clock.ns++;
		assert_int_equal(tone.class->read(tone.source, &block, 0, &tone.err), 1);
		assert_int_equal(block.capture_ns, 5 * QV_NS_PER_SECOND + n * 70 * QV_NS_PER_MS);
		assert_int_equal(block.position, (uint64_t)n * 3087);
	}
	tone_close(&tone);
}

static void a_chirp_starts_at_each_multiple_of_the_interval(void **state)
{
	(void)state;
	struct still_clock clock = { { still_now }, 123456789 };
	struct tone tone = { .host = { sizeof(struct qv_host), NULL, &clock.clock, -1 } };
	tone_open(&tone, "tone,signal=chirp,chirp=20,interval=250,level=0,pace=none",
		  (struct qv_audio_format){ 48000, 1 }, 100);
	int64_t first = -1, last = -1;
	int chirps = 0;
	for (int n = 0; n < 600; n++) {
		struct qv_audio_block block = tone_read(&tone);
		for (size_t i = 0; i < block.frames; i++) {
			if (abs(block.samples[i]) < 20)
				continue;
			int64_t ns = block.capture_ns + (int64_t)i * QV_NS_PER_SECOND / 48000;
			if (first < 0 || ns - last > 100 * QV_NS_PER_MS) {
				first = ns;
				chirps++;
				/* The window rises slowly, so it is heard up to 2 ms after its start. */
				assert_in_range(ns % (250 * QV_NS_PER_MS), 0, 2 * QV_NS_PER_MS);
			}
			last = ns;
			assert_in_range(ns - first, 0, 20 * QV_NS_PER_MS);
		}
	}
	/* 1.25 s from 0.123 s: at 0.25, 0.5, … 1.25 s. */
	assert_int_equal(chirps, 5);
	tone_close(&tone);
}

static void a_cancelled_host_ends_the_wait(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "", 1), 1);
	struct tone tone = { .host = { sizeof(struct qv_host), NULL, &qv_clock_monotonic, fds[0] } };
	struct qv_audio_block block;
	tone_open(&tone, "tone", (struct qv_audio_format){ 8000, 1 }, 65536);
	assert_int_equal(tone.class->read(tone.source, &block, -1, &tone.err), -1);
	assert_int_equal(tone.err.code, QV_E_CANCELLED);
	tone_close(&tone);
	close(fds[0]);
	close(fds[1]);
}

static void impossible_signals_are_refused_in_words(void **state)
{
	(void)state;
	static const char *const table[][2] = {
		{ "tone,frequency=5000", "frequency: 5000 Hz cannot be told in 8000 samples a second; at most 4000" },
		{ "tone,signal=chirp,sweep=4001",
		  "sweep: 4001 Hz cannot be told in 8000 samples a second; at most 4000" },
		{ "tone,signal=chirp,chirp=100,interval=100",
		  "chirp: a chirp of 100 ms does not fit an interval of 100 ms" },
		{ "tone,seconds=1,frames=1", "frames: excludes seconds: give one of them" },
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct tone tone = { 0 };
		if (tone_try(&tone, table[i][0], (struct qv_audio_format){ 8000, 1 }, 512))
			fail_msg("%s was accepted", table[i][0]);
		assert_int_equal(tone.err.code, QV_E_CONFIG);
		if (!strstr(tone.err.message, table[i][1]))
			fail_msg("%s: %s", table[i][0], tone.err.message);
		part_free(&tone.part);
	}
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
		cmocka_unit_test(a_sine_has_the_frequency_and_level_asked_for),
		cmocka_unit_test(blocks_join_without_a_seam_and_all_channels_agree),
		cmocka_unit_test(it_ends_where_it_was_told_to),
		cmocka_unit_test(time_is_that_of_the_clock_and_does_not_drift),
		cmocka_unit_test(a_chirp_starts_at_each_multiple_of_the_interval),
		cmocka_unit_test(a_cancelled_host_ends_the_wait),
		cmocka_unit_test(impossible_signals_are_refused_in_words),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
