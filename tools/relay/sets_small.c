/* SPDX-License-Identifier: Apache-2.0 */
/* Minimal sets when there are too many facts for a truth table: all the small ones, then samples of larger ones. */
#include "sets_store.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"

#define ROUNDS 16 /* of LANES samples */

static bool contains(const struct search *search, const struct fact_set *small, const uint32_t *facts, uint32_t count)
{
	const uint32_t *wanted = search->sets->members + small->first;
	uint32_t found = 0;
	for (uint32_t i = 0; i < count && found < small->count; i++)
		found += facts[i] == wanted[found];
	return found == small->count;
}

/* Whether a true set is minimal, when all smaller minimal ones are known. */
static bool is_new(const struct search *search, const uint32_t *facts, uint32_t count)
{
	for (size_t i = 0; i < search->sets->count; i++)
		if (contains(search, &search->sets->sets[i], facts, count))
			return false;
	return true;
}

/* Some sets of one size, side by side: `size` facts each. */
struct batch {
	uint32_t *facts, size, count;
};

static void put(struct search *search, const struct batch *batch, bool there)
{
	for (uint32_t lane = 0; lane < batch->count; lane++)
		for (uint32_t i = 0; i < batch->size; i++) {
			uint32_t fact = batch->facts[lane * batch->size + i];
			search->room[fact] = there ? search->room[fact] | 1ull << lane : 0;
		}
}

static int try_batch(struct search *search, struct batch *batch, struct qv_error *err)
{
	put(search, batch, true);
	uint64_t value = search_evaluate(search);
	put(search, batch, false);
	for (uint32_t lane = 0; lane < batch->count; lane++) {
		const uint32_t *facts = batch->facts + lane * batch->size;
		if (!(value >> lane & 1) || search->sets->count >= search->limits->sets ||
		    !is_new(search, facts, batch->size))
			continue;
		if (search_keep(search, facts, batch->size, err) != 0)
			return -1;
	}
	batch->count = 0;
	return 0;
}

/* The next set of ascending facts in the order of dictionaries; false after the last one. */
static bool next_combination(uint32_t *facts, uint32_t size, uint32_t all)
{
	uint32_t i = size;
	while (i > 0 && facts[i - 1] == all - size + i - 1)
		i--;
	if (i == 0)
		return false;
	facts[i - 1]++;
	for (; i < size; i++)
		facts[i] = facts[i - 1] + 1;
	return true;
}

static double combinations(uint32_t all, uint32_t size)
{
	double number = 1;
	for (uint32_t i = 0; i < size; i++)
		number *= (double)(all - i) / (i + 1);
	return number;
}

static int try_size(struct search *search, uint32_t size, struct qv_error *err)
{
	uint32_t all = search->sets->facts;
	struct batch batch = { .facts = calloc((LANES + 1) * (size_t)size + 1, sizeof *batch.facts), .size = size };
	if (!batch.facts)
		return qv_fail(err, QV_E_NOMEM, "no memory to try sets");
	uint32_t *facts = batch.facts + LANES * (size_t)size;
	for (uint32_t i = 0; i < size; i++)
		facts[i] = i;
	double done = 0, total = combinations(all, size);
	int result = 0;
	bool more = true;
	while (more && result == 0) {
		memcpy(batch.facts + batch.count++ * (size_t)size, facts, size * sizeof *facts);
		more = next_combination(facts, size, all);
		if (batch.count < LANES && more)
			continue;
		result = try_batch(search, &batch, err);
		progress_show(search->progress, done += LANES, total);
	}
	free(batch.facts);
	return result;
}

static bool affordable(const struct search *search, double evaluations)
{
	double cost = evaluations * search->statement->work;
	return cost <= search->limits->work - search->work;
}

/* Takes facts away from the whole, in another random order in each lane, as long as the statement stays true. */
static void thin_out(struct search *search, uint32_t *orders, struct random *random)
{
	uint32_t all = search->sets->facts;
	for (uint32_t lane = 0; lane < LANES; lane++)
		random_order(random, orders + (size_t)lane * all, all);
	for (uint32_t i = 0; i < all; i++)
		search->room[i] = UINT64_MAX;
	for (uint32_t step = 0; step < all; step++) {
		for (uint32_t lane = 0; lane < LANES; lane++)
			search->room[orders[(size_t)lane * all + step]] &= ~(1ull << lane);
		uint64_t value = search_evaluate(search);
		for (uint32_t lane = 0; lane < LANES; lane++)
			search->room[orders[(size_t)lane * all + step]] |= ~value & 1ull << lane;
	}
}

static bool is_known(const struct search *search, const uint32_t *facts, uint32_t count)
{
	for (size_t i = 0; i < search->sets->count; i++)
		if (search->sets->sets[i].count == count && contains(search, &search->sets->sets[i], facts, count))
			return true;
	return false;
}

static int keep_samples(struct search *search, uint32_t *facts, struct qv_error *err)
{
	const struct sets *sets = search->sets;
	for (uint32_t lane = 0; lane < LANES; lane++) {
		uint32_t count = 0;
		for (uint32_t i = 0; i < sets->facts; i++)
			if (search->room[i] >> lane & 1)
				facts[count++] = i;
		if (count <= sets->tried || sets->count >= search->limits->sets || is_known(search, facts, count))
			continue;
		if (search_keep(search, facts, count, err) != 0)
			return -1;
	}
	return 0;
}

static int sample(struct search *search, struct qv_error *err)
{
	uint32_t all = search->sets->facts;
	struct random random = random_seeded(1);
	uint32_t *orders = calloc((size_t)all * LANES, sizeof *orders);
	if (!orders)
		return qv_fail(err, QV_E_NOMEM, "no memory to sample sets");
	int result = 0;
	for (uint32_t i = 0; i < all; i++)
		search->room[i] = UINT64_MAX;
	bool possible = search_evaluate(search) & 1;
	search->sets->exact = !possible;
	for (int round = 0; possible && round < ROUNDS && result == 0 && affordable(search, all); round++) {
		progress_show(search->progress, round, ROUNDS);
		thin_out(search, orders, &random);
		result = keep_samples(search, orders, err);
	}
	free(orders);
	return result;
}

static int compare_sets(const void *a, const void *b, void *members)
{
	const struct fact_set *one = a, *other = b;
	if (one->count != other->count)
		return one->count < other->count ? -1 : 1;
	for (uint32_t i = 0; i < one->count; i++) {
		uint32_t x = ((uint32_t *)members)[one->first + i], y = ((uint32_t *)members)[other->first + i];
		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

int sets_find_small(struct search *search, struct qv_error *err)
{
	struct sets *sets = search->sets;
	for (uint32_t size = 0; size <= sets->facts; size++) {
		if (!affordable(search, combinations(sets->facts, size) / LANES + 1))
			break;
		if (try_size(search, size, err) != 0)
			return -1;
		if (sets->count >= search->limits->sets)
			break;
		sets->tried = size;
	}
	sets->exact = sets->tried == sets->facts;
	search->work = 0;
	if (!sets->exact && sets->count < search->limits->sets && sample(search, err) != 0)
		return -1;
	if (sets->count > 0)
		qsort_r(sets->sets, sets->count, sizeof *sets->sets, compare_sets, sets->members);
	return 0;
}
