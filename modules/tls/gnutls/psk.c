/* SPDX-License-Identifier: Apache-2.0 */
/* External PSKs in GnuTLS. */
#include "backend.h"

#include <string.h>

/* GnuTLS frees what these callbacks hand over, and wipes the key when it does. */
static bool duplicate(gnutls_datum_t *to, const uint8_t *bytes, size_t size)
{
	to->data = gnutls_malloc(size);
	if (!to->data)
		return false;
	memcpy(to->data, bytes, size);
	to->size = (unsigned)size;
	return true;
}

static int offer_key(gnutls_session_t gnutls, gnutls_datum_t *identity, gnutls_datum_t *key)
{
	const struct qv_tls_session *session = gnutls_session_get_ptr(gnutls);
	const struct qv_tls_psk *psk = session->offered;
	if (!duplicate(identity, psk->identity, psk->identity_size))
		return -1;
	if (duplicate(key, qv_secret_bytes(psk->key), qv_secret_size(psk->key)))
		return 0;
	gnutls_free(identity->data);
	identity->data = NULL;
	return -1;
}

/* The choice was made when the ClientHello came; any other identity is an error. */
static int chosen_key(gnutls_session_t gnutls, const gnutls_datum_t *identity, gnutls_datum_t *key)
{
	const struct qv_tls_session *session = gnutls_session_get_ptr(gnutls);
	const struct qv_tls_psk *psk = &session->choice.psk;
	if (!psk->key || identity->size != psk->identity_size ||
	    memcmp(identity->data, psk->identity, identity->size) != 0)
		return -1;
	return duplicate(key, qv_secret_bytes(psk->key), qv_secret_size(psk->key)) ? 0 : -1;
}

static int collect_extension(void *context, unsigned type, const unsigned char *data, unsigned size)
{
	struct qv_tls_hello *hello = context;
	struct qv_tls_bytes bytes = { data, size };
	if (type == 43)
		hello->versions = bytes;
	else if (type == 41)
		hello->psks = bytes;
	else if (type == 45)
		hello->psk_modes = bytes;
	return 0;
}

static int refuse(struct qv_tls_session *session, uint8_t alert)
{
	session->refusal_alert = alert;
	return GNUTLS_E_USER_ERROR;
}

/* Runs before GnuTLS has looked at the ClientHello; may block in the finder. */
static int client_hello(gnutls_session_t gnutls, unsigned type, unsigned when, unsigned incoming,
			const gnutls_datum_t *message)
{
	(void)type;
	(void)when;
	struct qv_tls_session *session = gnutls_session_get_ptr(gnutls);
	struct qv_tls_hello hello = { .versions = { NULL, 0 } };
	if (!incoming)
		return 0;
	int code = gnutls_ext_raw_parse(&hello, collect_extension, message, GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO);
	if (code < 0)
		return code;
	session->choice.alert = QV_TLS_ALERT_INTERNAL_ERROR;
	if (qv_tls_choose(&session->tls->common, session->finder, &hello, &session->choice, &session->refusal) != 0)
		return refuse(session, session->choice.alert);
	return 0;
}

/*
 * Runs when GnuTLS knows the extensions but has neither looked at PSKs nor at suites. From here on a session has either
 * the key or the certificate: with both, GnuTLS would decide itself.
 */
static int apply_choice(gnutls_session_t gnutls)
{
	struct qv_tls_session *session = gnutls_session_get_ptr(gnutls);
	const struct qv_tls *tls = session->tls;
	gnutls_credentials_clear(gnutls);
	int code;
	if (session->choice.psk.key) {
		code = gnutls_credentials_set(gnutls, GNUTLS_CRD_PSK, tls->psk_server);
		return code < 0 ? code : gnutls_priority_set(gnutls, tls->with_psk);
	}
	code = gnutls_credentials_set(gnutls, GNUTLS_CRD_CERTIFICATE, tls->certificates);
	return code < 0 ? code : gnutls_priority_set(gnutls, tls->classic);
}

int tls_psk_setup(struct qv_tls *tls, struct qv_error *err)
{
	if (gnutls_psk_allocate_client_credentials(&tls->psk_client) < 0 ||
	    gnutls_psk_allocate_server_credentials(&tls->psk_server) < 0)
		return qv_fail(err, QV_E_NOMEM, "no memory for TLS");
	gnutls_psk_set_client_credentials_function2(tls->psk_client, offer_key);
	gnutls_psk_set_server_credentials_function2(tls->psk_server, chosen_key);
	return 0;
}

void tls_psk_free(struct qv_tls *tls)
{
	if (tls->psk_client)
		gnutls_psk_free_client_credentials(tls->psk_client);
	if (tls->psk_server)
		gnutls_psk_free_server_credentials(tls->psk_server);
}

int tls_psk_expect(struct qv_tls_session *session)
{
	gnutls_session_t gnutls = session->gnutls;
	const struct qv_tls *tls = session->tls;
	gnutls_handshake_set_hook_function(gnutls, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE, client_hello);
	gnutls_handshake_set_post_client_hello_function(gnutls, apply_choice);
	int code = gnutls_credentials_set(gnutls, GNUTLS_CRD_PSK, tls->psk_server);
	if (code >= 0 && tls->common.has_certificate && tls->common.settings.policy != QV_TLS_QKD_REQUIRE)
		code = gnutls_credentials_set(gnutls, GNUTLS_CRD_CERTIFICATE, tls->certificates);
	return code;
}
