/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <qvisio/clock.h>

#include "../../core/call/picture_size.h"

#define MS     QV_NS_PER_MS
#define SECOND QV_NS_PER_SECOND

static struct picture_size begun(const char *codec, int64_t bitrate)
{
	struct picture_size size;
	picture_size_begin(&size, 1280, 720, 30, codec);
	picture_size_follow(&size, bitrate, 0);
	return size;
}

static void assert_size(const struct picture_size *size, int width, int height)
{
	int is_width, is_height;
	picture_size_get(size, &is_width, &is_height);
	assert_int_equal(is_width, width);
	assert_int_equal(is_height, height);
}

/* Until it changes; the time of that, or -1. */
static int64_t follow(struct picture_size *size, int64_t bitrate, int64_t from, int64_t until)
{
	for (int64_t now = from; now <= until; now += SECOND / 30)
		if (picture_size_follow(size, bitrate, now))
			return now;
	return -1;
}

static void the_first_rate_decides_at_once(void **state)
{
	(void)state;
	struct picture_size size = begun("vp8", 0);
	assert_size(&size, 1280, 720);
	assert_true(picture_size_follow(&size, 150000, SECOND));
	assert_size(&size, 426, 240);
	size = begun("vp8", 3000000);
	assert_size(&size, 1280, 720);
	size = begun("vp8", 500000);
	assert_size(&size, 960, 540);
	size = begun("vp8", 200000);
	assert_size(&size, 640, 360);
	size = begun("vp8", 40000);
	assert_size(&size, 320, 180);
	size = begun("vp8", 1);
	assert_size(&size, 320, 180);
	size = begun("vp9", 580000);
	assert_size(&size, 1280, 720);
	size = begun("vp8", 580000);
	assert_size(&size, 960, 540);
}

static void sides_are_even_and_never_tiny(void **state)
{
	(void)state;
	static const struct {
		int width, height, least_width, least_height;
	} cases[] = {
		{ 640, 480, 160, 120 },     { 320, 240, 160, 120 },   { 176, 144, 176, 144 },
		{ 720, 1280, 180, 320 },    { 321, 243, 160, 120 },   { 160, 90, 160, 90 },
		{ 8192, 8192, 2048, 2048 }, { 8192, 100, 8192, 100 }, { 1, 1, 1, 1 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct picture_size size;
		int width, height;
		picture_size_begin(&size, cases[i].width, cases[i].height, 0, "vp8");
		assert_size(&size, cases[i].width, cases[i].height);
		picture_size_follow(&size, 1, 0);
		assert_size(&size, cases[i].least_width, cases[i].least_height);
		for (unsigned step = 1; step < size.steps; step++) {
			size.step = step;
			picture_size_get(&size, &width, &height);
			assert_true(width % 2 == 0 && height % 2 == 0);
		}
	}
}

static void it_gets_smaller_soon_but_not_for_a_moment(void **state)
{
	(void)state;
	struct picture_size size = begun("vp8", 2000000);
	assert_int_equal(follow(&size, 500000, SECOND, SECOND + 900 * MS), -1);
	assert_int_equal(follow(&size, 2000000, 2 * SECOND, 2 * SECOND), -1);
	assert_int_equal(follow(&size, 500000, 3 * SECOND, 3 * SECOND + 900 * MS), -1);
	int64_t at = follow(&size, 500000, 4 * SECOND, 5 * SECOND);
	assert_true(at >= 4 * SECOND && at < 4 * SECOND + 100 * MS);
	assert_size(&size, 960, 540);
	/* Far too little. */
	at = follow(&size, 60000, 6 * SECOND, 8 * SECOND);
	assert_true(at >= 6 * SECOND + 200 * MS && at < 6 * SECOND + 400 * MS);
	assert_size(&size, 320, 180);
}

static void it_gets_larger_late_and_in_one_step(void **state)
{
	(void)state;
	struct picture_size size = begun("vp8", 150000);
	assert_size(&size, 426, 240);
	/* Enough to stay, not to change for. */
	assert_int_equal(follow(&size, 200000, SECOND, 60 * SECOND), -1);
	int64_t at = follow(&size, 3000000, 61 * SECOND, 70 * SECOND);
	assert_true(at >= 64 * SECOND && at < 65 * SECOND);
	assert_size(&size, 1280, 720);
}

/* The rate that was enough for one size falls whenever the larger one is tried. */
static void what_did_not_last_is_tried_more_seldom(void **state)
{
	(void)state;
	struct picture_size size = begun("vp8", 150000);
	int64_t now = 0, wait = 3 * SECOND;
	for (int i = 0; i < 8; i++) {
		int64_t raised = follow(&size, 3000000, now, now + 100 * SECOND);
		assert_true(raised >= now + wait && raised < now + wait + SECOND);
		now = follow(&size, 150000, raised + 5 * SECOND, raised + 10 * SECOND) + SECOND / 30;
		assert_size(&size, 426, 240);
		wait = wait < 48 * SECOND ? 2 * wait : wait;
	}
	/* One that lasts makes good. */
	int64_t raised = follow(&size, 3000000, now, now + 100 * SECOND);
	assert_int_equal(follow(&size, 3000000, raised, raised + 20 * SECOND), -1);
	now = follow(&size, 150000, raised + 20 * SECOND, raised + 30 * SECOND);
	assert_true(now > 0);
	raised = follow(&size, 3000000, now + SECOND / 30, now + 100 * SECOND);
	assert_true(raised < now + 4 * SECOND);
}

/* Whatever the rate is, the size comes to rest. */
static void a_steady_rate_has_one_size(void **state)
{
	(void)state;
	for (int64_t rate = 10000; rate < 4000000; rate += rate / 7) {
		struct picture_size size = begun("vp8", 2000000);
		int64_t at = follow(&size, rate, SECOND, 100 * SECOND);
		while (at >= 0 && at < 90 * SECOND)
			at = follow(&size, rate, at + SECOND / 30, 100 * SECOND);
		assert_int_equal(at, -1);
	}
}

static void an_unknown_rate_changes_nothing(void **state)
{
	(void)state;
	struct picture_size size = begun("vp8", 150000);
	assert_int_equal(follow(&size, 0, SECOND, 60 * SECOND), -1);
	assert_size(&size, 426, 240);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rate_decides_at_once),
		cmocka_unit_test(sides_are_even_and_never_tiny),
		cmocka_unit_test(it_gets_smaller_soon_but_not_for_a_moment),
		cmocka_unit_test(it_gets_larger_late_and_in_one_step),
		cmocka_unit_test(what_did_not_last_is_tried_more_seldom),
		cmocka_unit_test(a_steady_rate_has_one_size),
		cmocka_unit_test(an_unknown_rate_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
