/* SPDX-License-Identifier: Apache-2.0 */
/* Multiplication by a public byte as two table look-ups of its products with nibbles, 16 bytes at once. */
#if defined(__aarch64__)
#include <arm_neon.h>

#include "field.h"
#include "kernel.h"

#define TARGET
#define WIDTH 16

typedef uint8x16_t vec;

struct multiplier {
	vec low, high; /* products with 0x00 to 0x0f, and with 0x00 to 0xf0 */
};

static inline vec zero(void)
{
	return vdupq_n_u8(0);
}

static inline vec load_whole(const uint8_t *bytes)
{
	return vld1q_u8(bytes);
}

static inline void store_whole(uint8_t *bytes, vec value)
{
	vst1q_u8(bytes, value);
}

static inline vec add(vec a, vec b)
{
	return veorq_u8(a, b);
}

static inline struct multiplier multiplier_of(uint8_t a)
{
	return (struct multiplier){ vld1q_u8(field_tables()->nibbles[a]), vld1q_u8(field_tables()->nibbles[a] + 16) };
}

static inline vec multiply(vec value, const struct multiplier *by)
{
	return veorq_u8(vqtbl1q_u8(by->low, vandq_u8(value, vdupq_n_u8(0x0f))),
			vqtbl1q_u8(by->high, vshrq_n_u8(value, 4)));
}

#include "vector.h"

const struct qv_shamir_kernel qv_shamir_neon = { .name = "NEON", .evaluate = evaluate, .fold = fold };
#else
typedef int no_neon_here;
#endif
