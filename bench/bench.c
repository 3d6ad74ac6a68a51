/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS_MAX 1000

static double seconds(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double bench_wall(void)
{
	return seconds(CLOCK_MONOTONIC);
}

double bench_cpu(void)
{
	return seconds(CLOCK_THREAD_CPUTIME_ID);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_quantile(double *values, size_t count, double q)
{
	if (count == 0)
		return 0;
	qsort(values, count, sizeof *values, ascending);
	double at = q * (double)(count - 1);
	size_t low = (size_t)at;
	size_t high = low + 1 < count ? low + 1 : low;
	return values[low] + (values[high] - values[low]) * (at - (double)low);
}

double bench_median(double *values, size_t count)
{
	return bench_quantile(values, count, 0.5);
}

void bench_header(void)
{
	printf("%-44s %12s %12s %-6s %7s %15s %6s\n", "what (against)", "ours", "theirs", "unit", "ratio", "range",
	       "goal");
}

bool bench_run(const struct bench_pair *pair)
{
	static double ours[ROUNDS_MAX], theirs[ROUNDS_MAX], ratio[ROUNDS_MAX];
	size_t rounds = (size_t)(pair->rounds < ROUNDS_MAX ? pair->rounds : ROUNDS_MAX);
	char what[96];
	snprintf(what, sizeof what, "%s (%s)", pair->what, pair->peer);
	bool ok = pair->ours(pair->data) >= 0 && pair->theirs(pair->data) >= 0;
	for (size_t i = 0; i < rounds && ok; i++) {
		ours[i] = pair->ours(pair->data);
		theirs[i] = pair->theirs(pair->data);
		ok = ours[i] >= 0 && theirs[i] > 0;
		ratio[i] = ok ? ours[i] / theirs[i] : 0;
	}
	if (!ok || rounds == 0) {
		printf("%-44s failed\n", what);
		return false;
	}
	double median = bench_median(ratio, rounds);
	printf("%-44s %12.3f %12.3f %-6s %7.3f %7.3f-%7.3f", what, bench_median(ours, rounds),
	       bench_median(theirs, rounds), pair->unit, median, ratio[0], ratio[rounds - 1]);
	if (pair->goal > 0)
		printf(" %6.2f %s", pair->goal, median <= pair->goal ? "met" : "MISSED");
	printf("\n");
	fflush(stdout);
	return true;
}
