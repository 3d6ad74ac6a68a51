/* SPDX-License-Identifier: Apache-2.0 */
/* Rates, channels and blocks: what goes in comes out, in its place, at its time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <qvisio/clock.h>

#include "../../core/audio/adapter.h"
#include "../../core/audio/resampler.h"

#define SECOND_MAX 192000
#define LEVEL      20000.0

static int16_t input[SECOND_MAX * 2], output[SECOND_MAX * 2 + 4096];

static void make_tone(double hz, int rate, size_t frames)
{
	for (size_t i = 0; i < frames; i++)
		input[i] = (int16_t)lrint(LEVEL * sin(2 * M_PI * hz * (double)i / rate));
}

/* A second of sound through a resampler, in blocks of changing length; the samples made. */
static size_t convert(struct resampler *resampler, size_t frames, int in, int out)
{
	size_t made = 0, at = 0;
	for (size_t block = 1; at < frames; block = block * 7 % 2049 + 1) {
		size_t part = frames - at < block ? frames - at : block;
		assert_true(made + resampler_room(resampler, part) <= sizeof output / sizeof output[0] / (size_t)out);
		made += resampler_run(resampler, input + at * (size_t)in, part, output + made * (size_t)out);
		at += part;
	}
	return made;
}

/* How much weaker, in dB, what differs from the tone is than the tone; ends are left out. */
static double signal_to_noise(double hz, double rate, double level, size_t frames, size_t skip)
{
	double noise = 0, signal = 0;
	for (size_t i = skip; i + skip < frames; i++) {
		double wanted = level * sin(2 * M_PI * hz * (double)i / rate), error = output[i] - wanted;
		noise += error * error;
		signal += wanted * wanted;
	}
	return 10 * log10(signal / (noise + 1e-9));
}

static const int rates[] = { 8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000, 192000 };
#define RATES (sizeof rates / sizeof rates[0])

static void a_tone_keeps_its_place_at_every_rate(void **state)
{
	(void)state;
	for (size_t i = 0; i < RATES * RATES; i++) {
		struct qv_audio_format from = { rates[i / RATES], 1 }, to = { rates[i % RATES], 1 };
		struct resampler *resampler = resampler_new(&from, &to, NULL);
		make_tone(1000, from.rate, (size_t)from.rate);
		size_t made = convert(resampler, (size_t)from.rate, 1, 1);
		double held = resampler_held(resampler);
		assert_true(held >= 0 && fabs((double)made + held * to.rate / from.rate - to.rate) < 1.5);
		double snr = signal_to_noise(1000, to.rate, LEVEL, made, 800);
		if (snr < 75)
			fail_msg("%d to %d Hz: %.1f dB", from.rate, to.rate, snr);
		resampler_free(resampler);
	}
}

static void what_the_lower_rate_cannot_hold_is_gone(void **state)
{
	(void)state;
	static const struct {
		int from, to;
		double hz;
	} folds[] = {
		{ 48000, 16000, 9000 }, { 48000, 8000, 5000 }, { 44100, 16000, 12000 }, { 192000, 48000, 30000 }
	};
	for (size_t i = 0; i < sizeof folds / sizeof folds[0]; i++) {
		struct qv_audio_format from = { folds[i].from, 1 }, to = { folds[i].to, 1 };
		struct resampler *resampler = resampler_new(&from, &to, NULL);
		make_tone(folds[i].hz, from.rate, (size_t)from.rate);
		size_t made = convert(resampler, (size_t)from.rate, 1, 1);
		double power = 0;
		for (size_t j = 400; j < made; j++)
			power += (double)output[j] * output[j];
		double left = 10 * log10(power / (double)made / (LEVEL * LEVEL / 2) + 1e-12);
		if (left > -60)
			fail_msg("%d to %d Hz: a tone of %.0f Hz is only %.1f dB down", from.rate, to.rate, folds[i].hz,
				 -left);
		resampler_free(resampler);
	}
}

static void equal_rates_change_no_sample(void **state)
{
	(void)state;
	struct qv_audio_format format = { 16000, 1 };
	struct resampler *resampler = resampler_new(&format, &format, NULL);
	for (size_t i = 0; i < 16000; i++)
		input[i] = (int16_t)(i * 7919 % 65536 - 32768);
	size_t made = convert(resampler, 16000, 1, 1);
	assert_in_range(made, 16000 - 16, 16000);
	assert_memory_equal(input, output, made * sizeof output[0]);
	resampler_free(resampler);
}

static void drift_changes_the_speed_and_nothing_else(void **state)
{
	(void)state;
	for (int ppm = -500; ppm <= 500; ppm += 1000) {
		struct qv_audio_format format = { 48000, 1 };
		struct resampler *resampler = resampler_new(&format, &format, NULL);
		resampler_drift(resampler, ppm);
		make_tone(1000, 48000, 48000);
		size_t made = convert(resampler, 48000, 1, 1);
		assert_in_range(made, (size_t)(48000 * (1 - ppm / 1e6)) - 18, (size_t)(48000 * (1 - ppm / 1e6)) + 1);
		assert_true(signal_to_noise(1000 * (1 + ppm / 1e6), 48000, LEVEL, made, 100) > 75);
		resampler_free(resampler);
	}
}

static void a_change_of_drift_makes_no_click(void **state)
{
	(void)state;
	struct qv_audio_format format = { 48000, 1 };
	struct resampler *resampler = resampler_new(&format, &format, NULL);
	make_tone(300, 48000, 48000);
	size_t made = 0;
	for (size_t at = 0; at + 480 <= 48000; at += 480) {
		resampler_drift(resampler, at / 480 % 3 == 0 ? 0 : at / 480 % 3 == 1 ? 300 : -300);
		made += resampler_run(resampler, input + at, 480, output + made);
	}
	/* No step may be larger than those of the tone. */
	double steepest = LEVEL * 2 * M_PI * 300 / 48000 * 1.01 + 1;
	for (size_t i = 1; i < made; i++)
		assert_true(abs(output[i] - output[i - 1]) <= steepest);
	resampler_free(resampler);
}

static void full_scale_is_clipped_and_does_not_wrap(void **state)
{
	(void)state;
	struct qv_audio_format from = { 16000, 1 }, to = { 48000, 1 };
	struct resampler *resampler = resampler_new(&from, &to, NULL);
	for (size_t i = 0; i < 16000; i++)
		input[i] = i / 20 % 2 ? INT16_MAX : INT16_MIN;
	size_t made = convert(resampler, 16000, 1, 1);
	for (size_t i = 60; i < made; i++)
		assert_true(abs(output[i] - output[i - 1]) < 30000);
	resampler_free(resampler);
}

static void channels_go_where_they_belong(void **state)
{
	(void)state;
	static const struct {
		int in, out;
		int16_t from[4], to[4];
	} cases[] = {
		{ 1, 2, { 100 }, { 100, 100 } },
		{ 2, 1, { 100, 300 }, { 200 } },
		{ 2, 4, { 100, 300 }, { 100, 300, 0, 0 } },
		{ 4, 2, { 100, 200, 300, 400 }, { 200, 300 } },
		{ 3, 1, { 30, 60, 90 }, { 60 } },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct qv_audio_format from = { 16000, cases[i].in }, to = { 16000, cases[i].out };
		struct resampler *resampler = resampler_new(&from, &to, NULL);
		for (size_t j = 0; j < 400 * (size_t)cases[i].in; j++)
			input[j] = cases[i].from[j % (size_t)cases[i].in];
		size_t made = convert(resampler, 400, cases[i].in, cases[i].out);
		assert_in_range(made, 380, 400);
		assert_memory_equal(output + 100 * cases[i].out, cases[i].to, (size_t)cases[i].out * sizeof output[0]);
		resampler_free(resampler);
	}
}

static void formats_out_of_range_are_refused(void **state)
{
	(void)state;
	struct qv_audio_format good = { 16000, 1 }, bad[] = { { 0, 1 }, { 16000, 0 }, { 16000, 9 }, { 1000000, 1 } };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		assert_null(resampler_new(&bad[i], &good, &err));
		assert_int_equal(err.code, QV_E_INVALID);
		assert_null(resampler_new(&good, &bad[i], NULL));
	}
}

/* adapter */

#define START (100 * QV_NS_PER_SECOND)

static struct qv_audio_block piece(uint64_t position, size_t frames)
{
	return (struct qv_audio_block){ .format = { 44100, 1 },
					.samples = input,
					.frames = frames,
					.capture_ns = START + (int64_t)(position * 1000000000 / 44100),
					.position = position };
}

static void blocks_have_their_length_place_and_time(void **state)
{
	(void)state;
	struct qv_audio_format from = { 44100, 1 }, to = { 48000, 1 };
	struct audio_adapter *adapter = audio_adapter_new(&from, &to, 960, NULL);
	struct qv_audio_block block;
	uint64_t next = 0;
	make_tone(1000, 44100, 44100);
	for (uint64_t at = 0; at < 44100 * 30; at += 441) {
		struct qv_audio_block in = piece(at, 441);
		assert_int_equal(audio_adapter_push(adapter, &in, NULL), 0);
		while (audio_adapter_take(adapter, &block)) {
			assert_int_equal(block.frames, 960);
			assert_int_equal(block.format.rate, 48000);
			assert_int_equal(block.position, next);
			int64_t error = block.capture_ns - (START + (int64_t)(next * 1000000000 / 48000));
			/* What the filter holds back is silence before the start. */
			assert_true(error <= 0 && error > -QV_NS_PER_MS);
			next += 960;
		}
		/* Nothing is waited for but what the source has not given yet. */
		assert_int_equal(next, (at + 441) / 882 * 960);
	}
	assert_true(audio_adapter_finish(adapter, &block));
	assert_in_range(block.frames, 1, 48);
	assert_false(audio_adapter_finish(adapter, &block));
	audio_adapter_free(adapter);
}

static void a_loss_of_the_source_moves_the_place(void **state)
{
	(void)state;
	struct qv_audio_format from = { 44100, 1 }, to = { 48000, 1 };
	struct audio_adapter *adapter = audio_adapter_new(&from, &to, 960, NULL);
	struct qv_audio_block block, in = piece(0, 4410);
	assert_int_equal(audio_adapter_push(adapter, &in, NULL), 0);
	uint64_t end = 0;
	while (audio_adapter_take(adapter, &block))
		end = block.position + block.frames;
	in = piece(44100, 4410);
	assert_int_equal(audio_adapter_push(adapter, &in, NULL), 0);
	assert_true(audio_adapter_take(adapter, &block));
	assert_true(end <= 4800);
	assert_int_equal(block.position, 48000);
	assert_true(llabs(block.capture_ns - (START + QV_NS_PER_SECOND)) < QV_NS_PER_MS);
	/* A source whose places go back does not take the stream back. */
	while (audio_adapter_take(adapter, &block))
		end = block.position + block.frames;
	in = piece(0, 4410);
	assert_int_equal(audio_adapter_push(adapter, &in, NULL), 0);
	assert_true(audio_adapter_take(adapter, &block));
	assert_true(block.position >= end);
	in.format.rate = 48000;
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(audio_adapter_push(adapter, &in, &err), -1);
	assert_int_equal(err.code, QV_E_INTERNAL);
	audio_adapter_free(adapter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tone_keeps_its_place_at_every_rate),
		cmocka_unit_test(what_the_lower_rate_cannot_hold_is_gone),
		cmocka_unit_test(equal_rates_change_no_sample),
		cmocka_unit_test(drift_changes_the_speed_and_nothing_else),
		cmocka_unit_test(a_change_of_drift_makes_no_click),
		cmocka_unit_test(full_scale_is_clipped_and_does_not_wrap),
		cmocka_unit_test(channels_go_where_they_belong),
		cmocka_unit_test(formats_out_of_range_are_refused),
		cmocka_unit_test(blocks_have_their_length_place_and_time),
		cmocka_unit_test(a_loss_of_the_source_moves_the_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
