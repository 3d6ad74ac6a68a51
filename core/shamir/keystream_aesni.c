/* SPDX-License-Identifier: Apache-2.0 */
/* AES-256 (FIPS 197) in counter mode with the AES instructions: counter in the first eight bytes, little-endian. */
#if defined(__x86_64__)
#include "aes_schedule.h"

#include <qvisio/secret.h>

#define PARALLEL 8

AES_TARGET static void aesni_fill(uint8_t *out, size_t size, const uint8_t key[KEYSTREAM_KEY])
{
	struct aes_schedule schedule;
	__m128i block[PARALLEL];
	aes_schedule_make(&schedule, key);
	for (size_t at = 0; at < size; at += sizeof block) {
#pragma GCC unroll 8
		for (unsigned i = 0; i < PARALLEL; i++)
			block[i] = _mm_xor_si128(schedule.round[0], _mm_cvtsi64_si128((long long)at / 16 + i));
		for (unsigned round = 1; round < AES_ROUNDS; round++) {
#pragma GCC unroll 8
			for (unsigned i = 0; i < PARALLEL; i++)
				block[i] = _mm_aesenc_si128(block[i], schedule.round[round]);
		}
#pragma GCC unroll 8
		for (unsigned i = 0; i < PARALLEL; i++)
			_mm_storeu_si128((__m128i *)(out + at) + i,
					 _mm_aesenclast_si128(block[i], schedule.round[AES_ROUNDS]));
	}
	qv_wipe(&schedule, sizeof schedule);
	qv_wipe(block, sizeof block);
}

const struct keystream keystream_aesni = { .name = "AES-256-CTR", .fill = aesni_fill };
#else
typedef int no_aes_instructions_here;
#endif
