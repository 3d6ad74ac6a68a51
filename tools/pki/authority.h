/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, certificates, CRLs and PKCS#12 (RFC 5280, RFC 7292), by OpenSSL. NULL or -1 with err when it fails. */
#ifndef PKI_AUTHORITY_H
#define PKI_AUTHORITY_H

#include <openssl/x509.h>

#include <qvisio/secret.h>

#include "network.h"

struct authority {
	EVP_PKEY *key;
	X509 *certificate;
	X509_CRL *crl;
};

/* QV_E_INTERNAL with what OpenSSL says; its queue of errors is empty then. */
int fail_openssl(struct qv_error *err, const char *what);

EVP_PKEY *key_make(enum key_type type, struct qv_error *err);

/* The certificate of a CA; `old`: one to renew, whose name it takes. */
X509 *authority_certificate(const struct network *network, const char *role, EVP_PKEY *key, const X509 *old,
			    struct qv_error *err);

/* The next CRL of a CA, with what the present one has, and one more if `revoked` is not NULL. */
X509_CRL *authority_crl(const struct network *network, const struct authority *authority, const X509 *revoked,
			struct qv_error *err);
bool authority_revoked(const struct authority *authority, const X509 *certificate);

X509 *member_certificate(const struct network *network, const struct member *member, const struct authority *authority,
			 EVP_PKEY *key, struct qv_error *err);

void authority_clear(struct authority *authority);

#endif
