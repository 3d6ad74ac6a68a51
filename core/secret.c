/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/secret.h>

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "secret_arena.h"

struct qv_secret {
	uint8_t *bytes; /* size + 1 of them, in the arena */
	size_t size;
};

static pthread_once_t sodium_once = PTHREAD_ONCE_INIT;
static int sodium_result;

static void start_sodium(void)
{
	sodium_result = sodium_init();
}

struct qv_secret *qv_secret_new(size_t size, struct qv_error *err)
{
	pthread_once(&sodium_once, start_sodium);
	if (sodium_result < 0) {
		qv_fail(err, QV_E_INTERNAL, "libsodium could not start: no source of randomness");
		return NULL;
	}
	if (size > QV_SECRET_MAX) {
		qv_fail(err, QV_E_INVALID, "a secret of %zu bytes is larger than the limit of %u", size, QV_SECRET_MAX);
		return NULL;
	}
	struct qv_secret *secret = malloc(sizeof *secret);
	if (secret)
		secret->bytes = qv_arena_take(size + 1);
	if (!secret || !secret->bytes) {
		free(secret);
		qv_fail(err, QV_E_NOMEM,
			"no locked memory for a secret of %zu bytes; raise the limit (ulimit -l, LimitMEMLOCK=)", size);
		return NULL;
	}
	secret->size = size;
	return secret;
}

struct qv_secret *qv_secret_copy(const void *bytes, size_t size, struct qv_error *err)
{
	struct qv_secret *secret = qv_secret_new(size, err);
	if (secret && size)
		memcpy(secret->bytes, bytes, size);
	return secret;
}

struct qv_secret *qv_secret_random(size_t size, struct qv_error *err)
{
	struct qv_secret *secret = qv_secret_new(size, err);
	if (secret)
		randombytes_buf(secret->bytes, size);
	return secret;
}

struct qv_secret *qv_secret_from_base64(const char *text, size_t length, struct qv_error *err)
{
	if (length > QV_SECRET_MAX / 3 * 4) {
		qv_fail(err, QV_E_INVALID, "base64 text of %zu characters is too long for a secret", length);
		return NULL;
	}
	struct qv_secret *secret = qv_secret_new(length / 4 * 3, err);
	if (!secret)
		return NULL;
	size_t size = 0;
	const char *end = NULL;
	if (length % 4 != 0 ||
	    sodium_base642bin(secret->bytes, secret->size, text, length, NULL, &size, &end,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    end != text + length) {
		qv_secret_free(secret);
		qv_fail(err, QV_E_INVALID, "text is not base64 (RFC 4648 section 4)");
		return NULL;
	}
	secret->size = size;
	return secret;
}

struct qv_secret *qv_secret_from_hex(const char *text, size_t length, struct qv_error *err)
{
	struct qv_secret *secret = qv_secret_new(length / 2, err);
	if (!secret)
		return NULL;
	size_t size = 0;
	const char *end = NULL;
	if (length % 2 != 0 || sodium_hex2bin(secret->bytes, secret->size, text, length, NULL, &size, &end) != 0 ||
	    end != text + length) {
		qv_secret_free(secret);
		qv_fail(err, QV_E_INVALID, "text is not an even number of hexadecimal digits");
		return NULL;
	}
	return secret;
}

struct qv_secret *qv_secret_to_base64(const struct qv_secret *secret, struct qv_error *err)
{
	size_t room = sodium_base64_encoded_len(secret->size, sodium_base64_VARIANT_ORIGINAL);
	struct qv_secret *text = qv_secret_new(room - 1, err);
	if (text)
		sodium_bin2base64((char *)text->bytes, room, secret->bytes, secret->size,
				  sodium_base64_VARIANT_ORIGINAL);
	return text;
}

const uint8_t *qv_secret_bytes(const struct qv_secret *secret)
{
	return secret ? secret->bytes : NULL;
}

uint8_t *qv_secret_edit(struct qv_secret *secret)
{
	return secret ? secret->bytes : NULL;
}

size_t qv_secret_size(const struct qv_secret *secret)
{
	return secret ? secret->size : 0;
}

bool qv_secret_equal(const struct qv_secret *a, const struct qv_secret *b)
{
	if (!a || !b)
		return a == b;
	return a->size == b->size && sodium_memcmp(a->bytes, b->bytes, a->size) == 0;
}

void qv_secret_free(struct qv_secret *secret)
{
	if (!secret)
		return;
	qv_arena_give(secret->bytes);
	free(secret);
}

void qv_wipe(void *bytes, size_t size)
{
	if (bytes)
		sodium_memzero(bytes, size);
}

int qv_secret_harden_process(struct qv_error *err)
{
	struct rlimit none = { 0, 0 };
	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return qv_fail_errno(err, QV_E_IO, errno, "switching core dumps off");
	return 0;
}
