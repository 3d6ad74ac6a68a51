/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 64 counters side by side, for statements about 64 states of a network at once: bit i of every word is about state i.
 * A relay module's judge counts with them how many shares arrive, or are seen, at each KME.
 */
#ifndef QVISIO_TALLY_H
#define QVISIO_TALLY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zeroed, all counters are 0. Each goes up to 2^32 - 1. */
struct qv_tally {
	uint64_t digits[32]; /* digits[d]: binary digit d of each counter */
	unsigned used;
};

/* Adds 1 to the counters of the states in `states`. */
static inline void qv_tally_add(struct qv_tally *tally, uint64_t states)
{
	unsigned digit = 0;
	for (; states && digit < tally->used; digit++) {
		uint64_t carry = tally->digits[digit] & states;
		tally->digits[digit] ^= states;
		states = carry;
	}
	if (states && digit < 32) {
		tally->digits[digit] = states;
		tally->used = digit + 1;
	}
}

/* The states whose counter is at least `threshold`: the highest digit that differs decides. */
static inline uint64_t qv_tally_at_least(const struct qv_tally *tally, uint32_t threshold)
{
	uint64_t above = 0, equal = UINT64_MAX;
	if (tally->used < 32 && threshold >> tally->used)
		return 0;
	for (unsigned digit = tally->used; digit-- > 0;) {
		if (threshold >> digit & 1) {
			equal &= tally->digits[digit];
		} else {
			above |= equal & tally->digits[digit];
			equal &= ~tally->digits[digit];
		}
	}
	return above | equal;
}

#ifdef __cplusplus
}
#endif
#endif
