/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel for every processor: bytes side by side in 64-bit words, doubled together. The words are in pairs, which
 * the compiler maps to whatever vectors every processor of its target has, if any.
 */
#include <string.h>

#include "kernel.h"

typedef uint64_t words __attribute__((vector_size(16)));

#define PAIRS 2
#define WIDTH (PAIRS * sizeof(words))

struct block {
	words pair[PAIRS];
};

/* Bytes beyond `size` are zeros. */
static inline void load(struct block *block, const uint8_t *bytes, size_t size)
{
	if (size >= WIDTH) {
		memcpy(block, bytes, WIDTH);
		return;
	}
	memset(block, 0, WIDTH);
	memcpy(block, bytes, size);
}

static inline void store(uint8_t *bytes, const struct block *block, size_t size)
{
	memcpy(bytes, block, size < WIDTH ? size : WIDTH);
}

static inline void add(struct block *a, const struct block *b)
{
#pragma GCC unroll 8
	for (unsigned i = 0; i < PAIRS; i++)
		a->pair[i] ^= b->pair[i];
}

/* Each byte shifted left; 0x1b into those that lost a one: (top - top / 128) is 0x7f for these, else 0. */
static inline void twice(struct block *a)
{
#pragma GCC unroll 8
	for (unsigned i = 0; i < PAIRS; i++) {
		words top = a->pair[i] & 0x8080808080808080u;
		a->pair[i] = ((a->pair[i] ^ top) << 1) ^ ((top - (top >> 7)) & 0x1b1b1b1b1b1b1b1bu);
	}
}

/* a = a * x + b, x not 0, along the bits of x, which are public. */
static inline void multiply_add(struct block *a, unsigned x, const struct block *b)
{
	struct block sum = *a;
	for (unsigned bit = 1u << (31 - __builtin_clz(x)) >> 1; bit; bit >>= 1) {
		twice(&sum);
		if (x & bit)
			add(&sum, a);
	}
	add(&sum, b);
	*a = sum;
}

static void evaluate_point(const uint8_t *secret, size_t size, const uint8_t *rows, unsigned t, uint8_t x,
			   uint8_t *share)
{
	struct block sum, row;
	for (size_t j = 0; j < size; j += WIDTH) {
		load(&sum, rows + (t - 2) * size + j, size - j);
		for (unsigned k = t - 2; k-- > 0;) {
			load(&row, rows + k * size + j, size - j);
			multiply_add(&sum, x, &row);
		}
		load(&row, secret + j, size - j);
		multiply_add(&sum, x, &row);
		store(share + j, &sum, size - j);
	}
}

static void evaluate(const uint8_t *secret, size_t offset, size_t size, const uint8_t *rows, unsigned t,
		     const uint8_t *x, unsigned n, uint8_t *const *shares)
{
	for (unsigned i = 0; i < n; i++)
		evaluate_point(secret + offset, size, rows, t, x[i], shares[i] + offset);
}

/* Horner's rule over the bits of the weights, so that only the sum is doubled. */
static void fold(const uint8_t *weights, const uint8_t *const *in, unsigned count, size_t offset, size_t size,
		 uint8_t *out)
{
	for (size_t j = 0; j < size; j += WIDTH) {
		struct block sum = { 0 }, string;
		for (unsigned bit = 8; bit-- > 0;) {
			twice(&sum);
			for (unsigned i = 0; i < count; i++) {
				words mask = (words){ 0 } - (weights[i] >> bit & 1u);
				load(&string, in[i] + offset + j, size - j);
#pragma GCC unroll 8
				for (unsigned k = 0; k < PAIRS; k++)
					sum.pair[k] ^= string.pair[k] & mask;
			}
		}
		store(out + j, &sum, size - j);
	}
}

const struct qv_shamir_kernel qv_shamir_portable = { .name = "portable", .evaluate = evaluate, .fold = fold };
