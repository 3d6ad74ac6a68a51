/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of durations in buckets whose width is 1/64 of their value, so that quantiles take constant memory. */
#ifndef QV_CALL_HISTOGRAM_H
#define QV_CALL_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS   64 /* buckets per doubling */
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * 32)

struct histogram {
	uint64_t count;
	int64_t sum, max;
	uint32_t bucket[HISTOGRAM_BUCKETS];
};

/* Negative values (clock error) count as they are in the sum and as 0 in the quantiles. */
void histogram_add(struct histogram *histogram, int64_t value);
int64_t histogram_quantile(const struct histogram *histogram, double quantile); /* 0 when empty */

#endif
