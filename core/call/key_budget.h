/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For how long the key of a KME lasts. Its stock and its rate are two things: the rate is by how much the store has grown
 * and what was drawn from it meanwhile; stock that comes in all at once, as after the KME's start, is not part of it.
 */
#ifndef QV_CALL_KEY_BUDGET_H
#define QV_CALL_KEY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_BUDGET_LEVELS 13 /* that are kept: a minute, with one every five seconds */

/* All but the time in bytes. */
struct key_level {
	int64_t at_ns;
	double stored; /* in the KME's store */
	double drawn;  /* from that store, since the beginning */
	double hand;   /* drawn and not used yet */
};

struct key_budget {
	struct key_level level[KEY_BUDGET_LEVELS];
	size_t count; /* the newest stands last */
};

/* The times rise. */
void key_budget_note(struct key_budget *budget, const struct key_level *level);

/* Bytes a second that the KME gives, negative when others draw more; false: not known yet. */
bool key_budget_rate(const struct key_budget *budget, double *rate);

/* The same, over however short a time, of the interval in which the least came; false: there are no two levels. */
bool key_budget_least_rate(const struct key_budget *budget, double *rate);

/*
 * Seconds until nothing is left in the store and at hand, as both fall together, where `need` bytes a second are used;
 * -1: they do not fall, or that is not known yet.
 */
double key_budget_lasts(const struct key_budget *budget, double need);

#endif
