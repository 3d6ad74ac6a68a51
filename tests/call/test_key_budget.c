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

static void nothing_is_known_at_first(void **state)
{
	(void)state;
	struct key_budget budget = { 0 };
	double fall;
	assert_false(key_budget_fall(&budget, &fall));
	assert_true(key_budget_lasts(&budget, NEED) < 0);
	key_budget_note(&budget, 0, 100000);
	key_budget_note(&budget, 5 * S, 10);
	assert_true(key_budget_lasts(&budget, NEED) < 0);
}

static void a_store_that_falls_runs_out(void **state)
{
	(void)state;
	struct key_budget budget = { 0 };
	for (int i = 0; i <= 100; i++) {
		key_budget_note(&budget, 5 * i * S, 1000000 - 1000 * 5 * i);
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
		key_budget_note(&full, 5 * i * S, 30000 - (i % 2) * 100);
		key_budget_note(&grows, 5 * i * S, 1000 + 10 * i);
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
		key_budget_note(&budget, 5 * i * S, level -= 14000);
	assert_true(key_budget_lasts(&budget, NEED) > 0 && key_budget_lasts(&budget, NEED) < 90);
	for (; i < 20 + KEY_BUDGET_LEVELS; i++)
		key_budget_note(&budget, 5 * i * S, level);
	assert_true(key_budget_lasts(&budget, NEED) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(a_store_that_falls_runs_out),
		cmocka_unit_test(a_store_that_stands_or_grows_lasts),
		cmocka_unit_test(only_the_last_minute_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
