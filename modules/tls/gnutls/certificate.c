/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: our own, and what the peer's must prove. */
#include "backend.h"

#include <gnutls/x509.h>

#include <string.h>

static int load_certificate(struct qv_tls *tls, const struct qv_options *options, struct qv_error *err)
{
	const char *path = tls->common.settings.certificate;
	gnutls_datum_t chain;
	int code = gnutls_load_file(path, &chain);
	if (code < 0)
		return qv_options_fail(options, "certificate", err, "%s: cannot be read: %s", path,
				       gnutls_strerror(code));
	struct qv_secret *text = qv_tls_private_key_read(&tls->common, options, err);
	if (!text) {
		gnutls_free(chain.data);
		return -1;
	}
	gnutls_datum_t key = { qv_secret_edit(text), (unsigned)qv_secret_size(text) };
	code = gnutls_certificate_set_x509_key_mem2(tls->certificates, &chain, &key, GNUTLS_X509_FMT_PEM, NULL, 0);
	qv_secret_free(text);
	gnutls_free(chain.data);
	if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return qv_options_fail(options, "private_key", err, "%s: does not belong to the certificate",
				       tls->common.settings.private_key);
	if (code == GNUTLS_E_DECRYPTION_FAILED)
		return qv_options_fail(options, "private_key", err, "%s: no private key in PEM without a passphrase",
				       tls->common.settings.private_key);
	if (code < 0)
		return qv_options_fail(options, "certificate", err,
				       "%s with %s: not a certificate and its key in PEM: %s", path,
				       tls->common.settings.private_key, gnutls_strerror(code));
	return 0;
}

static int load_authorities(struct qv_tls *tls, const struct qv_options *options, struct qv_error *err)
{
	const char *path = tls->common.settings.ca;
	int count = path ? gnutls_certificate_set_x509_trust_file(tls->certificates, path, GNUTLS_X509_FMT_PEM)
			 : gnutls_certificate_set_x509_system_trust(tls->certificates);
	if (path && count <= 0)
		return qv_options_fail(options, "ca", err, "%s: no certificates in PEM: %s", path,
				       count < 0 ? gnutls_strerror(count) : "it is empty");
	if (!path && count < 0)
		return qv_options_fail(options, "ca", err, "the system's certificate authorities cannot be read: %s",
				       gnutls_strerror(count));
	return 0;
}

int tls_certificate_setup(struct qv_tls *tls, const struct qv_options *options, struct qv_error *err)
{
	if (gnutls_certificate_allocate_credentials(&tls->certificates) < 0)
		return qv_fail(err, QV_E_NOMEM, "no memory for TLS");
	/* Under require no certificate is loaded, so that a server cannot answer other than with the PSK. */
	if (tls->common.settings.policy == QV_TLS_QKD_REQUIRE)
		return 0;
	if (tls->common.has_certificate && load_certificate(tls, options, err) != 0)
		return -1;
	return load_authorities(tls, options, err);
}

static uint8_t alert_for(unsigned status)
{
	if (status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED))
		return QV_TLS_ALERT_CERTIFICATE_EXPIRED;
	if (status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA))
		return QV_TLS_ALERT_UNKNOWN_CA;
	return QV_TLS_ALERT_BAD_CERTIFICATE;
}

static int refuse_status(struct qv_tls_session *session, unsigned status)
{
	gnutls_datum_t text = { NULL, 0 };
	const char *why = "it does not verify";
	if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) >= 0 && text.data)
		why = (const char *)text.data;
	qv_tls_fail_certificate(session->role, why, &session->refusal);
	gnutls_free(text.data);
	session->refusal_alert = alert_for(status);
	return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

int tls_verify(gnutls_session_t gnutls)
{
	struct qv_tls_session *session = gnutls_session_get_ptr(gnutls);
	bool client = session->role == QV_TLS_CLIENT;
	if (session->tls->common.settings.policy == QV_TLS_QKD_REQUIRE) {
		qv_tls_fail_no_psk(&session->refusal);
		session->refusal_alert = QV_TLS_ALERT_HANDSHAKE_FAILURE;
		return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
	}
	const char *purpose = client ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_typed_vdata_st data[2] = { { .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = NULL } };
	char oid[32];
	strncpy(oid, purpose, sizeof oid - 1);
	oid[sizeof oid - 1] = '\0';
	data[0].data = (unsigned char *)oid;
	unsigned count = 1, status = 0;
	if (client) {
		data[1].type = GNUTLS_DT_DNS_HOSTNAME;
		data[1].data = (unsigned char *)session->peer_name;
		count = 2;
	}
	int code = gnutls_certificate_verify_peers(gnutls, data, count, &status);
	if (code < 0)
		return code;
	if (status != 0)
		return refuse_status(session, status);
	session->verified = true;
	return 0;
}
