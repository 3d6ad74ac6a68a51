/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys at rest: XChaCha20-Poly1305 (libsodium) under the seal key, a random nonce in front. What the key is for (its
 * kind and name) is authenticated with it, so that rows of the store cannot be exchanged. Safe on any thread.
 */
#ifndef KME_SEAL_H
#define KME_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include <qvisio/secret.h>

#define SEAL_OVERHEAD 40 /* bytes that a sealed key is longer than the key */

#define SEAL_TEXT_MAX 256 /* bytes of a text with a seal key */

struct seal;

/* Reads the seal key, 64 hexadecimal digits, from a file that only this user can read. */
struct seal *seal_open(const char *path, struct qv_error *err);
/* From the digits themselves; NULL when they are none. White space at the end is let pass. */
struct seal *seal_from_text(const struct qv_secret *text);
void seal_free(struct seal *seal);

/* `out` has room for size + SEAL_OVERHEAD bytes. `scope` and `name` say what is sealed: "pool" of a link, a key_ID. */
void seal_wrap(const struct seal *seal, const char *kind, const char *scope, const char *name, const uint8_t *key,
	       size_t size, uint8_t *out);

/* `out` has room for size - SEAL_OVERHEAD bytes. QV_E_IO: sealed under another key, for another use, or damaged. */
int seal_unwrap(const struct seal *seal, const char *kind, const char *scope, const char *name, const uint8_t *sealed,
		size_t size, uint8_t *out, struct qv_error *err);

/* A key for another use, derived from the seal key; `size` is 16 to 64 bytes. */
void seal_derive(const struct seal *seal, const char *use, uint8_t *out, size_t size);

#endif
