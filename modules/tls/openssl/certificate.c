/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: our own, and what the peer's must prove. */
#include "backend.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* An encrypted key must not make a program stop and ask on the terminal. */
static int no_passphrase(char *text, int size, int writing, void *argument)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)argument;
	return -1;
}

static EVP_PKEY *parse_key(const struct qv_secret *text)
{
	BIO *bio = BIO_new_mem_buf(qv_secret_bytes(text), (int)qv_secret_size(text));
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	return key;
}

static int load_key(struct qv_tls *tls, const struct qv_options *options, struct qv_error *err)
{
	const char *path = tls->common.settings.private_key;
	struct qv_secret *text = qv_tls_private_key_read(&tls->common, options, err);
	if (!text)
		return -1;
	EVP_PKEY *key = parse_key(text);
	qv_secret_free(text);
	if (!key)
		return qv_options_fail(options, "private_key", err,
				       "%s: no private key in PEM without a passphrase: %s", path, tls_library_error());
	int used = SSL_CTX_use_PrivateKey(tls->context, key);
	EVP_PKEY_free(key);
	if (used != 1)
		return qv_options_fail(options, "private_key", err, "%s: does not belong to the certificate: %s", path,
				       tls_library_error());
	return 0;
}

static int load_certificate(struct qv_tls *tls, const struct qv_options *options, struct qv_error *err)
{
	const char *path = tls->common.settings.certificate;
	SSL_CTX_set_default_passwd_cb(tls->context, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(tls->context, path) != 1)
		return qv_options_fail(options, "certificate", err, "%s: no certificate in PEM: %s", path,
				       tls_library_error());
	return load_key(tls, options, err);
}

static int load_authorities(struct qv_tls *tls, const struct qv_options *options, struct qv_error *err)
{
	const char *path = tls->common.settings.ca;
	if (path && SSL_CTX_load_verify_file(tls->context, path) != 1)
		return qv_options_fail(options, "ca", err, "%s: no certificates in PEM: %s", path, tls_library_error());
	if (!path && SSL_CTX_set_default_verify_paths(tls->context) != 1)
		return qv_options_fail(options, "ca", err, "the system's certificate authorities cannot be read: %s",
				       tls_library_error());
	return 0;
}

/* Client under require: whatever certificate a server shows instead of taking the key, it is refused at once. */
static int refuse_certificate(X509_STORE_CTX *store, void *argument)
{
	(void)argument;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	qv_tls_fail_no_psk(&tls_session_of(ssl)->refusal);
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

/* Called when a server asks this client for a certificate. */
static int certificate_asked(SSL *ssl, void *argument)
{
	(void)argument;
	tls_session_of(ssl)->asked_certificate = true;
	return 1;
}

int tls_certificate_setup(struct qv_tls *tls, const struct qv_options *options, struct qv_error *err)
{
	if (tls->common.settings.policy == QV_TLS_QKD_REQUIRE) {
		/* Without a certificate loaded, a server cannot answer other than with the PSK. */
		SSL_CTX_set_cert_verify_callback(tls->context, refuse_certificate, NULL);
		return 0;
	}
	SSL_CTX_set_cert_cb(tls->context, certificate_asked, NULL);
	if (tls->common.has_certificate && load_certificate(tls, options, err) != 0)
		return -1;
	return load_authorities(tls, options, err);
}

int tls_certificate_expect(struct qv_tls_session *session, const char *host, struct qv_error *err)
{
	SSL *ssl = session->ssl;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	const char *name = qv_tls_peer_name(&session->tls->common, host);
	if (!name)
		return 0;
	bool address = qv_tls_is_address(name);
	bool done = address || SSL_set_tlsext_host_name(ssl, name) == 1;
	if (done && session->tls->common.settings.policy != QV_TLS_QKD_REQUIRE) {
		X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
		X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		done = (address ? X509_VERIFY_PARAM_set1_ip_asc(param, name)
				: X509_VERIFY_PARAM_set1_host(param, name, 0)) == 1;
	}
	if (!done)
		return qv_fail(err, QV_E_INVALID, "\"%s\" is no host name or address to verify: %s", name,
			       tls_library_error());
	return 0;
}
