/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets: key material in memory that is locked (never swapped), left out of core dumps, and wiped when freed.
 * Small secrets share an arena of guarded pages. Safe on any thread; the bytes of one secret belong to one thread at a
 * time. The functions never log and never put the bytes into an error.
 */
#ifndef QVISIO_SECRET_H
#define QVISIO_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_SECRET_MAX (1024u * 1024u) /* bytes in one secret */

struct qv_secret;

/* A secret of `size` zero bytes (0 <= size <= QV_SECRET_MAX). NULL with err: QV_E_INVALID, QV_E_NOMEM. */
struct qv_secret *qv_secret_new(size_t size, struct qv_error *err);

/* A secret holding a copy of bytes; the caller still has to wipe its own (qv_wipe). */
struct qv_secret *qv_secret_copy(const void *bytes, size_t size, struct qv_error *err);

/* A secret of random bytes from the operating system's generator. */
struct qv_secret *qv_secret_random(size_t size, struct qv_error *err);

/* A secret decoded from base64 (RFC 4648 section 4, padded, no white space). QV_E_INVALID without echoing the text. */
struct qv_secret *qv_secret_from_base64(const char *text, size_t length, struct qv_error *err);

/* A secret decoded from hexadecimal digits. QV_E_INVALID without echoing the text. */
struct qv_secret *qv_secret_from_hex(const char *text, size_t length, struct qv_error *err);

/*
 * The bytes of a regular file that belongs to this user or root and that nobody else can read or write; at most `max`.
 * A file in $CREDENTIALS_DIRECTORY (systemd) may have any mode.
 * QV_E_IO, QV_E_DENIED (who can read it, and the chmod that ends it), QV_E_INVALID (larger than `max`).
 */
struct qv_secret *qv_secret_from_file(const char *path, size_t max, struct qv_error *err);

/* Base64 of a secret, itself a secret, ended by a zero byte that qv_secret_size does not count. */
struct qv_secret *qv_secret_to_base64(const struct qv_secret *secret, struct qv_error *err);

/* The bytes; valid until free. One zero byte always follows them, so text secrets are C strings. NULL for NULL. */
const uint8_t *qv_secret_bytes(const struct qv_secret *secret);
uint8_t *qv_secret_edit(struct qv_secret *secret);
size_t qv_secret_size(const struct qv_secret *secret);

/* Constant time in the contents; sizes are public. Two NULLs are equal. */
bool qv_secret_equal(const struct qv_secret *a, const struct qv_secret *b);

/* Wipes and frees. NULL is fine. */
void qv_secret_free(struct qv_secret *secret);

/* Overwrites memory in a way that the compiler keeps. */
void qv_wipe(void *bytes, size_t size);

/* Makes this process refuse core dumps and ptrace by others of the same user. Tools call it first thing. */
int qv_secret_harden_process(struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
