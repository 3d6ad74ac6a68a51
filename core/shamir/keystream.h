/* SPDX-License-Identifier: Apache-2.0 */
/* The key streams of the buffered generator. A key serves one stream only, so counters start at zero. */
#ifndef SHAMIR_KEYSTREAM_H
#define SHAMIR_KEYSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYSTREAM_KEY  32
#define KEYSTREAM_UNIT 256u

struct keystream {
	const char *name;
	/* Fills `out` with the stream of the key; `size` is a multiple of KEYSTREAM_UNIT. `key` may lie within `out`. */
	void (*fill)(uint8_t *out, size_t size, const uint8_t key[KEYSTREAM_KEY]);
};

/* The streams that this processor can run, best first, ended by NULL. */
const struct keystream *const *keystreams(void);

/* The one in use: the best, unless a test or measurement chose another (NULL: the best again). */
const struct keystream *keystream(void);
void keystream_use(const struct keystream *stream);

extern const struct keystream keystream_chacha20;
#if defined(__x86_64__)
extern const struct keystream keystream_aesni;
extern const struct keystream keystream_vaes;
#endif

#endif
