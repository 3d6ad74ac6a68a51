/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel for every processor, in vectors as the compiler maps them to whatever every processor of its target has:
 * multiplication along public bits, by doubling 32 bytes together.
 */
#include <string.h>

#include "kernel.h"

/* Where vectors of bytes can be compared; elsewhere bytes lie side by side in words of 64 bits. */
#ifndef PORTABLE_BYTES
#if defined(__SSE2__) || defined(__ARM_NEON) || defined(__ALTIVEC__)
#define PORTABLE_BYTES 1
#else
#define PORTABLE_BYTES 0
#endif
#endif

typedef uint64_t words __attribute__((vector_size(16)));
typedef uint8_t bytes __attribute__((vector_size(16)));
typedef int8_t signs __attribute__((vector_size(16)));

#define WIDTH 32

struct block {
	words low, high;
};

/* Bytes beyond `size` are zeros. */
static inline __attribute__((always_inline)) struct block load(const uint8_t *from, size_t size)
{
	struct block block = { { 0 }, { 0 } };
	memcpy(&block, from, size);
	return block;
}

static inline struct block add(struct block a, struct block b)
{
	return (struct block){ a.low ^ b.low, a.high ^ b.high };
}

/* Each byte shifted left, and 0x1b into those that lost a one. */
static inline words twice_words(words a)
{
#if PORTABLE_BYTES
	bytes lost = (bytes)((signs)a < 0);
	return (words)(((bytes)a + (bytes)a) ^ (lost & 0x1b));
#else
	/* (top - top / 128) is 0x7f for a byte that lost a one, else 0. */
	words top = a & 0x8080808080808080u;
	return ((a ^ top) << 1) ^ ((top - (top >> 7)) & 0x1b1b1b1b1b1b1b1bu);
#endif
}

static inline struct block twice(struct block a)
{
	return (struct block){ twice_words(a.low), twice_words(a.high) };
}

/* a * x + b along the bits of x, which are public; x is not 0, `top` is its highest bit. */
static inline struct block multiply_add(struct block a, unsigned x, unsigned top, struct block b)
{
	struct block sum = a;
	for (unsigned bit = top >> 1; bit; bit >>= 1) {
		sum = twice(sum);
		if (x & bit)
			sum = add(sum, a);
	}
	return add(sum, b);
}

static inline __attribute__((always_inline)) void evaluate_block(const uint8_t *secret, const uint8_t *rows,
								 size_t stride, unsigned t, unsigned x, uint8_t *share,
								 size_t size)
{
	unsigned top = 1u << (31 - __builtin_clz(x));
	const uint8_t *row = rows + (t - 2) * stride;
	struct block sum = load(row, size);
	for (unsigned k = t - 2; k > 0; k--) {
		row -= stride;
		sum = multiply_add(sum, x, top, load(row, size));
	}
	sum = multiply_add(sum, x, top, load(secret, size));
	memcpy(share, &sum, size);
}

static void evaluate(const uint8_t *secret, size_t offset, size_t size, const uint8_t *rows, unsigned t,
		     const uint8_t *x, unsigned n, uint8_t *const *shares)
{
	secret += offset;
	for (unsigned i = 0; i < n; i++) {
		uint8_t *share = shares[i] + offset;
		size_t j = 0;
		for (; size - j >= WIDTH; j += WIDTH)
			evaluate_block(secret + j, rows + j, size, t, x[i], share + j, WIDTH);
		if (j < size)
			evaluate_block(secret + j, rows + j, size, t, x[i], share + j, size - j);
	}
}

/* Horner's rule over the bits of the weights, so that only the sum is doubled. */
static inline __attribute__((always_inline)) void fold_block(const uint8_t *weights, const uint8_t *const *in,
							     unsigned count, size_t at, size_t size, uint8_t *out)
{
	static const words masks[] = { { 0, 0 }, { UINT64_MAX, UINT64_MAX } };
	struct block sum = { { 0 }, { 0 } };
	for (unsigned bit = 8; bit-- > 0;) {
		sum = twice(sum);
		for (unsigned i = 0; i < count; i++) {
			words mask = masks[weights[i] >> bit & 1];
			struct block string = load(in[i] + at, size);
			sum = add(sum, (struct block){ string.low & mask, string.high & mask });
		}
	}
	memcpy(out, &sum, size);
}

static void fold(const uint8_t *weights, const uint8_t *const *in, unsigned count, size_t offset, size_t size,
		 uint8_t *out)
{
	size_t j = 0;
	for (; size - j >= WIDTH; j += WIDTH)
		fold_block(weights, in, count, offset + j, WIDTH, out + j);
	if (j < size)
		fold_block(weights, in, count, offset + j, size - j, out + j);
}

const struct qv_shamir_kernel qv_shamir_portable = { .name = "portable", .evaluate = evaluate, .fold = fold };
