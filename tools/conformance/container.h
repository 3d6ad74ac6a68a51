/* SPDX-License-Identifier: Apache-2.0 */
/* A key container (clause 6.3) from hostile JSON, taken apart without judging it. Pure functions. */
#ifndef CONFORMANCE_CONTAINER_H
#define CONFORMANCE_CONTAINER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <qvisio/secret.h>

#define SAMPLE_ID_MAX 64

struct sample {
	char id[SAMPLE_ID_MAX + 1]; /* "" when there is none; printable, shortened */
	bool id_whole;              /* `id` is all of it */
	bool encoded;               /* there is a string "key" */
	struct qv_secret *key;      /* NULL when it is no base64 */
};

/* The member `keys` if it is an array of objects, at least one; else NULL and `why`, a constant text. */
const json_t *container_keys(const json_t *json, const char **why);

void sample_read(const json_t *entry, struct sample *sample);
void sample_clear(struct sample *sample);

/* RFC 4122 section 3: 8-4-4-4-12 hexadecimal digits; `bytes` may be NULL. */
bool uuid_read(const char *text, unsigned char bytes[16]);

/* Base64 as RFC 4648 section 4 has it: padded, no other characters, no stray bits. */
bool base64_strict(const char *text);

/*
 * Says how key_ID follows from the key ("the first 16 bytes of its SHA-1"), or NULL when it is none of the functions
 * tried: digests of the key and of its encodings, and pieces of the key itself, in both byte orders of a UUID.
 */
const char *id_from_key(const unsigned char id[16], const struct qv_secret *key, char text[96]);

/* Why the bytes look like no key ("all bytes are 00"), or NULL. */
const char *key_flaw(const struct qv_secret *key);

#endif
