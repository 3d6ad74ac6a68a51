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

/* A random monotone statement: gates, each true when enough of its inputs are; inputs are facts and earlier gates. */
struct gates {
	struct statement statement; /* first */
	uint32_t count;
	struct {
		uint32_t threshold, count, inputs[FACTS];
	} gate[10];
};

static bool is_true(const struct gates *gates, uint32_t set)
{
	bool value[FACTS + 10];
	for (uint32_t f = 0; f < FACTS; f++)
		value[f] = set >> f & 1;
	for (uint32_t g = 0; g < gates->count; g++) {
		uint32_t sum = 0;
		for (uint32_t i = 0; i < gates->gate[g].count; i++)
			sum += value[gates->gate[g].inputs[i]];
		value[FACTS + g] = sum >= gates->gate[g].threshold;
	}
	return value[FACTS + gates->count - 1];
}

static uint64_t evaluate(const struct statement *statement, const uint64_t *sets)
{
	uint64_t truth = 0;
	for (unsigned lane = 0; lane < LANES; lane++) {
		uint32_t set = 0;
		for (uint32_t f = 0; f < FACTS; f++)
			set |= (uint32_t)(sets[f] >> lane & 1) << f;
		truth |= (uint64_t)is_true((const struct gates *)statement, set) << lane;
	}
	return truth;
}

static struct gates random_gates(struct random *random)
{
	struct gates gates = { .statement = { .facts = FACTS, .work = 1, .evaluate = evaluate } };
	gates.count = 1 + random_below(random, 9);
	for (uint32_t g = 0; g < gates.count; g++) {
		gates.gate[g].count = 1 + random_below(random, 8);
		gates.gate[g].threshold = random_below(random, gates.gate[g].count + 1);
		for (uint32_t i = 0; i < gates.gate[g].count; i++)
			gates.gate[g].inputs[i] = random_below(random, FACTS + g);
	}
	return gates;
}

static bool is_minimal(const struct gates *gates, uint32_t set)
{
	for (uint32_t f = 0; f < FACTS; f++)
		if (set >> f & 1 && is_true(gates, set & ~(1u << f)))
			return false;
	return is_true(gates, set);
}

static uint32_t as_bits(const struct sets *sets, size_t i)
{
	uint32_t bits = 0;
	for (uint32_t k = 0; k < sets->sets[i].count; k++)
		bits |= 1u << sets->members[sets->sets[i].first + k];
	return bits;
}

/* All sets found are minimal, there are as many as trying every set gives, no two are the same, and small ones are first. */
static void check_sets(const struct sets *sets, const struct gates *gates)
{
	size_t expected = 0;
	for (uint32_t set = 0; set < 1u << FACTS; set++)
		expected += is_minimal(gates, set);
	assert_int_equal(sets->count, expected);
	for (size_t i = 0; i < sets->count; i++) {
		assert_true(is_minimal(gates, as_bits(sets, i)));
		assert_true(i == 0 || sets->sets[i - 1].count <= sets->sets[i].count);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(as_bits(sets, i), as_bits(sets, k));
	}
	assert_true(sets->exact);
}

static double true_probability(const struct gates *gates, double p)
{
	double sum = 0;
	for (uint32_t set = 0; set < 1u << FACTS; set++) {
		int size = __builtin_popcount(set);
		if (is_true(gates, set))
			sum += pow(p, size) * pow(1 - p, FACTS - size);
	}
	return sum;
}

static void test_all_sets(void **state)
{
	(void)state;
	struct random random = random_seeded(1);
	for (int round = 0; round < 200; round++) {
		struct gates gates = random_gates(&random);
		struct sets sets;
		assert_int_equal(sets_find(&sets, &gates.statement, &generous, NULL, &err), 0);
		check_sets(&sets, &gates);
		assert_true(fabs(sets_probability(&sets, 0.3) - true_probability(&gates, 0.3)) < 1e-12);
		sets_clear(&sets);
	}
}

/* sets_find goes that way for many facts only; here it is held against few. */
static int find_small(struct sets *sets, const struct gates *gates, const struct sets_limits *limits)
{
	uint64_t room[FACTS] = { 0 };
	struct search search = { .statement = &gates->statement, .limits = limits, .sets = sets, .room = room };
	*sets = (struct sets){ .facts = FACTS };
	return sets_find_small(&search, &err);
}

static void test_sets_by_size(void **state)
{
	(void)state;
	struct random random = random_seeded(2);
	for (int round = 0; round < 200; round++) {
		struct gates gates = random_gates(&random);
		struct sets sets;
		assert_int_equal(find_small(&sets, &gates, &generous), 0);
		check_sets(&sets, &gates);
		sets_clear(&sets);
	}
}

/* With a budget for sets of at most two facts, those are all there, and the larger ones are minimal. */
static void test_samples(void **state)
{
	(void)state;
	struct random random = random_seeded(3);
	size_t larger = 0;
	for (int round = 0; round < 100; round++) {
		struct gates gates = random_gates(&random);
		struct sets_limits poor = { .work = 6, .sets = 1000 };
		struct sets sets;
		assert_int_equal(find_small(&sets, &gates, &poor), 0);
		size_t small = 0, expected = 0;
		for (uint32_t set = 0; set < 1u << FACTS; set++)
			expected += (uint32_t)__builtin_popcount(set) <= sets.tried && is_minimal(&gates, set);
		for (size_t i = 0; i < sets.count; i++) {
			assert_true(is_minimal(&gates, as_bits(&sets, i)));
			small += sets.sets[i].count <= sets.tried;
			larger += sets.sets[i].count > sets.tried;
		}
		assert_int_equal(small, expected);
		sets_clear(&sets);
	}
	assert_int_equal(larger, 0); /* such a budget is too small to sample */
}

static void test_sampling(void **state)
{
	(void)state;
	/* 6 of 11: too large for the budget, but every sample finds one. */
	struct gates gates = { .statement = { .facts = FACTS, .work = 1, .evaluate = evaluate }, .count = 1 };
	gates.gate[0].threshold = 6;
	gates.gate[0].count = FACTS;
	for (uint32_t i = 0; i < FACTS; i++)
		gates.gate[0].inputs[i] = i;
	struct sets_limits poor = { .work = 16, .sets = 1000 };
	struct sets sets;
	assert_int_equal(find_small(&sets, &gates, &poor), 0);
	assert_false(sets.exact);
	assert_int_equal(sets.tried, 4);
	assert_in_range(sets.count, 50, 64);
	for (size_t i = 0; i < sets.count; i++) {
		assert_int_equal(sets.sets[i].count, 6);
		assert_true(is_minimal(&gates, as_bits(&sets, i)));
	}
	sets_clear(&sets);
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
		struct gates gates = random_gates(&random);
		struct estimate estimate, again;
		assert_int_equal(trials_run(&estimate, &gates.statement, chances, 6400, round, NULL, &err), 0);
		assert_int_equal(trials_run(&again, &gates.statement, chances, 6400, round, NULL, &err), 0);
		assert_int_equal(estimate.hits, again.hits);
		assert_int_equal(estimate.trials, 6400);
		double p = true_probability(&gates, 0.3);
		outside += p < estimate.low - 1e-9 || p > estimate.high + 1e-9;
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
