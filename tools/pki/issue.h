/* SPDX-License-Identifier: Apache-2.0 */
/* From certificates to files. */
#ifndef PKI_ISSUE_H
#define PKI_ISSUE_H

#include "authority.h"
#include "files.h"

/* Files of the CA: .pem, .key, .crl */
int put_authority(struct files *files, const char *stem, const struct authority *authority, struct qv_error *err);
int put_certificate(struct files *files, const char *stem, X509 *certificate, struct qv_error *err);
int put_key(struct files *files, const char *stem, EVP_PKEY *key, struct qv_error *err);
int put_crl(struct files *files, const char *stem, X509_CRL *crl, struct qv_error *err);

/* The PKCS#12 file of an SAE: key, certificate and CA under its password. */
int put_pfx(struct files *files, const struct member *member, EVP_PKEY *key, X509 *certificate, X509 *ca,
	    const struct qv_secret *password, struct qv_error *err);

/* A new password, and the file with it. */
struct qv_secret *put_password(struct files *files, const char *stem, struct qv_error *err);

/* The first line of what was read; frees `text`. */
struct qv_secret *first_line(struct qv_secret *text, const char *name, struct qv_error *err);

#endif
