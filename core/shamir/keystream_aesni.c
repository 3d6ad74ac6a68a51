/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256 (FIPS 197) in counter mode with the AES instructions: counter in the first eight bytes, little-endian. */
#if defined(__x86_64__)
#include "keystream.h"

#include <immintrin.h>

#include <qvisio/secret.h>

#define TARGET   __attribute__((target("aes,sse4.1")))
#define ROUNDS   14
#define PARALLEL 8

struct schedule {
	__m128i round[ROUNDS + 1];
};

/* The running XOR of a key's words from the first on. */
TARGET static inline __m128i spread(__m128i key)
{
	key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
	return _mm_xor_si128(key, _mm_slli_si128(key, 8));
}

/* FIPS 197 section 5.2 with eight words of key: even round keys take a rotated word, odd ones do not. */
#define EVEN(i, constant)                                                                                              \
	schedule->round[i] =                                                                                           \
		_mm_xor_si128(spread(schedule->round[(i)-2]),                                                          \
			      _mm_shuffle_epi32(_mm_aeskeygenassist_si128(schedule->round[(i)-1], constant), 0xff))
#define ODD(i)                                                                                                         \
	schedule->round[i] =                                                                                           \
		_mm_xor_si128(spread(schedule->round[(i)-2]),                                                          \
			      _mm_shuffle_epi32(_mm_aeskeygenassist_si128(schedule->round[(i)-1], 0), 0xaa))

TARGET static void expand_key(struct schedule *schedule, const uint8_t key[KEYSTREAM_KEY])
{
	schedule->round[0] = _mm_loadu_si128((const __m128i *)key);
	schedule->round[1] = _mm_loadu_si128((const __m128i *)(key + 16));
	EVEN(2, 0x01);
	ODD(3);
	EVEN(4, 0x02);
	ODD(5);
	EVEN(6, 0x04);
	ODD(7);
	EVEN(8, 0x08);
	ODD(9);
	EVEN(10, 0x10);
	ODD(11);
	EVEN(12, 0x20);
	ODD(13);
	EVEN(14, 0x40);
}

TARGET static void aesni_fill(uint8_t *out, size_t size, const uint8_t key[KEYSTREAM_KEY])
{
	struct schedule schedule;
	__m128i block[PARALLEL];
	expand_key(&schedule, key);
	for (size_t at = 0; at < size; at += sizeof block) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < PARALLEL; i++)
			block[i] = _mm_xor_si128(schedule.round[0], _mm_cvtsi64_si128((long long)(at / 16 + i)));
		for (unsigned round = 1; round < ROUNDS; round++) {
#pragma GCC unroll 8
			for (unsigned i = 0; i < PARALLEL; i++)
				block[i] = _mm_aesenc_si128(block[i], schedule.round[round]);
		}
#pragma GCC unroll 8
		for (unsigned i = 0; i < PARALLEL; i++)
			_mm_storeu_si128((__m128i *)(out + at) + i,
					 _mm_aesenclast_si128(block[i], schedule.round[ROUNDS]));
	}
	qv_wipe(&schedule, sizeof schedule);
	qv_wipe(block, sizeof block);
}

const struct keystream keystream_aesni = { .name = "AES-256-CTR", .fill = aesni_fill };
#else
typedef int no_aes_instructions_here;
#endif
