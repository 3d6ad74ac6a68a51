/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Robust rebuilding against an exhaustive decoder: shares of polynomials, with changes to some of their bytes.
 * Input: t, m, correct and size; m points; size * t coefficients; then triples of share, byte and change.
 */
#include "../fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/shamir.h>

#include "tests/unit/shamir/slow.h"

#define M_MAX      7
#define LENGTH_MAX 3

const char *const fuzz_corpus = "fuzz/core/corpus/shamir";

struct input {
	const uint8_t *data;
	size_t left;
};

static uint8_t next(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->data++;
}

static bool valid_points(const uint8_t *x, unsigned m)
{
	for (unsigned i = 0; i < m; i++) {
		if (x[i] == 0 || memchr(x, x[i], i))
			return false;
	}
	return true;
}

static void make_shares(struct input *input, unsigned t, unsigned m, unsigned size, const uint8_t *x,
			uint8_t shares[M_MAX][LENGTH_MAX])
{
	for (unsigned j = 0; j < size; j++) {
		uint8_t coefficients[M_MAX];
		for (unsigned k = 0; k < t; k++)
			coefficients[k] = next(input);
		for (unsigned i = 0; i < m; i++)
			shares[i][j] = slow_evaluate(coefficients, t, x[i]);
	}
	while (input->left) {
		uint8_t share = next(input), byte = next(input);
		shares[share % m][byte % size] ^= next(input);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t x[M_MAX], bytes[M_MAX][LENGTH_MAX], secret[LENGTH_MAX], expected[LENGTH_MAX];
	const uint8_t *shares[M_MAX];
	bool wrong[M_MAX];
	unsigned m = 1 + next(&input) % M_MAX, t = 1 + next(&input) % m;
	unsigned correct = next(&input) % (M_MAX + 1), length = 1 + next(&input) % LENGTH_MAX;
	for (unsigned i = 0; i < m; i++) {
		x[i] = next(&input);
		shares[i] = bytes[i];
	}
	make_shares(&input, t, m, length, x, bytes);
	int found = qv_shamir_rebuild_robust(t, x, shares, m, length, correct, secret, wrong, NULL);
	if (!valid_points(x, m)) {
		if (found >= 0)
			abort();
		return 0;
	}
	unsigned most = (m - t) / 2;
	int slow = slow_robust(t, x, shares, m, length, correct < most ? correct : most, expected);
	if ((found < 0) != (slow < 0))
		abort();
	for (unsigned i = 0; found >= 0 && i < m; i++) {
		if (wrong[i] != (slow >> i & 1))
			abort();
	}
	if (found >= 0 && (found != __builtin_popcount((unsigned)slow) || memcmp(secret, expected, length) != 0))
		abort();
	return 0;
}
