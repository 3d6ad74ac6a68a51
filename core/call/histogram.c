/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

/* Values under 64 have a bucket each; a doubling above that has 64. */
static unsigned bucket_of(int64_t value)
{
	if (value < HISTOGRAM_STEPS)
		return value < 0 ? 0 : (unsigned)value;
	unsigned exponent = 63u - (unsigned)__builtin_clzll((unsigned long long)value);
	unsigned index = (exponent - 5) * HISTOGRAM_STEPS + (unsigned)(value >> (exponent - 6)) - HISTOGRAM_STEPS;
	return index < HISTOGRAM_BUCKETS ? index : HISTOGRAM_BUCKETS - 1;
}

/* The middle of a bucket. */
static int64_t value_of(unsigned bucket)
{
	if (bucket < 2 * HISTOGRAM_STEPS)
		return bucket;
	unsigned shift = bucket / HISTOGRAM_STEPS - 1;
	int64_t low = (int64_t)(HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << shift;
	return low + ((INT64_C(1) << shift) >> 1);
}

void histogram_add(struct histogram *histogram, int64_t value)
{
	if (histogram->count == 0 || value > histogram->max)
		histogram->max = value;
	histogram->count++;
	histogram->sum = (int64_t)((uint64_t)histogram->sum + (uint64_t)value);
	histogram->bucket[bucket_of(value)]++;
}

int64_t histogram_quantile(const struct histogram *histogram, double quantile)
{
	uint64_t rank = (uint64_t)(quantile * (double)histogram->count), seen = 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += histogram->bucket[i];
		if (seen > rank)
			return value_of(i) < histogram->max ? value_of(i) : histogram->max;
	}
	return histogram->count ? histogram->max : 0;
}
