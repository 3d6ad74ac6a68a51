/* SPDX-License-Identifier: Apache-2.0 */
/* Played sound beside captured sound, from devices whose clocks drift and whose times jitter. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <qvisio/clock.h>

#include "../../core/audio/far_end.h"

#define RATE        16000
#define PLAY_RATE   48000
#define FRAMES      320 /* captured at once: 20 ms */
#define PLAY_FRAMES 960
#define START       1000.0 /* s, of the clock */
#define BEGINS      0.1    /* s later the first sample is heard */
#define DELAY       0.06   /* s from put to heard */
#define SECONDS     60

struct devices {
	double play_ppm, capture_ppm, jitter_ms;
	double gap_at, gap_s; /* when nothing is played for a while */
	uint32_t random;
	struct far_end *far;
	unsigned played; /* blocks */
	double off_ms;   /* of the last second: how much later than it should be what was taken is */
};

static double jitter(struct devices *d)
{
	d->random = d->random * 1664525u + 1013904223u;
	return d->jitter_ms / 1000 * ((double)(d->random >> 8) / (1 << 23) - 1);
}

/* Sound as a function of time: no two places of a stretch of 20 ms are alike. */
static double sound(double t)
{
	return t < 0 ? 0 : 4000 * (sin(2 * M_PI * 211 * t) + sin(2 * M_PI * 347.3 * t) + sin(2 * M_PI * 523.7 * t));
}

static double played_at(const struct devices *d, unsigned block)
{
	double t = BEGINS + (double)block * PLAY_FRAMES / PLAY_RATE / (1 + d->play_ppm / 1e6);
	return t < d->gap_at ? t : t + d->gap_s;
}

static void put(struct devices *d)
{
	int16_t samples[2 * PLAY_FRAMES];
	double begins = played_at(d, d->played++);
	for (int i = 0; i < PLAY_FRAMES; i++) {
		double t = begins + (double)i / PLAY_RATE / (1 + d->play_ppm / 1e6);
		samples[2 * i] = samples[2 * i + 1] = (int16_t)sound(t);
	}
	struct qv_audio_block block = { .format = { PLAY_RATE, 2 }, .samples = samples, .frames = PLAY_FRAMES };
	far_end_put(d->far, &block, (int64_t)((START + begins + jitter(d)) * 1e9));
}

static double mismatch(const int16_t *taken, double t, double off)
{
	double sum = 0;
	for (int i = 0; i < FRAMES; i++) {
		double wanted = sound(t + (double)i / RATE - off) - taken[i];
		sum += wanted * wanted;
	}
	return sum;
}

/* By how many ms what was taken is late; the search is as wide as one jump and the jitter. */
static double offset(const int16_t *taken, double t)
{
	double best = 0, least = INFINITY;
	for (int step = -240; step <= 240; step++) {
		double off = step * 0.05;
		double now = mismatch(taken, t, off / 1000);
		if (now < least) {
			least = now;
			best = off;
		}
	}
	return best;
}

static void captured(struct devices *d, unsigned block, bool measure)
{
	int16_t taken[FRAMES];
	uint64_t position = (uint64_t)block * FRAMES;
	double t = (double)position / RATE / (1 + d->capture_ppm / 1e6);
	far_end_captured(d->far, position, (int64_t)((START + t + jitter(d)) * 1e9));
	bool any = far_end_take(d->far, position, taken, FRAMES);
	if (measure) {
		assert_true(any);
		d->off_ms = offset(taken, t + QV_AUDIOFILTER_AHEAD_MS / 1000.0);
	}
}

/* Lets time go by; the largest offset from `from_s` on, and the largest step between two seconds. */
static void run(struct devices *d, double from_s, double *most, double *step)
{
	struct qv_error err = QV_ERROR_INIT;
	double before = 0;
	bool any = false;
	*most = *step = 0;
	d->random = 1;
	d->far = far_end_new(&err);
	assert_non_null(d->far);
	assert_int_equal(far_end_begin(d->far, RATE, &err), 0);
	for (unsigned block = 0; block < SECONDS * RATE / FRAMES; block++) {
		double now = (block + 1.0) * FRAMES / RATE;
		while (played_at(d, d->played) - DELAY < now)
			put(d);
		bool measure = block % 50 == 0 && now > from_s;
		captured(d, block, measure);
		if (!measure)
			continue;
		*most = fmax(*most, fabs(d->off_ms));
		*step = any ? fmax(*step, fabs(d->off_ms - before)) : 0;
		before = d->off_ms;
		any = true;
	}
	far_end_free(d->far);
}

static void keeps_its_distance(void **state)
{
	(void)state;
	struct devices exact = { .gap_at = 1e9 };
	struct devices drifting = { .play_ppm = 150, .capture_ppm = -100, .jitter_ms = 3, .gap_at = 1e9 };
	double most, step;
	run(&exact, 1, &most, &step);
	print_message("# exact devices: %.2f ms, steps of %.2f ms\n", most, step);
	assert_true(most < 0.2);
	run(&drifting, 40, &most, &step);
	print_message("# devices that drift and jitter, once that is known: %.2f ms, steps of %.2f ms\n", most, step);
	assert_true(most < 4 && step < 0.2);
}

static void finds_its_place_after_a_gap(void **state)
{
	(void)state;
	struct devices d = { .jitter_ms = 1, .gap_at = 10, .gap_s = 7.013 };
	double most, step;
	run(&d, 25, &most, &step);
	print_message("# after a gap: %.2f ms, steps of %.2f ms\n", most, step);
	assert_true(most < 2);
}

static void before_and_after_there_is_silence(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct far_end *far = far_end_new(&err);
	int16_t samples[FRAMES], ones[FRAMES];
	for (int i = 0; i < FRAMES; i++)
		ones[i] = 1000;
	struct qv_audio_block block = { .format = { RATE, 1 }, .samples = ones, .frames = FRAMES };
	far_end_put(NULL, &block, 0);
	far_end_put(far, &block, 0);
	assert_int_equal(far_end_begin(far, RATE, &err), 0);
	far_end_put(far, &block, 0);
	assert_false(far_end_captured(far, 0, QV_NS_PER_SECOND));
	assert_false(far_end_take(far, 0, samples, FRAMES));
	/* An hour off: of no use, and no harm. */
	far_end_put(far, &block, 3600 * QV_NS_PER_SECOND);
	assert_false(far_end_take(far, 0, samples, FRAMES));
	far_end_put(far, &block, QV_NS_PER_SECOND + QV_AUDIOFILTER_AHEAD_MS * QV_NS_PER_MS);
	assert_true(far_end_take(far, 0, samples, FRAMES));
	/* The resampler keeps a little back. */
	assert_memory_equal(samples, ones, sizeof ones / 2);
	assert_true(far_end_take(far, FRAMES, samples, FRAMES));
	for (int i = 0; i < FRAMES; i++)
		assert_int_equal(samples[i], 0);
	assert_true(far_end_captured(far, FRAMES, 100 * QV_NS_PER_SECOND));
	far_end_free(far);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_its_distance),
		cmocka_unit_test(finds_its_place_after_a_gap),
		cmocka_unit_test(before_and_after_there_is_silence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
