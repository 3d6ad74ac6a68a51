/* SPDX-License-Identifier: Apache-2.0 */
#include "trials.h"

#include <math.h>
#include <stdlib.h>

#include "random.h"

#define Z95 1.959963984540054

struct estimate estimate_of(uint64_t hits, uint64_t trials)
{
	double n = (double)trials, p = (double)hits / n, z2 = Z95 * Z95;
	double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
	double half = Z95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
	return (struct estimate){ .trials = trials,
				  .hits = hits,
				  .p = p,
				  .low = hits == 0 ? 0 : fmax(0, middle - half),
				  .high = hits == trials ? 1 : fmin(1, middle + half) };
}

/* Chances in units of 2^-32. */
static uint32_t *scale(const struct statement *statement, const double *chances)
{
	uint32_t *scaled = calloc(statement->facts + (size_t)1, sizeof *scaled);
	for (uint32_t fact = 0; scaled && fact < statement->facts; fact++)
		scaled[fact] = (uint32_t)fmin(UINT32_MAX, chances[fact] * 0x1p32);
	return scaled;
}

static uint64_t count_hits(const struct statement *statement, const uint32_t *chances, uint64_t *room, uint64_t rounds,
			   uint64_t seed, struct progress *progress)
{
	struct random random = random_seeded(seed);
	uint64_t hits = 0;
	for (uint64_t round = 0; round < rounds; round++) {
		for (uint32_t fact = 0; fact < statement->facts; fact++)
			room[fact] = random_bits(&random, chances[fact]);
		hits += (uint64_t)__builtin_popcountll(statement->evaluate(statement, room));
		progress_show(progress, (double)round, (double)rounds);
	}
	return hits;
}

int trials_run(struct estimate *estimate, const struct statement *statement, const double *chances, uint64_t trials,
	       uint64_t seed, struct progress *progress, struct qv_error *err)
{
	uint64_t rounds = trials / LANES + (trials % LANES > 0);
	uint64_t *room = calloc(statement->facts + (size_t)1, sizeof *room);
	uint32_t *scaled = scale(statement, chances);
	if (room && scaled)
		*estimate = estimate_of(count_hits(statement, scaled, room, rounds, seed, progress), rounds * LANES);
	int result = room && scaled ? 0 : qv_fail(err, QV_E_NOMEM, "no memory for trials");
	free(room);
	free(scaled);
	return result;
}
