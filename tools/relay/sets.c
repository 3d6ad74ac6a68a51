/* SPDX-License-Identifier: Apache-2.0 */
#include "sets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sets_store.h"

uint64_t search_evaluate(struct search *search)
{
	search->work += search->statement->work;
	return search->statement->evaluate(search->statement, search->room);
}

static void *grow(void *array, size_t *room, size_t wanted, size_t size)
{
	if (wanted <= *room)
		return array;
	size_t larger = wanted + wanted / 2 + 16;
	void *grown = reallocarray(array, larger, size);
	if (grown)
		*room = larger;
	return grown;
}

int search_keep(struct search *search, const uint32_t *facts, uint32_t count, struct qv_error *err)
{
	struct sets *sets = search->sets;
	size_t used = sets->count > 0 ? sets->sets[sets->count - 1].first + sets->sets[sets->count - 1].count : 0;
	struct fact_set *list = grow(sets->sets, &search->set_room, sets->count + 1, sizeof *list);
	if (list)
		sets->sets = list;
	uint32_t *members = grow(sets->members, &search->member_room, used + count + 1, sizeof *members);
	if (members)
		sets->members = members;
	if (!list || !members)
		return qv_fail(err, QV_E_NOMEM, "no memory for the sets found");
	if (count > 0)
		memcpy(members + used, facts, count * sizeof *facts);
	list[sets->count++] = (struct fact_set){ .count = count, .first = used };
	return 0;
}

int sets_find(struct sets *sets, const struct statement *statement, const struct sets_limits *limits,
	      struct progress *progress, struct qv_error *err)
{
	*sets = (struct sets){ .facts = statement->facts };
	struct search search = { .statement = statement, .limits = limits, .progress = progress, .sets = sets };
	search.room = calloc(statement->facts + (size_t)1, sizeof *search.room);
	if (!search.room)
		return qv_fail(err, QV_E_NOMEM, "no memory to try %u facts", statement->facts);
	bool all = sets->facts <= SETS_ALL_FACTS &&
		   statement->work * (double)(1ull << sets->facts) / LANES <= limits->work;
	int result = all ? sets_find_all(&search, err) : sets_find_small(&search, err);
	free(search.room);
	return result;
}

void sets_clear(struct sets *sets)
{
	free(sets->sets);
	free(sets->members);
	free(sets->true_sets);
	*sets = (struct sets){ 0 };
}

double sets_probability(const struct sets *sets, double p)
{
	double sum = 0;
	for (uint32_t size = 0; size <= sets->facts; size++)
		sum += sets->true_sets[size] * pow(p, size) * pow(1 - p, sets->facts - size);
	return sum;
}
