/* SPDX-License-Identifier: Apache-2.0 */
/* For how long the key of a KME lasts, by how what is left of it has fallen during the last minute. */
#ifndef QV_CALL_KEY_BUDGET_H
#define QV_CALL_KEY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_BUDGET_LEVELS 13 /* that are kept: a minute, with one every five seconds */

struct key_budget {
	struct key_level {
		int64_t at_ns;
		double bytes; /* at hand, and in the KME's store */
	} level[KEY_BUDGET_LEVELS];
	size_t count; /* the newest stands last */
};

/* The times rise. */
void key_budget_note(struct key_budget *budget, int64_t at_ns, double bytes);

/* Bytes a second by which it falls (negative: it grows); false: not known yet. */
bool key_budget_fall(const struct key_budget *budget, double *fall);

/*
 * Seconds until nothing is left, where `need` bytes a second are used; -1: it does not fall, or that is not known yet.
 */
double key_budget_lasts(const struct key_budget *budget, double need);

#endif
