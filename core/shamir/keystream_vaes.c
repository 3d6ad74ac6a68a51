/* SPDX-License-Identifier: Apache-2.0 */
/* As keystream_aesni.c, four blocks to an instruction. */
#if defined(__x86_64__)
#include "aes_schedule.h"

#include <qvisio/secret.h>

#define TARGET __attribute__((target("avx512f,vaes,aes,sse4.1")))

/* The counters of the four blocks from `first` on, under the first round key. */
TARGET static inline __m512i counters(size_t first, __m512i key)
{
	long long at = (long long)first;
	return _mm512_xor_si512(key, _mm512_set_epi64(0, at + 3, 0, at + 2, 0, at + 1, 0, at));
}

TARGET static void vaes_fill(uint8_t *out, size_t size, const uint8_t key[KEYSTREAM_KEY])
{
	struct aes_schedule schedule;
	__m512i round[AES_ROUNDS + 1];
	aes_schedule_make(&schedule, key);
	for (unsigned i = 0; i <= AES_ROUNDS; i++)
		round[i] = _mm512_broadcast_i32x4(schedule.round[i]);
	for (size_t at = 0; at < size; at += 256) {
		__m512i a = counters(at / 16, round[0]), b = counters(at / 16 + 4, round[0]);
		__m512i c = counters(at / 16 + 8, round[0]), d = counters(at / 16 + 12, round[0]);
#pragma GCC unroll 16
		for (unsigned i = 1; i < AES_ROUNDS; i++) {
			a = _mm512_aesenc_epi128(a, round[i]);
			b = _mm512_aesenc_epi128(b, round[i]);
			c = _mm512_aesenc_epi128(c, round[i]);
			d = _mm512_aesenc_epi128(d, round[i]);
		}
		_mm512_storeu_si512(out + at, _mm512_aesenclast_epi128(a, round[AES_ROUNDS]));
		_mm512_storeu_si512(out + at + 64, _mm512_aesenclast_epi128(b, round[AES_ROUNDS]));
		_mm512_storeu_si512(out + at + 128, _mm512_aesenclast_epi128(c, round[AES_ROUNDS]));
		_mm512_storeu_si512(out + at + 192, _mm512_aesenclast_epi128(d, round[AES_ROUNDS]));
	}
	qv_wipe(&schedule, sizeof schedule);
	qv_wipe(round, sizeof round);
}

const struct keystream keystream_vaes = { .name = "AES-256-CTR (VAES)", .fill = vaes_fill };
#else
typedef int no_vector_aes_here;
#endif
