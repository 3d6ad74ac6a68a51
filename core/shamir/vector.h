/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops of a kernel, for a file that has defined before it includes this one:
 * TARGET, the processor they are compiled for; WIDTH, bytes in a vector; vec and struct multiplier; and zero(),
 * load_whole(), store_whole(), add(), multiplier_of(), multiply(). A file whose processor can load a part of a vector
 * also defines load_part(), store_part() and HAVE_PARTS.
 */
#include <string.h>

#include <qvisio/secret.h>

#ifndef HAVE_PARTS
TARGET static __attribute__((noinline)) vec load_part(const uint8_t *bytes, size_t size)
{
	uint8_t whole[WIDTH] = { 0 };
	memcpy(whole, bytes, size);
	vec loaded = load_whole(whole);
	qv_wipe(whole, WIDTH);
	return loaded;
}

TARGET static __attribute__((noinline)) void store_part(uint8_t *bytes, vec value, size_t size)
{
	uint8_t whole[WIDTH];
	store_whole(whole, value);
	memcpy(bytes, whole, size);
	qv_wipe(whole, WIDTH);
}
#endif

/* Bytes beyond `size` are zeros. */
TARGET static inline __attribute__((always_inline)) vec load(const uint8_t *bytes, size_t size)
{
	return size >= WIDTH ? load_whole(bytes) : load_part(bytes, size);
}

TARGET static inline __attribute__((always_inline)) void store(uint8_t *bytes, vec value, size_t size)
{
	if (size >= WIDTH)
		store_whole(bytes, value);
	else
		store_part(bytes, value, size);
}

/* Four points together: enough to keep the multiplier busy while each sum waits for its last product. */
struct points {
	struct multiplier x0, x1, x2, x3;
	uint8_t *share0, *share1, *share2, *share3;
};

/* sum * x + row */
#define STEP(i) add(multiply(sum##i, &points->x##i), row)

/* Horner's rule over one vector of bytes, `size` of them there; `stride` from a row to the next. */
TARGET static inline __attribute__((always_inline)) void evaluate_vector(const struct points *points,
									 const uint8_t *secret, const uint8_t *rows,
									 size_t stride, unsigned t, size_t at,
									 size_t size)
{
	const uint8_t *row_bytes = rows + (t - 2) * stride;
	vec row = load(row_bytes, size), sum0 = row, sum1 = row, sum2 = row, sum3 = row;
	for (unsigned k = t - 2; k > 0; k--) {
		row_bytes -= stride;
		row = load(row_bytes, size);
		sum0 = STEP(0);
		sum1 = STEP(1);
		sum2 = STEP(2);
		sum3 = STEP(3);
	}
	row = load(secret, size);
	store(points->share0 + at, STEP(0), size);
	store(points->share1 + at, STEP(1), size);
	store(points->share2 + at, STEP(2), size);
	store(points->share3 + at, STEP(3), size);
}

/* Four points from `i` on; the last of them stands in for what is missing, which costs no time of its own. */
TARGET static inline __attribute__((always_inline)) void evaluate_points(const uint8_t *secret, size_t offset,
									 size_t size, const uint8_t *rows, unsigned t,
									 const uint8_t *x, unsigned n, unsigned i,
									 uint8_t *const *shares)
{
	unsigned i1 = i + 1 < n ? i + 1 : i, i2 = i + 2 < n ? i + 2 : i1, i3 = i + 3 < n ? i + 3 : i2;
	const struct points points = { multiplier_of(x[i]),  multiplier_of(x[i1]), multiplier_of(x[i2]),
				       multiplier_of(x[i3]), shares[i] + offset,   shares[i1] + offset,
				       shares[i2] + offset,  shares[i3] + offset };
	size_t j = 0;
	secret += offset;
	for (; size - j >= WIDTH; j += WIDTH)
		evaluate_vector(&points, secret + j, rows + j, size, t, j, WIDTH);
	if (j < size)
		evaluate_vector(&points, secret + j, rows + j, size, t, j, size - j);
}

TARGET static void evaluate(const uint8_t *secret, size_t offset, size_t size, const uint8_t *rows, unsigned t,
			    const uint8_t *x, unsigned n, uint8_t *const *shares)
{
	for (unsigned i = 0; i < n; i += 4)
		evaluate_points(secret, offset, size, rows, t, x, n, i, shares);
}

/* The sum over one vector of bytes, `size` of them there. */
TARGET static inline __attribute__((always_inline)) void
fold_vector(const uint8_t *weights, const uint8_t *const *in, unsigned count, size_t at, size_t size, uint8_t *out)
{
	vec sum = zero();
	for (unsigned i = 0; i < count; i++) {
		struct multiplier weight = multiplier_of(weights[i]);
		sum = add(sum, multiply(load(in[i] + at, size), &weight));
	}
	store(out, sum, size);
}

TARGET static inline void fold_four_vectors(const uint8_t *weights, const uint8_t *const *in, unsigned count, size_t at,
					    uint8_t *out)
{
	vec sum0 = zero(), sum1 = zero(), sum2 = zero(), sum3 = zero();
	for (unsigned i = 0; i < count; i++) {
		struct multiplier weight = multiplier_of(weights[i]);
		const uint8_t *bytes = in[i] + at;
		sum0 = add(sum0, multiply(load_whole(bytes), &weight));
		sum1 = add(sum1, multiply(load_whole(bytes + WIDTH), &weight));
		sum2 = add(sum2, multiply(load_whole(bytes + 2 * WIDTH), &weight));
		sum3 = add(sum3, multiply(load_whole(bytes + 3 * WIDTH), &weight));
	}
	store_whole(out, sum0);
	store_whole(out + WIDTH, sum1);
	store_whole(out + 2 * WIDTH, sum2);
	store_whole(out + 3 * WIDTH, sum3);
}

TARGET static void fold(const uint8_t *weights, const uint8_t *const *in, unsigned count, size_t offset, size_t size,
			uint8_t *out)
{
	size_t j = 0;
	for (; size - j >= 4 * WIDTH; j += 4 * WIDTH)
		fold_four_vectors(weights, in, count, offset + j, out + j);
	for (; size - j >= WIDTH; j += WIDTH)
		fold_vector(weights, in, count, offset + j, WIDTH, out + j);
	if (j < size)
		fold_vector(weights, in, count, offset + j, size - j, out + j);
}
