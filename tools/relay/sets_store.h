/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways to find minimal sets share: the search, its budget, and where found sets go. */
#ifndef RELAY_SETS_STORE_H
#define RELAY_SETS_STORE_H

#include "sets.h"

struct search {
	const struct statement *statement;
	const struct sets_limits *limits;
	struct progress *progress;
	struct sets *sets;
	uint64_t *room; /* the facts of one evaluation */
	double work;    /* done */
	size_t set_room, member_room;
};

uint64_t search_evaluate(struct search *search);

/* Keeps a set, its facts in ascending order. */
int search_keep(struct search *search, const uint32_t *facts, uint32_t count, struct qv_error *err);

/* Tries every set of at most SETS_ALL_FACTS facts. */
int sets_find_all(struct search *search, struct qv_error *err);
/* Tries sets by their size while the budget lasts, then samples. */
int sets_find_small(struct search *search, struct qv_error *err);

#endif
