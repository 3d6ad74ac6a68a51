/* SPDX-License-Identifier: Apache-2.0 */
#include "sets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sets_store.h"

uint64_t search_evaluate(struct search *search)
{
	search->work += qv_formula_inputs(search->formula) + 1;
	return qv_formula_evaluate(search->formula, search->room);
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

int search_keep(struct search *search, const uint32_t *indices, uint32_t count, struct qv_error *err)
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
	for (uint32_t i = 0; i < count; i++)
		members[used + i] = sets->facts[indices[i]];
	list[sets->count++] = (struct fact_set){ .count = count, .first = used };
	return 0;
}

static int find_facts(struct sets *sets, const struct qv_formula *formula, struct qv_error *err)
{
	uint32_t facts = qv_formula_facts(formula);
	bool *used = calloc(qv_formula_nodes(formula) + (size_t)1, sizeof *used);
	sets->facts = calloc(facts + (size_t)1, sizeof *sets->facts);
	if (!used || !sets->facts) {
		free(used);
		return qv_fail(err, QV_E_NOMEM, "no memory for the facts of a formula");
	}
	qv_formula_used(formula, used);
	for (uint32_t fact = 0; fact < facts; fact++)
		if (used[fact])
			sets->facts[sets->fact_count++] = fact;
	free(used);
	return 0;
}

int sets_find(struct sets *sets, const struct qv_formula *formula, const struct sets_limits *limits,
	      struct progress *progress, struct qv_error *err)
{
	*sets = (struct sets){ 0 };
	struct search search = { .formula = formula, .limits = limits, .progress = progress, .sets = sets };
	if (find_facts(sets, formula, err) != 0)
		return -1;
	search.room = calloc(qv_formula_nodes(formula) + (size_t)1, sizeof *search.room);
	if (!search.room)
		return qv_fail(err, QV_E_NOMEM, "no memory for the values of a formula");
	int result = sets->fact_count <= SETS_ALL_FACTS ? sets_find_all(&search, err) : sets_find_small(&search, err);
	free(search.room);
	return result;
}

void sets_clear(struct sets *sets)
{
	free(sets->facts);
	free(sets->sets);
	free(sets->members);
	free(sets->true_sets);
	*sets = (struct sets){ 0 };
}

double sets_probability(const struct sets *sets, double p)
{
	double sum = 0;
	for (uint32_t size = 0; size <= sets->fact_count; size++)
		sum += sets->true_sets[size] * pow(p, size) * pow(1 - p, sets->fact_count - size);
	return sum;
}
