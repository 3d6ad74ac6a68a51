/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "random.h"
#include "sets_store.h"
#include "trials.h"

#define FACTS 11

static const struct sets_limits generous = { .work = 1000000000, .sets = 100000 };
static struct qv_error err = QV_ERROR_INIT;

static struct qv_formula *random_formula(struct random *random)
{
	struct qv_formula *formula = qv_formula_new(FACTS, &err);
	uint32_t gates = 1 + random_below(random, 9);
	for (uint32_t g = 0; g < gates; g++) {
		uint32_t inputs[8], count = 1 + random_below(random, 8);
		for (uint32_t i = 0; i < count; i++)
			inputs[i] = random_below(random, FACTS + g);
		qv_formula_gate(formula, random_below(random, count + 1), inputs, count, &err);
	}
	return formula;
}

static bool is_true(const struct qv_formula *formula, uint32_t set)
{
	uint64_t room[FACTS + 16];
	for (uint32_t f = 0; f < FACTS; f++)
		room[f] = set >> f & 1 ? UINT64_MAX : 0;
	return qv_formula_evaluate(formula, room) & 1;
}

static bool is_minimal(const struct qv_formula *formula, uint32_t set)
{
	for (uint32_t f = 0; f < FACTS; f++)
		if (set >> f & 1 && is_true(formula, set & ~(1u << f)))
			return false;
	return is_true(formula, set);
}

static uint32_t as_bits(const struct sets *sets, size_t i)
{
	uint32_t bits = 0;
	for (uint32_t k = 0; k < sets->sets[i].count; k++)
		bits |= 1u << sets->members[sets->sets[i].first + k];
	return bits;
}

/* All sets found are minimal, there are as many as trying every set gives, no two are the same, and small ones are first. */
static void check_sets(const struct sets *sets, const struct qv_formula *formula)
{
	size_t expected = 0;
	for (uint32_t set = 0; set < 1u << FACTS; set++)
		expected += is_minimal(formula, set);
	assert_int_equal(sets->count, expected);
	for (size_t i = 0; i < sets->count; i++) {
		assert_true(is_minimal(formula, as_bits(sets, i)));
		assert_true(i == 0 || sets->sets[i - 1].count <= sets->sets[i].count);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(as_bits(sets, i), as_bits(sets, k));
	}
	assert_true(sets->exact);
}

static double true_probability(const struct qv_formula *formula, double p)
{
	double sum = 0;
	for (uint32_t set = 0; set < 1u << FACTS; set++) {
		int size = __builtin_popcount(set);
		if (is_true(formula, set))
			sum += pow(p, size) * pow(1 - p, FACTS - size);
	}
	return sum;
}

static void test_all_sets(void **state)
{
	(void)state;
	struct random random = random_seeded(1);
	for (int round = 0; round < 200; round++) {
		struct qv_formula *formula = random_formula(&random);
		struct sets sets;
		assert_int_equal(sets_find(&sets, formula, &generous, NULL, &err), 0);
		check_sets(&sets, formula);
		assert_true(fabs(sets_probability(&sets, 0.3) - true_probability(formula, 0.3)) < 1e-12);
		sets_clear(&sets);
		qv_formula_free(formula);
	}
}

/* sets_find goes that way for many facts only; here it is held against few. */
static int find_small(struct sets *sets, const struct qv_formula *formula, const struct sets_limits *limits)
{
	uint64_t room[FACTS + 16] = { 0 };
	struct search search = { .formula = formula, .limits = limits, .sets = sets, .room = room };
	*sets = (struct sets){ .facts = calloc(FACTS, sizeof *sets->facts), .fact_count = FACTS };
	for (uint32_t f = 0; f < FACTS; f++)
		sets->facts[f] = f;
	return sets_find_small(&search, &err);
}

static void test_sets_by_size(void **state)
{
	(void)state;
	struct random random = random_seeded(2);
	for (int round = 0; round < 200; round++) {
		struct qv_formula *formula = random_formula(&random);
		struct sets sets;
		assert_int_equal(find_small(&sets, formula, &generous), 0);
		check_sets(&sets, formula);
		sets_clear(&sets);
		qv_formula_free(formula);
	}
}

/* With a budget for sets of at most two facts, those are all there, and the larger ones are minimal. */
static void test_samples(void **state)
{
	(void)state;
	struct random random = random_seeded(3);
	size_t larger = 0;
	for (int round = 0; round < 100; round++) {
		struct qv_formula *formula = random_formula(&random);
		struct sets_limits poor = { .work = 6 * (qv_formula_inputs(formula) + 1), .sets = 1000 };
		struct sets sets;
		assert_int_equal(find_small(&sets, formula, &poor), 0);
		size_t small = 0, expected = 0;
		for (uint32_t set = 0; set < 1u << FACTS; set++)
			expected += (uint32_t)__builtin_popcount(set) <= sets.tried && is_minimal(formula, set);
		for (size_t i = 0; i < sets.count; i++) {
			assert_true(is_minimal(formula, as_bits(&sets, i)));
			small += sets.sets[i].count <= sets.tried;
			larger += sets.sets[i].count > sets.tried;
		}
		assert_int_equal(small, expected);
		sets_clear(&sets);
		qv_formula_free(formula);
	}
	assert_int_equal(larger, 0); /* such a budget is too small to sample */
}

static void test_sampling(void **state)
{
	(void)state;
	/* 6 of 11: too large for the budget, but every sample finds one. */
	struct qv_formula *formula = qv_formula_new(FACTS, &err);
	uint32_t inputs[FACTS];
	for (uint32_t i = 0; i < FACTS; i++)
		inputs[i] = i;
	qv_formula_gate(formula, 6, inputs, FACTS, &err);
	struct sets_limits poor = { .work = 16 * (qv_formula_inputs(formula) + 1), .sets = 1000 };
	struct sets sets;
	assert_int_equal(find_small(&sets, formula, &poor), 0);
	assert_false(sets.exact);
	assert_int_equal(sets.tried, 4);
	assert_in_range(sets.count, 50, 64);
	for (size_t i = 0; i < sets.count; i++) {
		assert_int_equal(sets.sets[i].count, 6);
		assert_true(is_minimal(formula, as_bits(&sets, i)));
	}
	sets_clear(&sets);
	qv_formula_free(formula);
}

static void test_trials(void **state)
{
	(void)state;
	struct random random = random_seeded(4);
	double chances[FACTS];
	int outside = 0;
	for (int i = 0; i < FACTS; i++)
		chances[i] = 0.3;
	for (uint64_t round = 0; round < 200; round++) {
		struct qv_formula *formula = random_formula(&random);
		struct estimate estimate, again;
		assert_int_equal(trials_run(&estimate, formula, chances, 6400, round, NULL, &err), 0);
		assert_int_equal(trials_run(&again, formula, chances, 6400, round, NULL, &err), 0);
		assert_int_equal(estimate.hits, again.hits);
		assert_int_equal(estimate.trials, 6400);
		double p = true_probability(formula, 0.3);
		outside += p < estimate.low - 1e-9 || p > estimate.high + 1e-9;
		qv_formula_free(formula);
	}
	/* 5 % of the intervals miss; with these seeds it is always the same number. */
	assert_in_range(outside, 1, 20);
}

static void test_interval(void **state)
{
	(void)state;
	/* Values of Wilson's interval for 10 of 100 and 0 of 20, from its closed form by hand. */
	struct estimate ten = estimate_of(10, 100), none = estimate_of(0, 20);
	assert_true(fabs(ten.low - 0.05522914) < 1e-6 && fabs(ten.high - 0.17436566) < 1e-6);
	assert_true(none.low == 0 && fabs(none.high - 0.16112516) < 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_sets), cmocka_unit_test(test_sets_by_size), cmocka_unit_test(test_samples),
		cmocka_unit_test(test_sampling), cmocka_unit_test(test_trials),       cmocka_unit_test(test_interval),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
