/* SPDX-License-Identifier: Apache-2.0 */
/* Secret sharing over GF(2^8), 0x11B, straight from the definitions: what the real one is checked against. */
#ifndef SHAMIR_SLOW_H
#define SHAMIR_SLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOW_MAX 12 /* shares, where subsets are enumerated */

uint8_t slow_multiply(uint8_t a, uint8_t b);
uint8_t slow_invert(uint8_t a);
/* coefficients[0] + coefficients[1] x + …, of `count` */
uint8_t slow_evaluate(const uint8_t *coefficients, unsigned count, uint8_t x);
/* At `at`, the polynomial of degree below t through the points. */
uint8_t slow_interpolate(const uint8_t *x, const uint8_t *y, unsigned t, uint8_t at);

/*
 * The smallest set of at most `correct` shares, as bits, without which the others lie on one polynomial of degree below
 * t at each byte; -1 when there is none. shares[i] has `size` bytes; m <= SLOW_MAX. The secret goes to `secret`.
 */
int slow_robust(unsigned t, const uint8_t *x, const uint8_t *const *shares, unsigned m, size_t size, unsigned correct,
		uint8_t *secret);

/* A fixed sequence of numbers, for repeatable tests (SplitMix64). */
uint64_t slow_random(uint64_t *state);
void slow_random_bytes(uint64_t *state, void *bytes, size_t size);

#endif
