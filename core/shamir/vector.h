/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops of a kernel, for a file that has defined before it includes this one:
 * TARGET, the processor they are compiled for; WIDTH, bytes in a vector; POINTS, evaluated at once;
 * vec and struct multiplier; and zero(), load_whole(), store_whole(), add(), multiplier_of(), multiply().
 * A file whose processor can load a part of a vector also defines load_part(), store_part() and HAVE_PARTS.
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
TARGET static inline vec load(const uint8_t *bytes, size_t size)
{
	return size >= WIDTH ? load_whole(bytes) : load_part(bytes, size);
}

TARGET static inline void store(uint8_t *bytes, vec value, size_t size)
{
	if (size >= WIDTH)
		store_whole(bytes, value);
	else
		store_part(bytes, value, size);
}

/* Horner's rule at POINTS points side by side. */
TARGET static inline void evaluate_points(const uint8_t *secret, size_t size, const uint8_t *rows, unsigned t,
					  const struct multiplier *x, uint8_t *const *shares)
{
	vec sum[POINTS];
	for (size_t j = 0; j < size; j += WIDTH) {
		vec row = load(rows + (t - 2) * size + j, size - j);
		for (unsigned p = 0; p < POINTS; p++)
			sum[p] = row;
		for (unsigned k = t - 2; k-- > 0;) {
			row = load(rows + k * size + j, size - j);
			for (unsigned p = 0; p < POINTS; p++)
				sum[p] = add(multiply(sum[p], &x[p]), row);
		}
		row = load(secret + j, size - j);
		for (unsigned p = 0; p < POINTS; p++)
			store(shares[p] + j, add(multiply(sum[p], &x[p]), row), size - j);
	}
}

/* The last group of points is filled up with its last one, which costs no time of its own. */
TARGET static void evaluate(const uint8_t *secret, size_t offset, size_t size, const uint8_t *rows, unsigned t,
			    const uint8_t *x, unsigned n, uint8_t *const *shares)
{
	const struct field_tables *field = field_tables();
	struct multiplier multipliers[POINTS];
	uint8_t *group[POINTS];
	for (unsigned i = 0; i < n; i += POINTS) {
		for (unsigned p = 0; p < POINTS; p++) {
			unsigned at = i + p < n ? i + p : n - 1;
			multipliers[p] = multiplier_of(field, x[at]);
			group[p] = shares[at] + offset;
		}
		evaluate_points(secret + offset, size, rows, t, multipliers, group);
	}
}

#define BLOCKS 4 /* vectors folded at once */

TARGET static void fold(const uint8_t *weights, const uint8_t *const *in, unsigned count, size_t offset, size_t size,
			uint8_t *out)
{
	const struct field_tables *field = field_tables();
	size_t j = 0;
	for (; size - j >= BLOCKS * WIDTH; j += BLOCKS * WIDTH) {
		vec sum[BLOCKS];
		for (unsigned b = 0; b < BLOCKS; b++)
			sum[b] = zero();
		for (unsigned i = 0; i < count; i++) {
			struct multiplier weight = multiplier_of(field, weights[i]);
			for (unsigned b = 0; b < BLOCKS; b++)
				sum[b] = add(sum[b], multiply(load_whole(in[i] + offset + j + b * WIDTH), &weight));
		}
		for (unsigned b = 0; b < BLOCKS; b++)
			store_whole(out + j + b * WIDTH, sum[b]);
	}
	for (; j < size; j += WIDTH) {
		vec sum = zero();
		for (unsigned i = 0; i < count; i++) {
			struct multiplier weight = multiplier_of(field, weights[i]);
			sum = add(sum, multiply(load(in[i] + offset + j, size - j), &weight));
		}
		store(out + j, sum, size - j);
	}
}
