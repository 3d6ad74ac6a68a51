/* SPDX-License-Identifier: Apache-2.0 */
/* Sound made shorter and longer: no click, no other pitch, nothing louder; and what is not alike is left alone. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../core/audio/conceal.h"
#include "../../core/audio/stretch.h"

#define BLOCKS 100

static int16_t block[4096 * 2], result[BLOCKS * 4096 * 2];

static const int rates[] = { 8000, 16000, 44100, 48000 };

/* A voice: a pitch that glides, with harmonics. */
static double voice(double seconds, double pitch)
{
	double phase = 2 * M_PI * (pitch * seconds + 4 * sin(2 * M_PI * 0.5 * seconds));
	return 6000 * sin(phase) + 3000 * sin(2 * phase + 1) + 1500 * sin(3 * phase + 2);
}

static double steepest(const int16_t *samples, size_t count)
{
	double most = 0;
	for (size_t i = 1; i < count; i++)
		most = fmax(most, abs(samples[i] - samples[i - 1]));
	return most;
}

static size_t zero_crossings(const int16_t *samples, size_t count)
{
	size_t crossings = 0;
	for (size_t i = 1; i < count; i++)
		crossings += samples[i - 1] < 0 && samples[i] >= 0;
	return crossings;
}

/* Every fourth block of 20 ms changed in the same direction; what came of a voice of `pitch`. */
static void stretch_voice(int rate, double pitch, bool longer)
{
	struct qv_audio_format format = { rate, 1 };
	size_t frames = (size_t)rate / 50, made = 0, changed = 0;
	static int16_t whole[BLOCKS * 4096];
	for (size_t n = 0; n < BLOCKS; n++) {
		for (size_t i = 0; i < frames; i++)
			block[i] = whole[n * frames + i] =
				(int16_t)lrint(voice((double)(n * frames + i) / rate, pitch));
		size_t left = frames;
		if (n % 4 == 3)
			left = longer ? stretch_lengthen(&format, block, frames, false)
				      : stretch_shorten(&format, block, frames, SIZE_MAX, false);
		assert_true(left <= frames + stretch_room(&format) && left >= frames / 2);
		changed += left != frames;
		memcpy(result + made, block, left * sizeof block[0]);
		made += left;
	}
	/* A pitch whose two periods fit into a block is found nearly always. */
	if (changed < BLOCKS / 4 * 8 / 10)
		fail_msg("%d Hz, pitch %.0f: only %zu blocks were changed", rate, pitch, changed);
	assert_true(longer ? made > BLOCKS * frames * 103 / 100 : made < BLOCKS * frames * 97 / 100);
	double limit = steepest(whole, BLOCKS * frames) * 1.3;
	if (steepest(result, made) > limit)
		fail_msg("%d Hz, pitch %.0f: a step of %.0f, not %.0f at most", rate, pitch, steepest(result, made),
			 limit);
	double before = (double)zero_crossings(whole, BLOCKS * frames) / (double)(BLOCKS * frames);
	double after = (double)zero_crossings(result, made) / (double)made;
	assert_true(fabs(after / before - 1) < 0.03);
}

static void a_voice_gets_shorter_and_longer_without_a_click(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
		for (int pitch = 110; pitch <= 330; pitch += 55) {
			stretch_voice(rates[i], pitch, false);
			stretch_voice(rates[i], pitch, true);
		}
}

static void what_is_not_alike_is_changed_only_at_any_price(void **state)
{
	(void)state;
	struct qv_audio_format format = { 16000, 1 };
	uint32_t random = 1;
	size_t left_alone = 0;
	for (int n = 0; n < 50; n++) {
		int16_t before[320];
		for (size_t i = 0; i < 320; i++) {
			random = random * 1664525 + 1013904223;
			before[i] = block[i] = (int16_t)(random >> 18) - 8192;
		}
		size_t left = stretch_shorten(&format, block, 320, SIZE_MAX, false);
		left_alone += left == 320;
		if (left == 320)
			assert_memory_equal(block, before, sizeof before);
		memcpy(block, before, sizeof before);
		left = stretch_shorten(&format, block, 320, SIZE_MAX, true);
		assert_in_range(left, 160, 280);
		memcpy(block, before, sizeof before);
		assert_in_range(stretch_lengthen(&format, block, 320, true), 360, 480);
	}
	assert_in_range(left_alone, 48, 50);
}

static void silence_and_short_blocks_are_no_trouble(void **state)
{
	(void)state;
	struct qv_audio_format format = { 48000, 2 };
	memset(block, 0, sizeof block);
	assert_true(stretch_shorten(&format, block, 960, SIZE_MAX, false) < 960);
	assert_true(stretch_lengthen(&format, block, 960, false) > 960);
	for (size_t frames = 0; frames < 300; frames++) {
		assert_true(stretch_shorten(&format, block, frames, SIZE_MAX, true) <= frames);
		assert_true(stretch_lengthen(&format, block, frames, true) <= frames + stretch_room(&format));
	}
	for (size_t i = 0; i < sizeof block / sizeof block[0]; i++)
		assert_int_equal(block[i], 0);
	/* A second in one block. */
	static int16_t long_block[2 * (48000 + 721)];
	assert_true(stretch_lengthen(&format, long_block, 48000, true) <= 48000 + stretch_room(&format));
}

static void channels_stay_together(void **state)
{
	(void)state;
	struct qv_audio_format format = { 48000, 2 };
	for (size_t i = 0; i < 960; i++) {
		block[2 * i] = (int16_t)lrint(8000 * sin(2 * M_PI * 200 * (double)i / 48000));
		block[2 * i + 1] = (int16_t)-block[2 * i];
	}
	/* Their sum is silence: what one channel is alike in, the other is too. */
	size_t left = stretch_shorten(&format, block, 960, SIZE_MAX, true);
	assert_in_range(left, 480, 840);
	for (size_t i = 0; i < left; i++)
		assert_in_range(block[2 * i] + block[2 * i + 1] + 1, 0, 2);
}

/* A steady tone with holes: the steps at their edges are hardly larger than those of the tone. */
static void what_is_missing_is_made_up_without_a_click(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
		struct qv_audio_format format = { rates[r], 2 };
		struct conceal *conceal = conceal_new(&format, NULL);
		size_t frames = (size_t)rates[r] / 50, made = 0;
		double energy = 0;
		for (size_t n = 0; n < 50; n++) {
			for (size_t i = 0; i < frames; i++) {
				double phase = 2 * M_PI * 220 * (double)(n * frames + i) / rates[r];
				block[2 * i] = (int16_t)lrint(8000 * sin(phase));
				block[2 * i + 1] = (int16_t)lrint(4000 * sin(phase + 1));
			}
			bool lost = n > 5 && n % 7 == 3;
			if (lost)
				conceal_make(conceal, block, frames);
			else
				conceal_pass(conceal, block, frames);
			for (size_t i = 0; lost && i < frames; i++)
				energy += (double)block[2 * i] * block[2 * i] / (8000.0 * 8000 / 2) / (double)frames;
			for (size_t i = 0; i < frames; i++)
				result[made++] = block[2 * i];
		}
		double limit = 8000 * 2 * M_PI * 220 / rates[r] * 1.6;
		if (steepest(result, made) > limit)
			fail_msg("%d Hz: a step of %.0f", rates[r], steepest(result, made));
		/* Of six holes: softer than the tone, and far from silence. */
		assert_true(energy > 6 * 0.4 && energy < 6);
		conceal_free(conceal);
	}
}

static void a_long_hole_becomes_silent(void **state)
{
	(void)state;
	struct qv_audio_format format = { 16000, 1 };
	struct conceal *conceal = conceal_new(&format, NULL);
	conceal_make(conceal, block, 320); /* before any sound */
	for (size_t i = 0; i < 320; i++)
		assert_int_equal(block[i], 0);
	for (size_t i = 0; i < 1600; i++)
		block[i] = INT16_MIN;
	conceal_pass(conceal, block, 1600);
	for (int n = 0; n < 10; n++)
		conceal_make(conceal, block, 320);
	for (size_t i = 0; i < 320; i++)
		assert_int_equal(block[i], 0);
	conceal_pass(conceal, block, 1);
	conceal_free(conceal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_voice_gets_shorter_and_longer_without_a_click),
		cmocka_unit_test(what_is_not_alike_is_changed_only_at_any_price),
		cmocka_unit_test(silence_and_short_blocks_are_no_trouble),
		cmocka_unit_test(channels_stay_together),
		cmocka_unit_test(what_is_missing_is_made_up_without_a_click),
		cmocka_unit_test(a_long_hole_becomes_silent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
