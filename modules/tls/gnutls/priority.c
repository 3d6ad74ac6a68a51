/* SPDX-License-Identifier: Apache-2.0 */
/* Priority strings, made once for all sessions of a context. */
#include "backend.h"

#include <stdio.h>

/* GnuTLS wants some even for PSKs. */
#define SIGNATURES ":+SIGN-ALL:-SIGN-RSA-SHA1:-SIGN-DSA-SHA1:-SIGN-ECDSA-SHA1"
#define VERSION    "NONE:+VERS-TLS1.3:+COMP-NULL:+AEAD:+CTYPE-X509" SIGNATURES
#define GROUPS     ":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-X448:+GROUP-SECP521R1:+GROUP-SECP384R1"
/* External PSKs of GnuTLS 3.7 are for SHA-256: other suites must not be there, or the PSK is dropped. */
#define PSK_CIPHERS     ":+CHACHA20-POLY1305:+AES-128-GCM"
#define CLASSIC_CIPHERS ":+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM"
#define CERTIFICATE_KX  ":+ECDHE-RSA:+ECDHE-ECDSA"

static int make(gnutls_priority_t *made, const char *where, const char *text, struct qv_error *err)
{
	const char *at = NULL;
	int code = gnutls_priority_init(made, text, &at);
	if (code >= 0)
		return 0;
	return qv_fail(err, QV_E_INTERNAL, "%s: GnuTLS cannot be set up for TLS 1.3: %s at \"%s\"", where,
		       gnutls_strerror(code), at ? at : "");
}

int tls_priorities_setup(struct qv_tls *tls, struct qv_error *err)
{
	/* In TLS 1.3, DHE-PSK stands for psk_dhe_ke and PSK for psk_ke. */
	const char *psk_kx = tls->common.settings.kex == QV_TLS_PSK_KE ? ":+PSK" : ":+ECDHE-PSK:+DHE-PSK";
	const char *where = tls->common.where;
	char with_psk[512], with_both[512];
	snprintf(with_psk, sizeof with_psk, VERSION GROUPS PSK_CIPHERS "%s:%%SERVER_PRECEDENCE", psk_kx);
	snprintf(with_both, sizeof with_both, VERSION GROUPS PSK_CIPHERS "%s" CERTIFICATE_KX ":%%SERVER_PRECEDENCE",
		 psk_kx);
	if (make(&tls->with_psk, where, with_psk, err) != 0 || make(&tls->with_both, where, with_both, err) != 0)
		return -1;
	return make(&tls->classic, where, VERSION GROUPS CLASSIC_CIPHERS CERTIFICATE_KX ":%SERVER_PRECEDENCE", err);
}

void tls_priorities_free(struct qv_tls *tls)
{
	gnutls_priority_deinit(tls->with_psk);
	gnutls_priority_deinit(tls->with_both);
	gnutls_priority_deinit(tls->classic);
}
