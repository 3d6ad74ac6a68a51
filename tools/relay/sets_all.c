/* SPDX-License-Identifier: Apache-2.0 */
/* Minimal sets from the whole truth table: set number s holds fact i when bit i of s is set. */
#include "sets_store.h"

#include <stdlib.h>

/* The lowest six facts in the 64 sets of one word of the table. */
static const uint64_t low_facts[6] = { 0xaaaaaaaaaaaaaaaa, 0xcccccccccccccccc, 0xf0f0f0f0f0f0f0f0,
				       0xff00ff00ff00ff00, 0xffff0000ffff0000, 0xffffffff00000000 };

static bool is_true(const uint64_t *table, uint32_t set)
{
	return table[set / LANES] >> (set % LANES) & 1;
}

static void fill(struct search *search, uint64_t *table, uint32_t words)
{
	const struct sets *sets = search->sets;
	for (uint32_t word = 0; word < words; word++) {
		for (uint32_t i = 0; i < sets->facts; i++)
			search->room[i] = i < 6 ? low_facts[i] : word >> (i - 6) & 1 ? UINT64_MAX : 0;
		table[word] = search_evaluate(search);
		if (word % 1024 == 0)
			progress_show(search->progress, word, words);
	}
}

static bool is_minimal(const uint64_t *table, uint32_t set)
{
	for (uint32_t left = set; left; left &= left - 1)
		if (is_true(table, set & ~(left & -left)))
			return false;
	return true;
}

static int keep_number(struct search *search, uint32_t set, struct qv_error *err)
{
	uint32_t facts[SETS_ALL_FACTS], count = 0;
	for (uint32_t i = 0; set >> i; i++)
		if (set >> i & 1)
			facts[count++] = i;
	return search_keep(search, facts, count, err);
}

/* The next larger number with as many bits. */
static uint32_t next_of_size(uint32_t set)
{
	uint32_t low = set & -set, ripple = set + low;
	return ripple | ((set ^ ripple) >> 2) / low;
}

static int collect(struct search *search, const uint64_t *table, struct qv_error *err)
{
	struct sets *sets = search->sets;
	uint32_t all = 1u << sets->facts;
	sets->exact = true;
	for (uint32_t size = 0; size <= sets->facts; size++) {
		for (uint32_t set = (1u << size) - 1; set < all; set = next_of_size(set)) {
			if (is_true(table, set)) {
				sets->true_sets[size]++;
				if (sets->count >= search->limits->sets)
					sets->exact = !is_minimal(table, set) && sets->exact;
				else if (is_minimal(table, set) && keep_number(search, set, err) != 0)
					return -1;
			}
			if (set == 0)
				break;
		}
		if (sets->exact)
			sets->tried = size;
	}
	return 0;
}

int sets_find_all(struct search *search, struct qv_error *err)
{
	struct sets *sets = search->sets;
	uint32_t words = sets->facts > 6 ? 1u << (sets->facts - 6) : 1;
	uint64_t *table = calloc(words, sizeof *table);
	sets->true_sets = calloc(sets->facts + 1, sizeof *sets->true_sets);
	if (!table || !sets->true_sets) {
		free(table);
		return qv_fail(err, QV_E_NOMEM, "no memory for a truth table over %u facts", sets->facts);
	}
	fill(search, table, words);
	int result = collect(search, table, err);
	free(table);
	return result;
}
