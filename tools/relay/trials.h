/* SPDX-License-Identifier: Apache-2.0 */
/* How often a statement is true when each fact holds by chance: trials, and what they say of the probability. */
#ifndef RELAY_TRIALS_H
#define RELAY_TRIALS_H

#include <qvisio/error.h>

#include "progress.h"
#include "statement.h"

struct estimate {
	uint64_t trials, hits;
	double p, low, high; /* the probability, and its interval of 95 % (Wilson's score) */
};

/*
 * Makes trials (rounded up to 64) in which fact f holds with probability chances[f], the same for the same seed. QV_E_NOMEM.
 */
int trials_run(struct estimate *estimate, const struct statement *statement, const double *chances, uint64_t trials,
	       uint64_t seed, struct progress *progress, struct qv_error *err);

struct estimate estimate_of(uint64_t hits, uint64_t trials);

#endif
