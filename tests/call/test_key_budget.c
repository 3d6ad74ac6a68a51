/* SPDX-License-Identifier: Apache-2.0 */
/* For how long key lasts, with times of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <qvisio/clock.h>

#include "../../core/call/key_budget.h"

#define S    QV_NS_PER_SECOND
#define NEED 2800.0

static void note(struct key_budget *budget, int second, double stored, double drawn, double hand)
{
	struct key_level level = { .at_ns = second * S, .stored = stored, .drawn = drawn, .hand = hand };
	key_budget_note(budget, &level);
}

static int rate_of(const struct key_budget *budget)
{
	double rate = -1;
	assert_true(key_budget_rate(budget, &rate));
	return (int)(rate < 0 ? rate - 0.5 : rate + 0.5);
}

static void nothing_is_known_at_first(void **state)
{
	(void)state;
	struct key_budget budget = { 0 };
	double rate;
	assert_false(key_budget_rate(&budget, &rate));
	assert_false(key_budget_least_rate(&budget, &rate));
	assert_true(key_budget_lasts(&budget, NEED) < 0);
	note(&budget, 0, 100000, 0, 0);
	assert_false(key_budget_least_rate(&budget, &rate));
	note(&budget, 5, 10, 0, 0);
	assert_false(key_budget_rate(&budget, &rate));
	assert_true(key_budget_lasts(&budget, NEED) < 0);
}

static void a_store_that_falls_runs_out(void **state)
{
	(void)state;
	struct key_budget budget = { 0 };
	for (int i = 0; i <= 100; i++) {
		note(&budget, 5 * i, 1000000 - 1000 * 5 * i, 0, 0);
		double lasts = key_budget_lasts(&budget, NEED);
		if (i >= 2)
			assert_in_range((int)(lasts + 0.5), 1000 - 5 * i, 1000 - 5 * i);
	}
}

static void a_store_that_stands_or_grows_lasts(void **state)
{
	(void)state;
	struct key_budget full = { 0 }, grows = { 0 };
	for (int i = 0; i < 30; i++) {
		note(&full, 5 * i, 30000 - (i % 2) * 100, 0, 0);
		note(&grows, 5 * i, 1000 + 10 * i, 0, 0);
		assert_true(key_budget_lasts(&grows, NEED) < 0);
	}
	assert_true(key_budget_lasts(&full, NEED) < 0);
}

/* It falls for a minute, then the KME is fast again: what was is forgotten. */
static void only_the_last_minute_counts(void **state)
{
	(void)state;
	struct key_budget budget = { 0 };
	double level = 500000;
	int i = 0;
	for (; i < 20; i++)
		note(&budget, 5 * i, level -= 14000, 0, 0);
	assert_true(key_budget_lasts(&budget, NEED) > 0 && key_budget_lasts(&budget, NEED) < 90);
	for (; i < 20 + KEY_BUDGET_LEVELS; i++)
		note(&budget, 5 * i, level, 0, 0);
	assert_true(key_budget_lasts(&budget, NEED) < 0);
}

/* 1500 B/s come; what is drawn goes from the store to the hand, and 2800 B/s of that are used. */
static void the_rate_is_what_comes_however_much_is_drawn(void **state)
{
	(void)state;
	struct key_budget budget = { 0 };
	for (int i = 0; i < 30; i++) {
		double come = 1500.0 * 5 * i, used = NEED * 5 * i, drawn = used + (i % 3) * 16384;
		note(&budget, 5 * i, 500000 + come - drawn, drawn, drawn - used);
		if (i < 2)
			continue;
		assert_int_equal(rate_of(&budget), 1500);
		double left = 500000 + come - used;
		assert_in_range((int)key_budget_lasts(&budget, NEED), (int)(left / 1300) - 1, (int)(left / 1300) + 1);
	}
}

/* 400 kB come in within five seconds, which is no rate of 80 kB/s; then 1000 B/s do. */
static void a_first_stock_is_no_rate(void **state)
{
	(void)state;
	for (int when = 1; when < 8; when++) {
		struct key_budget budget = { 0 };
		for (int i = 0; i < 10; i++) {
			double used = NEED * 5 * i;
			note(&budget, 5 * i, (i >= when ? 400000 : 0) + 100000 + 1000.0 * 5 * i - used, used, 0);
			if (i < 2 || (i == 2 && when > 2))
				continue;
			assert_int_equal(rate_of(&budget), 1000);
			assert_true(key_budget_lasts(&budget, NEED) > 0);
		}
	}
}

/* A KME that gives keys by the block, every fifteen seconds, has a rate all the same. */
static void blocks_are_a_rate(void **state)
{
	(void)state;
	struct key_budget budget = { 0 };
	for (int i = 0; i < 40; i++) {
		int blocks = i / 3;
		note(&budget, 5 * i, 30000.0 * blocks, 0, 0);
	}
	assert_int_equal(rate_of(&budget), 2000);
}

/* Others draw more than comes. */
static void what_others_draw_is_not_given(void **state)
{
	(void)state;
	struct key_budget budget = { 0 };
	for (int i = 0; i < 5; i++)
		note(&budget, 5 * i, 100000 - 5 * i * 300, 0, 0);
	assert_int_equal(rate_of(&budget), -300);
}

static void the_least_of_all_intervals(void **state)
{
	(void)state;
	struct key_budget budget = { 0 };
	double rate, stored = 0;
	static const double come[] = { 9000, 9000, 700, 800, 9000 };
	note(&budget, 0, 0, 0, 0);
	for (int i = 0; i < 5; i++) {
		note(&budget, i + 1, stored += come[i] - 100, 100 * (i + 1), 0);
		assert_true(key_budget_least_rate(&budget, &rate));
		assert_int_equal((int)(rate + 0.5), i < 2 ? 9000 : 700);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(a_store_that_falls_runs_out),
		cmocka_unit_test(a_store_that_stands_or_grows_lasts),
		cmocka_unit_test(only_the_last_minute_counts),
		cmocka_unit_test(the_rate_is_what_comes_however_much_is_drawn),
		cmocka_unit_test(a_first_stock_is_no_rate),
		cmocka_unit_test(blocks_are_a_rate),
		cmocka_unit_test(what_others_draw_is_not_given),
		cmocka_unit_test(the_least_of_all_intervals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
