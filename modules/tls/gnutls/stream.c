/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, writing and ending a session. Nothing here blocks. */
#include "backend.h"

#include <string.h>

/* Turns what GnuTLS returned (negative) into QV_TLS_IO_WANT_* or a failure. */
static int not_done(struct qv_tls_session *session, int code, struct qv_error *err)
{
	if (code == GNUTLS_E_AGAIN)
		return gnutls_record_get_direction(session->gnutls) ? QV_TLS_IO_WANT_WRITE : QV_TLS_IO_WANT_READ;
	tls_send_alert(session, code);
	return tls_fail(session, code, false, err);
}

/* Interruptions and warnings are no reason to stop. */
static bool goes_on(ssize_t code)
{
	return code < 0 && code != GNUTLS_E_AGAIN && !gnutls_error_is_fatal((int)code);
}

int tls_read(struct qv_tls_session *session, void *bytes, size_t size, size_t *got, struct qv_error *err)
{
	if (session->broken)
		return qv_fail(err, QV_E_IO, "the session has failed already: nothing can be read");
	ssize_t came = 0;
	if (!session->ended)
		do
			came = gnutls_record_recv(session->gnutls, bytes, size);
		while (goes_on(came));
	if (came < 0)
		return not_done(session, (int)came, err);
	*got = (size_t)came;
	if (came > 0)
		return QV_TLS_IO_DONE;
	session->ended = true;
	return qv_fail(err, QV_E_END, "the peer closed the session");
}

int tls_write(struct qv_tls_session *session, const void *bytes, size_t size, size_t *put, struct qv_error *err)
{
	if (session->broken)
		return qv_fail(err, QV_E_IO, "the session has failed already: nothing can be sent");
	ssize_t sent;
	do
		sent = gnutls_record_send(session->gnutls, bytes, size);
	while (goes_on(sent));
	if (sent < 0)
		return not_done(session, (int)sent, err);
	*put = (size_t)sent;
	return QV_TLS_IO_DONE;
}

bool tls_pending(const struct qv_tls_session *session)
{
	return gnutls_record_check_pending(session->gnutls) > 0;
}

int tls_shutdown(struct qv_tls_session *session, struct qv_error *err)
{
	if (session->broken)
		return qv_fail(err, QV_E_IO, "the session has failed already: it cannot be closed in order");
	int code;
	do
		code = gnutls_bye(session->gnutls, GNUTLS_SHUT_WR);
	while (goes_on(code));
	return code >= 0 ? QV_TLS_IO_DONE : not_done(session, code, err);
}

int tls_export_key(struct qv_tls_session *session, const char *label, struct qv_secret *out, struct qv_error *err)
{
	int code = gnutls_prf_rfc5705(session->gnutls, strlen(label), label, 0, NULL, qv_secret_size(out),
				      (char *)qv_secret_edit(out));
	if (code < 0)
		return qv_fail(err, QV_E_INTERNAL, "exporting a key \"%s\" from TLS: %s", label, gnutls_strerror(code));
	return 0;
}
