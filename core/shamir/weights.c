/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/shamir.h>

#include <string.h>

#include "check.h"
#include "field.h"
#include "kernel.h"

int shamir_check_slowly(unsigned t, const uint8_t *x, unsigned count, struct qv_error *err)
{
	uint64_t seen[4] = { 1, 0, 0, 0 };
	if (t < 1 || t > count || count > QV_SHAMIR_SHARES_MAX)
		return qv_fail(err, QV_E_INVALID, "secret sharing with threshold %u of %u shares: 1 <= t <= n <= %u", t,
			       count, QV_SHAMIR_SHARES_MAX);
	for (unsigned i = 0; i < count; i++) {
		uint64_t bit = (uint64_t)1 << (x[i] & 63);
		if (seen[x[i] >> 6] & bit)
			return qv_fail(err, QV_E_INVALID, "share %u has point %u: points are distinct and 1 to 255", i,
				       x[i]);
		seen[x[i] >> 6] |= bit;
	}
	return 0;
}

/* weights[i] = product over j != i of (at - x[j]) / (x[i] - x[j]), in logarithms. */
void shamir_weights(const uint8_t *x, unsigned t, uint8_t at, uint8_t *weights)
{
	const struct field_tables *field = field_tables();
	unsigned total = 0;
	for (unsigned j = 0; j < t; j++) {
		if (x[j] == at) {
			memset(weights, 0, t);
			weights[j] = 1;
			return;
		}
		total += field->log[x[j] ^ at];
	}
	for (unsigned i = 0; i < t; i++) {
		unsigned below = field->log[x[i] ^ at];
		for (unsigned j = 0; j < t; j++)
			below += j == i ? 0 : field->log[x[i] ^ x[j]];
		weights[i] = field->exp[(total + 255 * 256 - below) % 255];
	}
}

int qv_shamir_weights(const uint8_t *x, unsigned t, uint8_t at, uint8_t *weights, struct qv_error *err)
{
	if (shamir_check(t, x, t, err) != 0)
		return -1;
	shamir_weights(x, t, at, weights);
	return 0;
}

void qv_shamir_fold(const uint8_t *weights, const uint8_t *const *strings, unsigned count, size_t size, uint8_t *out)
{
	qv_shamir_kernel()->fold(weights, strings, count, 0, size, out);
}
