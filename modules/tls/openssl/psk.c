/* SPDX-License-Identifier: Apache-2.0 */
/* External PSKs in OpenSSL: a client offers a session made of the key, a server finds one by the identity. */
#include "backend.h"

#include <string.h>

#include <openssl/err.h>

/*
 * A handshake with a PSK offers only suites of its hash: with others in the list OpenSSL may pick one of another hash
 * and drop the PSK in silence. 256-bit ciphers come first.
 */
const char *tls_suites(enum qv_tls_hash hash)
{
	return hash == QV_TLS_SHA384 ? "TLS_AES_256_GCM_SHA384" : "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
}

const char tls_suites_classic[] = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
const char tls_groups[] = "X25519:P-256:X448:P-521:P-384";

int tls_suites_restrict(struct qv_tls_session *session, enum qv_tls_hash hash, struct qv_error *err)
{
	const struct qv_tls_settings *settings = &session->tls->common.settings;
	if (settings->policy == QV_TLS_QKD_REQUIRE && settings->hash == hash)
		return 0;
	if (SSL_set_ciphersuites(session->ssl, tls_suites(hash)) != 1)
		return qv_fail(err, QV_E_INTERNAL, "OpenSSL has none of the ciphers %s", tls_suites(hash));
	return 0;
}

/* OpenSSL takes an external PSK as a session, which has its own copy of the key. */
static SSL_SESSION *session_from(SSL *ssl, const struct qv_tls_psk *psk)
{
	static const unsigned char suites[][2] = { [QV_TLS_SHA256] = { 0x13, 0x03 }, [QV_TLS_SHA384] = { 0x13, 0x02 } };
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suites[psk->hash]);
	SSL_SESSION *made = cipher ? SSL_SESSION_new() : NULL;
	if (made && SSL_SESSION_set1_master_key(made, qv_secret_bytes(psk->key), qv_secret_size(psk->key)) == 1 &&
	    SSL_SESSION_set_cipher(made, cipher) == 1 && SSL_SESSION_set_protocol_version(made, TLS1_3_VERSION) == 1)
		return made;
	SSL_SESSION_free(made);
	return NULL;
}

static void wipe(SSL_SESSION *made)
{
	static const unsigned char zeros[QV_TLS_PSK_MAX];
	if (made)
		SSL_SESSION_set1_master_key(made, zeros, SSL_SESSION_get_master_key(made, NULL, 0));
}

/* OpenSSL would keep its copies as long as the session lives, though the key schedule is past them. */
void tls_psk_forget(struct qv_tls_session *session)
{
	wipe(session->key_copy);
	SSL_SESSION_free(session->key_copy);
	session->key_copy = NULL;
	wipe(SSL_get_session(session->ssl));
}

/* Makes the session for OpenSSL, and keeps hold of it. */
static SSL_SESSION *hand_over(struct qv_tls_session *session, const struct qv_tls_psk *psk)
{
	SSL_SESSION *made = session_from(session->ssl, psk);
	SSL_SESSION_free(session->key_copy);
	session->key_copy = made && SSL_SESSION_up_ref(made) == 1 ? made : NULL;
	return made;
}

/* Client. Called for each ClientHello; `hash` is set for the second one, when the suite is already known. */
static int use_session(SSL *ssl, const EVP_MD *hash, const unsigned char **identity, size_t *size, SSL_SESSION **made)
{
	(void)hash;
	struct qv_tls_session *session = tls_session_of(ssl);
	const struct qv_tls_psk *psk = session->offered;
	*made = NULL;
	if (!psk)
		return 1;
	*made = hand_over(session, psk);
	*identity = psk->identity;
	*size = psk->identity_size;
	return *made != NULL;
}

/* Server. The choice was made when the ClientHello came; here OpenSSL takes it, or skips an identity not chosen. */
static int find_session(SSL *ssl, const unsigned char *identity, size_t size, SSL_SESSION **made)
{
	struct qv_tls_session *session = tls_session_of(ssl);
	const struct qv_tls_psk *psk = &session->choice.psk;
	*made = NULL;
	if (!psk->key || size != psk->identity_size || memcmp(identity, psk->identity, size) != 0)
		return 1;
	*made = hand_over(session, psk);
	return *made != NULL;
}

static struct qv_tls_bytes extension(SSL *ssl, unsigned type)
{
	const unsigned char *data;
	size_t size;
	if (SSL_client_hello_get0_ext(ssl, type, &data, &size) != 1)
		return (struct qv_tls_bytes){ NULL, 0 };
	static const uint8_t empty;
	return (struct qv_tls_bytes){ size ? data : &empty, size };
}

/*
 * OpenSSL 3.0 uses Diffie-Hellman whenever the two sides have a group in common, whatever it is told. So a server that
 * wants none (psk_ke) keeps a single group, one that TLS 1.3 does not have (RFC 8446 section 4.2.7).
 */
static bool avoid_groups(SSL *ssl)
{
	return SSL_set1_groups_list(ssl, "brainpoolP512r1") == 1;
}

static int apply_choice(struct qv_tls_session *session)
{
	const struct qv_tls_psk *psk = &session->choice.psk;
	if (!psk->key)
		return 0;
	if (tls_suites_restrict(session, psk->hash, &session->refusal) != 0)
		return -1;
	if (session->tls->common.settings.kex == QV_TLS_PSK_KE && !avoid_groups(session->ssl))
		return qv_fail(&session->refusal, QV_E_INTERNAL, "OpenSSL cannot leave Diffie-Hellman out");
	return 0;
}

/* Server. Runs before OpenSSL has decided anything about the handshake; may block in the finder. */
static int client_hello(SSL *ssl, int *alert, void *argument)
{
	(void)argument;
	struct qv_tls_session *session = tls_session_of(ssl);
	struct qv_tls_hello hello = {
		.versions = extension(ssl, TLSEXT_TYPE_supported_versions),
		.psks = extension(ssl, TLSEXT_TYPE_psk),
		.psk_modes = extension(ssl, TLSEXT_TYPE_psk_kex_modes),
	};
	session->choice.alert = QV_TLS_ALERT_INTERNAL_ERROR;
	bool first = !session->choice.made;
	if (qv_tls_choose(&session->tls->common, session->finder, &hello, &session->choice, &session->refusal) == 0 &&
	    (!first || apply_choice(session) == 0))
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = session->choice.alert;
	return SSL_CLIENT_HELLO_ERROR;
}

void tls_psk_setup(SSL_CTX *context)
{
	SSL_CTX_set_psk_use_session_callback(context, use_session);
	SSL_CTX_set_psk_find_session_callback(context, find_session);
	SSL_CTX_set_client_hello_cb(context, client_hello, NULL);
}
