/* SPDX-License-Identifier: Apache-2.0 */
#include "backend.h"

#include <openssl/err.h>

struct qv_tls_session *tls_session_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

const char *tls_library_error(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_error());
	return text ? text : "no reason given";
}

/* A peer's alert is queued as an error whose reason is this offset plus the alert. */
static int alert_in(unsigned long error)
{
	int reason = ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET;
	return ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= 0 && reason <= UINT8_MAX ? reason : -1;
}

static int fail_library(struct qv_tls_session *session, bool in_handshake, struct qv_error *err)
{
	unsigned long error = ERR_peek_error();
	if (alert_in(error) >= 0)
		return qv_tls_fail_alert(session->role, (uint8_t)alert_in(error), err);
	switch (ERR_GET_REASON(error)) {
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return qv_tls_fail_connection(session->role, in_handshake, 0, err);
	case SSL_R_BINDER_DOES_NOT_VERIFY:
		return qv_tls_fail_binder(err);
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
		return qv_tls_fail_certificate(session->role,
					       X509_verify_cert_error_string(SSL_get_verify_result(session->ssl)), err);
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return qv_tls_fail_no_certificate(err);
	case ERR_R_MALLOC_FAILURE:
		return qv_fail(err, QV_E_NOMEM, "no memory for a TLS session");
	default:
		return qv_tls_fail_protocol(session->role, in_handshake, tls_library_error(), err);
	}
}

int tls_fail(struct qv_tls_session *session, int kind, bool in_handshake, struct qv_error *err)
{
	session->broken = kind != SSL_ERROR_ZERO_RETURN;
	if (session->refusal.code != QV_OK) {
		if (err)
			*err = session->refusal;
		return -1;
	}
	if (kind == SSL_ERROR_ZERO_RETURN)
		return in_handshake ? qv_tls_fail_alert(session->role, QV_TLS_ALERT_CLOSE_NOTIFY, err)
				    : qv_fail(err, QV_E_END, "the peer closed the session");
	if (session->io_errno)
		return qv_tls_fail_connection(session->role, in_handshake, session->io_errno, err);
	if (kind == SSL_ERROR_SYSCALL)
		return qv_tls_fail_connection(session->role, in_handshake, 0, err);
	return fail_library(session, in_handshake, err);
}
