/* SPDX-License-Identifier: Apache-2.0 */
#include "keystream.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <qvisio/secret.h>

#define KEYSTREAMS_MAX 4

static const struct keystream *streams[KEYSTREAMS_MAX];
static const struct keystream *chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#if defined(__x86_64__)
/* By CPUID, since not every compiler's __builtin_cpu_supports() knows these. */
static bool has_aes(void)
{
	unsigned a, b, c, d;
	return __get_cpuid(1, &a, &b, &c, &d) && c >> 25 & 1;
}

static bool has_vector_aes(void)
{
	unsigned a, b, c, d;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && c >> 9 & 1;
}
#endif

static void find_keystreams(void)
{
	unsigned count = 0;
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (has_aes() && has_vector_aes() && __builtin_cpu_supports("avx512f"))
		streams[count++] = &keystream_vaes;
	if (has_aes() && __builtin_cpu_supports("sse4.1"))
		streams[count++] = &keystream_aesni;
#endif
	int started = sodium_init(); /* failed: ChaCha20 is only slower */
	(void)started;
	streams[count++] = &keystream_chacha20;
	chosen = streams[0];
}

const struct keystream *const *keystreams(void)
{
	pthread_once(&once, find_keystreams);
	return streams;
}

const struct keystream *keystream(void)
{
	pthread_once(&once, find_keystreams);
	return chosen;
}

void keystream_use(const struct keystream *stream)
{
	pthread_once(&once, find_keystreams);
	chosen = stream ? stream : streams[0];
}

static void chacha20_fill(uint8_t *out, size_t size, const uint8_t key[KEYSTREAM_KEY])
{
	static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
	uint8_t copy[KEYSTREAM_KEY];
	memcpy(copy, key, sizeof copy);
	crypto_stream_chacha20(out, size, nonce, copy);
	qv_wipe(copy, sizeof copy);
}

const struct keystream keystream_chacha20 = { .name = "ChaCha20", .fill = chacha20_fill };
