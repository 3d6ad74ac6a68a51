/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, writing and ending a session. Nothing here blocks. */
#include "backend.h"

#include <string.h>

#include <openssl/err.h>

/*
 * Records of full size that one AES-GCM key may protect: 2^24.5 (RFC 8446 section 5.5). OpenSSL counts them but does
 * not change the key by itself.
 */
#define RECORDS_PER_KEY (UINT64_C(1) << 24)

/* Turns OpenSSL's result into QV_TLS_IO_WANT_* or a failure. */
static int not_done(struct qv_tls_session *session, int result, struct qv_error *err)
{
	int kind = SSL_get_error(session->ssl, result);
	if (kind == SSL_ERROR_WANT_READ)
		return QV_TLS_IO_WANT_READ;
	if (kind == SSL_ERROR_WANT_WRITE)
		return QV_TLS_IO_WANT_WRITE;
	return tls_fail(session, kind, false, err);
}

int tls_read(struct qv_tls_session *session, void *bytes, size_t size, size_t *got, struct qv_error *err)
{
	ERR_clear_error();
	int result = SSL_read_ex(session->ssl, bytes, size, got);
	session->drained = result != 1;
	return result == 1 ? QV_TLS_IO_DONE : not_done(session, result, err);
}

int tls_write(struct qv_tls_session *session, const void *bytes, size_t size, size_t *put, struct qv_error *err)
{
	ERR_clear_error();
	if (session->broken)
		return qv_fail(err, QV_E_IO, "the session has failed already: nothing can be sent");
	if (session->records_sent >= RECORDS_PER_KEY && SSL_key_update(session->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1)
		session->records_sent = 0;
	int result = SSL_write_ex(session->ssl, bytes, size, put);
	if (result != 1)
		return not_done(session, result, err);
	session->records_sent++;
	return QV_TLS_IO_DONE;
}

bool tls_pending(const struct qv_tls_session *session)
{
	/* OpenSSL also counts a part of a record as pending; a read that found only that has told so. */
	return !session->drained && SSL_has_pending(session->ssl);
}

int tls_shutdown(struct qv_tls_session *session, struct qv_error *err)
{
	ERR_clear_error();
	if (session->broken)
		return qv_fail(err, QV_E_IO, "the session has failed already: it cannot be closed in order");
	int result = SSL_shutdown(session->ssl);
	return result >= 0 ? QV_TLS_IO_DONE : not_done(session, result, err);
}

int tls_export_key(struct qv_tls_session *session, const char *label, struct qv_secret *out, struct qv_error *err)
{
	ERR_clear_error();
	if (SSL_export_keying_material(session->ssl, qv_secret_edit(out), qv_secret_size(out), label, strlen(label),
				       NULL, 0, 0) != 1)
		return qv_fail(err, QV_E_INTERNAL, "exporting a key \"%s\" from TLS: %s", label, tls_library_error());
	return 0;
}
