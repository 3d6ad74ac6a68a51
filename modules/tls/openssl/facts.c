/* SPDX-License-Identifier: Apache-2.0 */
#include "backend.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

static void copy_text(char *to, size_t room, const char *from)
{
	snprintf(to, room, "%s", from ? from : "");
}

static void fill_group(SSL *ssl, struct qv_tls_facts *facts)
{
	int group = (int)SSL_get_negotiated_group(ssl);
	if (group == NID_undef)
		return;
	copy_text(facts->group, sizeof facts->group, SSL_group_to_name(ssl, group));
}

static void fill_subject(const X509 *certificate, struct qv_tls_facts *facts)
{
	BIO *text = BIO_new(BIO_s_mem());
	if (!text)
		return;
	/* RFC 4514 lets UTF-8 stand as it is. */
	unsigned long form = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	if (X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, form) >= 0) {
		int got = BIO_read(text, facts->peer_subject, (int)sizeof facts->peer_subject - 1);
		facts->peer_subject[got > 0 ? got : 0] = '\0';
	}
	BIO_free(text);
}

static void fill_certificates(struct qv_tls_session *session, struct qv_tls_facts *facts)
{
	const X509 *peer = SSL_get0_peer_certificate(session->ssl);
	facts->peer_verified = peer && SSL_get_verify_result(session->ssl) == X509_V_OK;
	if (facts->peer_verified)
		fill_subject(peer, facts);
	if (session->role == QV_TLS_SERVER)
		facts->self_certificate = true;
	else
		facts->self_certificate = session->asked_certificate && SSL_get_certificate(session->ssl);
}

static void fill_identity(const struct qv_tls_session *session, struct qv_tls_facts *facts)
{
	const struct qv_tls_psk *psk = session->role == QV_TLS_CLIENT ? session->offered : &session->choice.psk;
	memcpy(facts->identity, psk->identity, psk->identity_size);
	facts->identity_size = psk->identity_size;
}

void tls_facts_fill(struct qv_tls_session *session)
{
	struct qv_tls_facts *facts = &session->facts;
	snprintf(facts->backend, sizeof facts->backend, "OpenSSL %s", OpenSSL_version(OPENSSL_VERSION_STRING));
	copy_text(facts->protocol, sizeof facts->protocol, SSL_get_version(session->ssl));
	copy_text(facts->cipher, sizeof facts->cipher, SSL_CIPHER_standard_name(SSL_get_current_cipher(session->ssl)));
	fill_group(session->ssl, facts);
	/* Sessions are never resumed here, so what OpenSSL calls reused is the external PSK. */
	facts->psk = SSL_session_reused(session->ssl) == 1;
	if (facts->psk)
		fill_identity(session, facts);
	else
		fill_certificates(session, facts);
}
