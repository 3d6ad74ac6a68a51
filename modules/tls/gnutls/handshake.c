/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes: non-blocking underneath, so that the deadline and the host's cancel descriptor are honoured. */
#include "backend.h"

#include <stdlib.h>
#include <string.h>

/* GnuTLS writes every secret to the file SSLKEYLOGFILE by itself, unless a session has another function for it. */
static int log_no_key(gnutls_session_t gnutls, const char *label, const gnutls_datum_t *secret)
{
	(void)gnutls;
	(void)label;
	(void)secret;
	return 0;
}

static int shake_hands(struct qv_tls_session *session, struct qv_error *err)
{
	const struct qv_tls_common *common = &session->tls->common;
	int64_t deadline = qv_tls_deadline(common);
	for (;;) {
		int code = gnutls_handshake(session->gnutls);
		if (code == GNUTLS_E_SUCCESS)
			return 0;
		if (code != GNUTLS_E_AGAIN && gnutls_error_is_fatal(code)) {
			tls_send_alert(session, code);
			return tls_fail(session, code, true, err);
		}
		if (code != GNUTLS_E_AGAIN)
			continue;
		bool writing = gnutls_record_get_direction(session->gnutls) != 0;
		enum qv_tls_io want = writing ? QV_TLS_IO_WANT_WRITE : QV_TLS_IO_WANT_READ;
		if (qv_tls_wait(common, session->role, session->fd, want, deadline, err) != 0) {
			gnutls_alert_send(session->gnutls, GNUTLS_AL_FATAL, GNUTLS_A_USER_CANCELED);
			return -1;
		}
	}
}

static struct qv_tls_session *session_new(struct qv_tls *tls, enum qv_tls_role role, int fd, struct qv_error *err)
{
	struct qv_tls_session *session = calloc(1, sizeof *session);
	unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS | GNUTLS_KEY_SHARE_TOP |
			 (role == QV_TLS_CLIENT ? GNUTLS_CLIENT : GNUTLS_SERVER);
	if (!session || gnutls_init(&session->gnutls, flags) < 0) {
		free(session);
		qv_fail(err, QV_E_NOMEM, "no memory for a TLS session");
		return NULL;
	}
	session->tls = tls;
	session->role = role;
	session->fd = fd;
	gnutls_session_set_ptr(session->gnutls, session);
	tls_socket_setup(session);
	gnutls_session_set_keylog_function(session->gnutls, log_no_key);
	gnutls_session_set_verify_function(session->gnutls, tls_verify);
	return session;
}

/* Runs the handshake of a prepared session; on failure nothing is left of it. */
static struct qv_tls_session *finish(struct qv_tls_session *session, struct qv_error *err)
{
	if (shake_hands(session, err) == 0) {
		tls_facts_fill(session);
		if (qv_tls_facts_check(&session->tls->common, session->role, &session->facts, err) == 0) {
			tls_socket_established(session);
			session->offered = NULL;
			session->finder = NULL;
			qv_tls_choice_clear(&session->choice);
			return session;
		}
	}
	qv_tls_drain(session->fd);
	tls_free(session);
	return NULL;
}

static int prepare_client(struct qv_tls_session *session, const char *host, struct qv_error *err)
{
	const struct qv_tls *tls = session->tls;
	gnutls_session_t gnutls = session->gnutls;
	const char *name = qv_tls_peer_name(&tls->common, host);
	if (name && !(session->peer_name = strdup(name)))
		return qv_fail(err, QV_E_NOMEM, "no memory for a TLS session");
	int code = gnutls_priority_set(gnutls, session->offered ? tls->with_both : tls->classic);
	if (code >= 0)
		code = gnutls_credentials_set(gnutls, GNUTLS_CRD_CERTIFICATE, tls->certificates);
	if (code >= 0 && session->offered)
		code = gnutls_credentials_set(gnutls, GNUTLS_CRD_PSK, tls->psk_client);
	if (code >= 0 && name && !qv_tls_is_address(name))
		code = gnutls_server_name_set(gnutls, GNUTLS_NAME_DNS, name, strlen(name));
	return code >= 0 ? 0 : qv_fail(err, QV_E_INTERNAL, "preparing a TLS session: %s", gnutls_strerror(code));
}

struct qv_tls_session *tls_connect(struct qv_tls *tls, int fd, const char *host, const struct qv_tls_psk *psk,
				   struct qv_error *err)
{
	if (qv_tls_connect_check(&tls->common, fd, host, psk, err) != 0)
		return NULL;
	struct qv_tls_session *session = session_new(tls, QV_TLS_CLIENT, fd, err);
	if (!session)
		return NULL;
	session->offered = psk;
	if (prepare_client(session, host, err) != 0) {
		tls_free(session);
		return NULL;
	}
	return finish(session, err);
}

static int prepare_server(struct qv_tls_session *session, struct qv_error *err)
{
	const struct qv_tls *tls = session->tls;
	gnutls_session_t gnutls = session->gnutls;
	int code = gnutls_priority_set(gnutls, tls->with_both);
	if (code >= 0)
		code = tls_psk_expect(session);
	gnutls_certificate_server_set_request(gnutls, tls->common.settings.verify_client ? GNUTLS_CERT_REQUIRE
											 : GNUTLS_CERT_IGNORE);
	/* The names of all authorities of the system would fill a request without use. */
	gnutls_certificate_send_x509_rdn_sequence(gnutls, 1);
	return code >= 0 ? 0 : qv_fail(err, QV_E_INTERNAL, "preparing a TLS session: %s", gnutls_strerror(code));
}

struct qv_tls_session *tls_accept(struct qv_tls *tls, int fd, const struct qv_tls_finder *finder, struct qv_error *err)
{
	if (qv_tls_accept_check(&tls->common, fd, finder, err) != 0)
		return NULL;
	struct qv_tls_session *session = session_new(tls, QV_TLS_SERVER, fd, err);
	if (!session)
		return NULL;
	session->finder = finder;
	if (prepare_server(session, err) != 0) {
		tls_free(session);
		return NULL;
	}
	return finish(session, err);
}

void tls_free(struct qv_tls_session *session)
{
	if (!session)
		return;
	gnutls_deinit(session->gnutls);
	qv_tls_choice_clear(&session->choice);
	free(session->peer_name);
	free(session);
}
