/* SPDX-License-Identifier: Apache-2.0 */
/* What the measuring programs share: two ways of doing the same, in turn, and the ratio of each pair of rounds. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>

struct bench_data; /* each program's own */

struct bench_pair {
	const char *what;                        /* "TLS openssl: handshakes" */
	const char *unit;                        /* of one result: "us", "ms"… */
	const char *peer;                        /* what ours is compared with: "bare OpenSSL" */
	double (*ours)(struct bench_data *data); /* one round; returns its cost in `unit`; < 0: failed */
	double (*theirs)(struct bench_data *data);
	struct bench_data *data;
	int rounds;  /* counted, after one round that is not */
	double goal; /* the median ratio ours/theirs that is asked for at most; 0: none */
};

void bench_header(void);
/* Runs A B A B …, prints one row: medians, median of the pairwise ratios with its range, goal. False if it failed. */
bool bench_run(const struct bench_pair *pair);

double bench_wall(void);                                       /* seconds */
double bench_cpu(void);                                        /* seconds of this thread */
double bench_median(double *values, size_t count);             /* sorts them */
double bench_quantile(double *values, size_t count, double q); /* sorts them */

#endif
