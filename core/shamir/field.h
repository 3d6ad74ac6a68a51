/* SPDX-License-Identifier: Apache-2.0 */
/* GF(2^8) with 0x11B for public values (points, weights, error locators): by tables, so never for a secret. */
#ifndef SHAMIR_FIELD_H
#define SHAMIR_FIELD_H

#include <stdatomic.h>
#include <stdint.h>

struct field_tables {
	uint8_t log[256];         /* to the base 3; log[0] is not used */
	uint8_t exp[1024];        /* exp[i] = 3^i, for sums of up to four logarithms */
	uint8_t nibbles[256][32]; /* of each a: a * 0 … a * 15, a * 0x00 … a * 0xf0, as byte shuffles want them */
};

extern struct field_tables field_all;
extern atomic_bool field_made;
void field_make(void);

/* Made at the first call; later calls only return them. Safe on any thread. */
static inline const struct field_tables *field_tables(void)
{
	if (!atomic_load_explicit(&field_made, memory_order_acquire))
		field_make();
	return &field_all;
}

static inline uint8_t field_multiply(const struct field_tables *field, uint8_t a, uint8_t b)
{
	return a && b ? field->exp[field->log[a] + field->log[b]] : 0;
}

/* a / b; b is not 0. */
static inline uint8_t field_divide(const struct field_tables *field, uint8_t a, uint8_t b)
{
	return a ? field->exp[field->log[a] + 255 - field->log[b]] : 0;
}

#endif
