/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <string.h>

#include "field.h"
#include "kernel.h"

void located_start(struct located *located, const uint8_t *x, unsigned m, unsigned t, unsigned correct)
{
	memset(located, 0, sizeof *located);
	located->x = x;
	located->m = m;
	located->redundancy = m - t;
	located->correct = correct;
	located->locator[0] = 1;
}

void located_multipliers(const struct located *located, uint8_t *v)
{
	const struct field_tables *field = field_tables();
	for (unsigned i = 0; i < located->m; i++) {
		unsigned below = 0;
		for (unsigned j = 0; j < located->m; j++)
			below += j == i ? 0 : field->log[located->x[i] ^ located->x[j]];
		v[i] = field->exp[(255 * 256 - below) % 255];
	}
}

void located_syndromes(const struct located *located, const uint8_t *v, const uint8_t *const *shares, size_t offset,
		       size_t size, uint8_t *syndromes)
{
	const struct field_tables *field = field_tables();
	uint8_t weights[QV_SHAMIR_SHARES_MAX];
	memcpy(weights, v, located->m);
	for (unsigned k = 0; k < located->redundancy; k++) {
		qv_shamir_kernel()->fold(weights, shares, located->m, offset, size, syndromes + k * size);
		for (unsigned i = 0; i < located->m; i++)
			weights[i] = field_multiply(field, weights[i], located->x[i]);
	}
}

/* sum of locator[j] * syndromes[k - j], j <= length */
static uint8_t discrepancy(const struct field_tables *field, const uint8_t *locator, unsigned length,
			   const uint8_t *syndromes, unsigned k)
{
	uint8_t sum = 0;
	for (unsigned j = 0; j <= length; j++)
		sum ^= field_multiply(field, locator[j], syndromes[k - j]);
	return sum;
}

/* The syndromes obey the recurrence of the wrong shares found so far: no others are wrong here. */
static bool explained(const struct field_tables *field, const struct located *located, const uint8_t *syndromes)
{
	for (unsigned k = located->count; k < located->redundancy; k++) {
		if (discrepancy(field, located->locator, located->count, syndromes, k) != 0)
			return false;
	}
	return true;
}

/* a(z) += factor z^shift b(z) */
static void add_shifted(const struct field_tables *field, uint8_t *a, const uint8_t *b, uint8_t factor, unsigned shift)
{
	for (unsigned j = 0; j + shift <= QV_SHAMIR_SHARES_MAX; j++)
		a[j + shift] ^= field_multiply(field, factor, b[j]);
}

/* The shortest recurrence that the syndromes obey (Massey, 1969); returns its length. */
static unsigned shortest_recurrence(const struct field_tables *field, const uint8_t *syndromes, unsigned count,
				    uint8_t *locator)
{
	uint8_t previous[QV_SHAMIR_SHARES_MAX + 1] = { 1 }, copy[QV_SHAMIR_SHARES_MAX + 1];
	uint8_t previous_discrepancy = 1;
	unsigned length = 0, shift = 1;
	memset(locator, 0, QV_SHAMIR_SHARES_MAX + 1);
	locator[0] = 1;
	for (unsigned k = 0; k < count; k++, shift++) {
		uint8_t now = discrepancy(field, locator, length, syndromes, k);
		if (now == 0)
			continue;
		memcpy(copy, locator, sizeof copy);
		add_shifted(field, locator, previous, field_divide(field, now, previous_discrepancy), shift);
		if (2 * length <= k) {
			length = k + 1 - length;
			memcpy(previous, copy, sizeof previous);
			previous_discrepancy = now;
			shift = 0;
		}
	}
	return length;
}

/* z^degree locator(1/z) at x: zero at the points of the wrong shares. */
static uint8_t reversed_at(const struct field_tables *field, const uint8_t *locator, unsigned degree, uint8_t x)
{
	uint8_t sum = 0;
	for (unsigned j = 0; j <= degree; j++)
		sum = field_multiply(field, sum, x) ^ locator[j];
	return sum;
}

static void add_wrong(const struct field_tables *field, struct located *located, unsigned i)
{
	if (located->wrong[i])
		return;
	located->wrong[i] = true;
	located->count++;
	for (unsigned j = located->count; j > 0; j--)
		located->locator[j] ^= field_multiply(field, located->x[i], located->locator[j - 1]);
}

bool located_add(struct located *located, const uint8_t *syndromes, size_t stride)
{
	const struct field_tables *field = field_tables();
	uint8_t here[QV_SHAMIR_SHARES_MAX], locator[QV_SHAMIR_SHARES_MAX + 1];
	for (unsigned k = 0; k < located->redundancy; k++)
		here[k] = syndromes[k * stride];
	if (explained(field, located, here))
		return true;
	unsigned roots = 0, errors = shortest_recurrence(field, here, located->redundancy, locator);
	if (errors > located->correct)
		return false;
	for (unsigned i = 0; i < located->m; i++) {
		if (reversed_at(field, locator, errors, located->x[i]) == 0) {
			roots++;
			add_wrong(field, located, i);
		}
	}
	return roots == errors && located->count <= located->correct;
}
