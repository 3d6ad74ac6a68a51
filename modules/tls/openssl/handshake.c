/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes: non-blocking underneath, so that the deadline and the host's cancel descriptor are honoured. */
#include "backend.h"

#include <stdlib.h>
#include <sys/socket.h>

#include <openssl/err.h>

/*
 * OpenSSL has no call that sends an alert. While nothing is encrypted yet, an alert is these seven bytes (RFC 8446
 * sections 5.1 and 6); later the connection just ends.
 */
static void send_cancelled(const struct qv_tls_session *session)
{
	OSSL_HANDSHAKE_STATE state = SSL_get_state(session->ssl);
	if (state != TLS_ST_BEFORE && state != TLS_ST_SR_CLNT_HELLO && state != TLS_ST_CW_CLNT_HELLO)
		return;
	static const uint8_t record[] = { 21, 3, 3, 0, 2, 2, QV_TLS_ALERT_USER_CANCELED };
	if (send(session->fd, record, sizeof record, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		qv_log_debug(session->tls->common.log, "the peer could not be told that the handshake was given up");
}

static int shake_hands(struct qv_tls_session *session, struct qv_error *err)
{
	const struct qv_tls_common *common = &session->tls->common;
	int64_t deadline = qv_tls_deadline(common);
	for (;;) {
		ERR_clear_error();
		int done = SSL_do_handshake(session->ssl);
		if (done == 1)
			return 0;
		int kind = SSL_get_error(session->ssl, done);
		if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE)
			return tls_fail(session, kind, true, err);
		enum qv_tls_io want = kind == SSL_ERROR_WANT_READ ? QV_TLS_IO_WANT_READ : QV_TLS_IO_WANT_WRITE;
		if (qv_tls_wait(common, session->role, session->fd, want, deadline, err) != 0) {
			send_cancelled(session);
			return -1;
		}
	}
}

static struct qv_tls_session *session_new(struct qv_tls *tls, enum qv_tls_role role, int fd, struct qv_error *err)
{
	ERR_clear_error();
	struct qv_tls_session *session = calloc(1, sizeof *session);
	if (session) {
		session->tls = tls;
		session->role = role;
		session->fd = fd;
		session->ssl = SSL_new(tls->context);
	}
	BIO *bio = session && session->ssl ? tls_socket_new(session) : NULL;
	if (!bio || SSL_set_app_data(session->ssl, session) != 1) {
		BIO_free(bio);
		tls_free(session);
		qv_fail(err, QV_E_NOMEM, "no memory for a TLS session");
		return NULL;
	}
	SSL_set_bio(session->ssl, bio, bio);
	return session;
}

/* Runs the handshake of a prepared session; on failure nothing is left of it. */
static struct qv_tls_session *finish(struct qv_tls_session *session, struct qv_error *err)
{
	if (shake_hands(session, err) == 0) {
		tls_facts_fill(session);
		if (qv_tls_facts_check(&session->tls->common, session->role, &session->facts, err) == 0) {
			tls_psk_forget(session);
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
	SSL_set_connect_state(session->ssl);
	const struct qv_tls_psk *psk = session->offered;
	if (psk && tls_suites_restrict(session, psk->hash, err) != 0)
		return -1;
	return tls_certificate_expect(session, host, err);
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

static void ask_certificate(SSL *ssl)
{
	SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	/* A server that asks for certificates takes a PSK only if it has a name for its sessions. */
	static const unsigned char name[] = "qvisio";
	SSL_set_session_id_context(ssl, name, sizeof name - 1);
}

struct qv_tls_session *tls_accept(struct qv_tls *tls, int fd, const struct qv_tls_finder *finder, struct qv_error *err)
{
	if (qv_tls_accept_check(&tls->common, fd, finder, err) != 0)
		return NULL;
	struct qv_tls_session *session = session_new(tls, QV_TLS_SERVER, fd, err);
	if (!session)
		return NULL;
	session->finder = finder;
	SSL_set_accept_state(session->ssl);
	if (tls->common.settings.verify_client)
		ask_certificate(session->ssl);
	return finish(session, err);
}

void tls_free(struct qv_tls_session *session)
{
	if (!session)
		return;
	SSL_SESSION_free(session->key_copy);
	SSL_free(session->ssl);
	qv_tls_choice_clear(&session->choice);
	free(session);
}
