/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding of generalised Reed-Solomon codes by syndromes. The shares of a byte are a code word: with v[i] the inverse
 * of the product of x[i] - x[j] over j != i, the syndromes S_k = sum of v[i] x[i]^k share[i], k < m - t, are all 0 just
 * if one polynomial of degree below t passes through the m shares. They depend on what was added to right shares, and
 * on nothing else, so what is computed from them may branch.
 */
#ifndef SHAMIR_DECODE_H
#define SHAMIR_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/shamir.h>

struct located {
	const uint8_t *x;
	unsigned m, redundancy, correct; /* points; m - t; errors to find at most */
	unsigned count;                  /* shares found wrong */
	bool wrong[QV_SHAMIR_SHARES_MAX];
	uint8_t locator[QV_SHAMIR_SHARES_MAX + 1]; /* product of 1 - x[i] z over the wrong ones */
};

void located_start(struct located *located, const uint8_t *x, unsigned m, unsigned t, unsigned correct);

/* v[i], for each of the m points. */
void located_multipliers(const struct located *located, uint8_t *v);

/* The syndromes of `size` bytes of the shares from `offset` on: S_k at syndromes + k * size. Constant time in shares. */
void located_syndromes(const struct located *located, const uint8_t *v, const uint8_t *const *shares, size_t offset,
		       size_t size, uint8_t *syndromes);

/*
 * Takes in the syndromes of one byte, syndromes[0], syndromes[stride] …: adds the shares that are wrong there. False
 * when `correct` wrong shares cannot explain all bytes so far.
 */
bool located_add(struct located *located, const uint8_t *syndromes, size_t stride);

#endif
