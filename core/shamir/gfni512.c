/* SPDX-License-Identifier: Apache-2.0 */
/* As gfni.c, 64 bytes at once; what fits a shorter vector is left to it. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "kernel.h"

#define TARGET __attribute__((target("avx512f,avx512bw,gfni")))
#define WIDTH  64
#define HAVE_PARTS

typedef __m512i vec;

struct multiplier {
	vec all; /* the byte, everywhere */
};

TARGET static inline vec zero(void)
{
	return _mm512_setzero_si512();
}

TARGET static inline vec load_whole(const uint8_t *bytes)
{
	return _mm512_loadu_si512(bytes);
}

TARGET static inline void store_whole(uint8_t *bytes, vec value)
{
	_mm512_storeu_si512(bytes, value);
}

TARGET static inline vec load_part(const uint8_t *bytes, size_t size)
{
	return _mm512_maskz_loadu_epi8(((__mmask64)1 << size) - 1, bytes);
}

TARGET static inline void store_part(uint8_t *bytes, vec value, size_t size)
{
	_mm512_mask_storeu_epi8(bytes, ((__mmask64)1 << size) - 1, value);
}

TARGET static inline vec add(vec a, vec b)
{
	return _mm512_xor_si512(a, b);
}

TARGET static inline struct multiplier multiplier_of(uint8_t a)
{
	return (struct multiplier){ _mm512_set1_epi8((char)a) };
}

TARGET static inline vec multiply(vec value, const struct multiplier *by)
{
	return _mm512_gf2p8mul_epi8(value, by->all);
}

#include "vector.h"

static void evaluate_any(const uint8_t *secret, size_t offset, size_t size, const uint8_t *rows, unsigned t,
			 const uint8_t *x, unsigned n, uint8_t *const *shares)
{
	(size == 32 ? qv_shamir_gfni.evaluate : evaluate)(secret, offset, size, rows, t, x, n, shares);
}

static void fold_any(const uint8_t *weights, const uint8_t *const *in, unsigned count, size_t offset, size_t size,
		     uint8_t *out)
{
	(size == 32 ? qv_shamir_gfni.fold : fold)(weights, in, count, offset, size, out);
}

const struct qv_shamir_kernel qv_shamir_gfni512 = { .name = "GFNI and AVX-512",
						    .evaluate = evaluate_any,
						    .fold = fold_any };
#else
typedef int no_gfni512_here;
#endif
