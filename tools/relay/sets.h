/* SPDX-License-Identifier: Apache-2.0 */
/* The minimal sets of facts that make a statement true: exactly where feasible, else as far as the limits allow. */
#ifndef RELAY_SETS_H
#define RELAY_SETS_H

#include <stdbool.h>

#include <stddef.h>

#include <qvisio/error.h>

#include "progress.h"
#include "statement.h"

#define SETS_ALL_FACTS 24 /* up to so many facts, every set of them is tried */

struct fact_set {
	uint32_t count;
	size_t first; /* into members */
};

struct sets {
	uint32_t facts;
	bool exact;            /* all minimal sets are here */
	uint32_t tried;        /* else: all those of at most so many facts, and of the larger ones some */
	struct fact_set *sets; /* the smallest first */
	size_t count;
	uint32_t *members; /* facts, ascending in each set */
	double *true_sets; /* NULL, or of the sets of each size, 0 and up, how many make the statement true */
};

struct sets_limits {
	double work; /* of evaluations, at most */
	size_t sets; /* to keep, at most */
};

/* Fills `sets`, which sets_clear frees, also after a failure (QV_E_NOMEM). */
int sets_find(struct sets *sets, const struct statement *statement, const struct sets_limits *limits,
	      struct progress *progress, struct qv_error *err);
void sets_clear(struct sets *sets);

/* The probability that the statement is true when each fact holds by itself with probability p. Wants true_sets. */
double sets_probability(const struct sets *sets, double p);

#endif
