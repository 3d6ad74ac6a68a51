/* SPDX-License-Identifier: Apache-2.0 */
/* Multiplication by a public byte as two shuffles of its products with nibbles, 32 bytes at once. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "field.h"
#include "kernel.h"

#define TARGET __attribute__((target("avx2")))
#define WIDTH  32

typedef __m256i vec;

struct multiplier {
	vec low, high; /* products with 0x00 to 0x0f, and with 0x00 to 0xf0, in both halves */
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
	const __m128i *nibbles = (const __m128i *)field_tables()->nibbles[a];
	return (struct multiplier){ _mm256_broadcastsi128_si256(_mm_loadu_si128(nibbles)),
				    _mm256_broadcastsi128_si256(_mm_loadu_si128(nibbles + 1)) };
}

TARGET static inline vec multiply(vec value, const struct multiplier *by)
{
	vec nibble = _mm256_set1_epi8(0x0f);
	vec low = _mm256_and_si256(value, nibble);
	vec high = _mm256_and_si256(_mm256_srli_epi64(value, 4), nibble);
	return _mm256_xor_si256(_mm256_shuffle_epi8(by->low, low), _mm256_shuffle_epi8(by->high, high));
}

#include "vector.h"

const struct qv_shamir_kernel qv_shamir_avx2 = { .name = "AVX2", .evaluate = evaluate, .fold = fold };
#else
typedef int no_avx2_here;
#endif
