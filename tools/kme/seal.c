/* SPDX-License-Identifier: Apache-2.0 */
#include "seal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

#define NONCE       crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG         crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY         crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define CONTEXT_MAX 512

_Static_assert(NONCE + TAG == SEAL_OVERHEAD, "what sealing adds");

struct seal {
	struct qv_secret *key;
};

static size_t text_length(const struct qv_secret *text)
{
	const char *bytes = (const char *)qv_secret_bytes(text);
	size_t length = qv_secret_size(text);
	while (length && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r' || bytes[length - 1] == ' '))
		length--;
	return length;
}

struct seal *seal_from_text(const struct qv_secret *text)
{
	struct seal *seal = calloc(1, sizeof *seal);
	if (seal)
		seal->key = qv_secret_from_hex((const char *)qv_secret_bytes(text), text_length(text), NULL);
	if (seal && seal->key && qv_secret_size(seal->key) == KEY)
		return seal;
	seal_free(seal);
	return NULL;
}

struct seal *seal_open(const char *path, struct qv_error *err)
{
	struct qv_secret *text = qv_secret_from_file(path, SEAL_TEXT_MAX, err);
	if (!text)
		return NULL;
	struct seal *seal = seal_from_text(text);
	if (!seal)
		qv_fail(err, QV_E_INVALID,
			"%s: a seal key is 64 hexadecimal digits; make one with: "
			"(umask 077; openssl rand -hex 32 > %s)",
			path, path);
	qv_secret_free(text);
	return seal;
}

void seal_free(struct seal *seal)
{
	if (!seal)
		return;
	qv_secret_free(seal->key);
	free(seal);
}

static size_t append(uint8_t context[CONTEXT_MAX], size_t used, const char *text, size_t length)
{
	size_t room = used < CONTEXT_MAX ? CONTEXT_MAX - used : 0;
	if (room > 0)
		memcpy(context + used, text, length < room ? length : room);
	return used + length;
}

/* The parts with their ending zeros, so that no two contexts read the same. */
static size_t make_context(uint8_t context[CONTEXT_MAX], const char *kind, const char *scope, const char *name)
{
	size_t length = append(context, 0, kind, strlen(kind) + 1);
	length = append(context, length, scope, strlen(scope) + 1);
	length = append(context, length, name, strlen(name));
	if (length < CONTEXT_MAX)
		return length;
	context[CONTEXT_MAX - 1] = '\0';
	return CONTEXT_MAX;
}

void seal_wrap(const struct seal *seal, const char *kind, const char *scope, const char *name, const uint8_t *key,
	       size_t size, uint8_t *out)
{
	uint8_t context[CONTEXT_MAX];
	size_t length = make_context(context, kind, scope, name);
	random_fill(out, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE, NULL, key, size, context, length, NULL, out,
						   qv_secret_bytes(seal->key));
}

int seal_unwrap(const struct seal *seal, const char *kind, const char *scope, const char *name, const uint8_t *sealed,
		size_t size, uint8_t *out, struct qv_error *err)
{
	uint8_t context[CONTEXT_MAX];
	size_t length = make_context(context, kind, scope, name);
	if (size < SEAL_OVERHEAD ||
	    crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed + NONCE, size - NONCE, context, length,
						       sealed, qv_secret_bytes(seal->key)) != 0)
		return qv_fail(
			err, QV_E_IO,
			"a stored key (%s %s) does not open: the seal key is another one, or the store was damaged",
			kind, name);
	return 0;
}

void seal_derive(const struct seal *seal, const char *use, uint8_t *out, size_t size)
{
	crypto_generichash(out, size, (const uint8_t *)use, strlen(use), qv_secret_bytes(seal->key), KEY);
}
