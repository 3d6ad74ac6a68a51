/* SPDX-License-Identifier: Apache-2.0 */
/* Multiplication by the instruction for it, whose field is ours, 32 bytes at once. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernel.h"

#define TARGET __attribute__((target("avx2,gfni")))
#define WIDTH  32

typedef __m256i vec;

struct multiplier {
	vec all; /* the byte, everywhere */
};

TARGET static inline vec zero(void)
{
	return _mm256_setzero_si256();
}

TARGET static inline vec load_whole(const uint8_t *bytes)
{
	return _mm256_loadu_si256((const __m256i *)bytes);
}

TARGET static inline void store_whole(uint8_t *bytes, vec value)
{
	_mm256_storeu_si256((__m256i *)bytes, value);
}

TARGET static inline vec add(vec a, vec b)
{
	return _mm256_xor_si256(a, b);
}

TARGET static inline struct multiplier multiplier_of(uint8_t a)
{
	return (struct multiplier){ _mm256_set1_epi8((char)a) };
}

TARGET static inline vec multiply(vec value, const struct multiplier *by)
{
	return _mm256_gf2p8mul_epi8(value, by->all);
}

#include "vector.h"

const struct qv_shamir_kernel qv_shamir_gfni = { .name = "GFNI", .evaluate = evaluate, .fold = fold };
#else
typedef int no_gfni_here;
#endif
