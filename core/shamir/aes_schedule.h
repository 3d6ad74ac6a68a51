/* SPDX-License-Identifier: Apache-2.0 */
/* The key schedule of AES-256 (FIPS 197 section 5.2) with the AES instructions of x86-64. */
#ifndef SHAMIR_AES_SCHEDULE_H
#define SHAMIR_AES_SCHEDULE_H

#include <immintrin.h>
#include <stdint.h>

#include "keystream.h"

#define AES_TARGET __attribute__((target("aes,sse4.1")))
#define AES_ROUNDS 14

struct aes_schedule {
	__m128i round[AES_ROUNDS + 1];
};

/* The running XOR of a key's words from the first on. */
AES_TARGET static inline __m128i spread(__m128i key)
{
	key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
	return _mm_xor_si128(key, _mm_slli_si128(key, 8));
}

/* Eight words of key: even round keys take a rotated word, odd ones do not. */
#define EVEN(i, constant)                                                                                              \
	schedule->round[i] =                                                                                           \
		_mm_xor_si128(spread(schedule->round[(i)-2]),                                                          \
			      _mm_shuffle_epi32(_mm_aeskeygenassist_si128(schedule->round[(i)-1], constant), 0xff))
#define ODD(i)                                                                                                         \
	schedule->round[i] =                                                                                           \
		_mm_xor_si128(spread(schedule->round[(i)-2]),                                                          \
			      _mm_shuffle_epi32(_mm_aeskeygenassist_si128(schedule->round[(i)-1], 0), 0xaa))

AES_TARGET static inline void aes_schedule_make(struct aes_schedule *schedule, const uint8_t key[KEYSTREAM_KEY])
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

#undef EVEN
#undef ODD

#endif
