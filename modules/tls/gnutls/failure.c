/* SPDX-License-Identifier: Apache-2.0 */
#include "backend.h"

#include <errno.h>

/* Whether a server that took the key failed where only the client's binder is left to be wrong. */
static bool is_binder(const struct qv_tls_session *session, int code)
{
	return session->role == QV_TLS_SERVER && session->choice.psk.key && code == GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER;
}

void tls_send_alert(struct qv_tls_session *session, int code)
{
	if (session->at_end || code == GNUTLS_E_FATAL_ALERT_RECEIVED || code == GNUTLS_E_PUSH_ERROR ||
	    code == GNUTLS_E_PULL_ERROR || code == GNUTLS_E_PREMATURE_TERMINATION)
		return;
	int level = GNUTLS_AL_FATAL;
	int alert = gnutls_error_to_alert(code, &level);
	if (session->refusal_alert)
		alert = session->refusal_alert;
	else if (is_binder(session, code))
		alert = QV_TLS_ALERT_DECRYPT_ERROR;
	else if (code == GNUTLS_E_NO_CERTIFICATE_FOUND || code == GNUTLS_E_CERTIFICATE_REQUIRED)
		alert = QV_TLS_ALERT_CERTIFICATE_REQUIRED;
	else if (alert < 0)
		alert = QV_TLS_ALERT_INTERNAL_ERROR;
	gnutls_alert_send(session->gnutls, GNUTLS_AL_FATAL, (gnutls_alert_description_t)alert);
}

int tls_fail(struct qv_tls_session *session, int code, bool in_handshake, struct qv_error *err)
{
	int errnum = code == GNUTLS_E_PULL_ERROR ? session->io_errno : errno;
	session->broken = true;
	if (session->refusal.code != QV_OK) {
		if (err)
			*err = session->refusal;
		return -1;
	}
	if (is_binder(session, code))
		return qv_tls_fail_binder(err);
	if (in_handshake && code == GNUTLS_E_DECRYPTION_FAILED && tls_plain_alert(session) >= 0)
		return qv_tls_fail_alert(session->role, (uint8_t)tls_plain_alert(session), err);
	if (session->at_end && code != GNUTLS_E_FATAL_ALERT_RECEIVED)
		return qv_tls_fail_connection(session->role, in_handshake, 0, err);
	switch (code) {
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
		return qv_tls_fail_alert(session->role, (uint8_t)gnutls_alert_get(session->gnutls), err);
	case GNUTLS_E_PREMATURE_TERMINATION:
		return qv_tls_fail_connection(session->role, in_handshake, 0, err);
	case GNUTLS_E_PUSH_ERROR:
	case GNUTLS_E_PULL_ERROR:
		return qv_tls_fail_connection(session->role, in_handshake, errnum, err);
	case GNUTLS_E_SESSION_EOF:
		return qv_tls_fail_alert(session->role, QV_TLS_ALERT_CLOSE_NOTIFY, err);
	case GNUTLS_E_NO_CERTIFICATE_FOUND:
	case GNUTLS_E_CERTIFICATE_REQUIRED:
		return qv_tls_fail_no_certificate(err);
	case GNUTLS_E_MEMORY_ERROR:
		return qv_fail(err, QV_E_NOMEM, "no memory for a TLS session");
	default:
		return qv_tls_fail_protocol(session->role, in_handshake, gnutls_strerror(code), err);
	}
}
