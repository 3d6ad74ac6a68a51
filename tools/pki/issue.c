/* SPDX-License-Identifier: Apache-2.0 */
#include "issue.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>

#define PFX_ROUNDS     50000 /* of PBKDF2: a password of a person's own may be weak */
#define PFX_SALT       16
#define PASSWORD_BYTES 24
#define PUBLIC         0644
#define PRIVATE        0600

int put_certificate(struct files *files, const char *stem, X509 *certificate, struct qv_error *err)
{
	BIO *out = files_add(files, stem, "pem", PUBLIC);
	return out && PEM_write_bio_X509(out, certificate) == 1 ? 0 : fail_openssl(err, stem);
}

int put_key(struct files *files, const char *stem, EVP_PKEY *key, struct qv_error *err)
{
	BIO *out = files_add(files, stem, "key", PRIVATE);
	return out && PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1 ? 0
											      : fail_openssl(err, stem);
}

int put_crl(struct files *files, const char *stem, X509_CRL *crl, struct qv_error *err)
{
	BIO *out = files_add(files, stem, "crl", PUBLIC);
	return out && PEM_write_bio_X509_CRL(out, crl) == 1 ? 0 : fail_openssl(err, stem);
}

int put_authority(struct files *files, const char *stem, const struct authority *authority, struct qv_error *err)
{
	return put_certificate(files, stem, authority->certificate, err) != 0 ||
			       put_key(files, stem, authority->key, err) != 0 ||
			       put_crl(files, stem, authority->crl, err) != 0
		       ? -1
		       : 0;
}

int put_pfx(struct files *files, const struct member *member, EVP_PKEY *key, X509 *certificate, X509 *ca,
	    const struct qv_secret *password, struct qv_error *err)
{
	const char *text = (const char *)qv_secret_bytes(password);
	BIO *out = files_add(files, member->stem, "pfx", PRIVATE);
	STACK_OF(X509) *chain = sk_X509_new_null();
	PKCS12 *pfx = NULL;
	if (out && chain && sk_X509_push(chain, ca) > 0)
		pfx = PKCS12_create_ex(text, member->id, key, certificate, chain, NID_aes_256_cbc, NID_aes_256_cbc,
				       PFX_ROUNDS, -1, 0, NULL, NULL);
	bool fine = pfx && PKCS12_set_mac(pfx, text, -1, NULL, PFX_SALT, PFX_ROUNDS, EVP_sha256()) == 1 &&
		    i2d_PKCS12_bio(out, pfx) == 1;
	PKCS12_free(pfx);
	sk_X509_free(chain);
	return fine ? 0 : fail_openssl(err, member->id);
}

struct qv_secret *put_password(struct files *files, const char *stem, struct qv_error *err)
{
	struct qv_secret *random = qv_secret_random(PASSWORD_BYTES, err);
	struct qv_secret *text = random ? qv_secret_to_base64(random, err) : NULL;
	qv_secret_free(random);
	if (!text)
		return NULL;
	BIO *out = files_add(files, stem, "password", PRIVATE);
	if (out && BIO_write(out, qv_secret_bytes(text), (int)qv_secret_size(text)) > 0 && BIO_puts(out, "\n") == 1)
		return text;
	qv_secret_free(text);
	qv_fail(err, QV_E_NOMEM, "no memory for a password");
	return NULL;
}

struct qv_secret *first_line(struct qv_secret *text, const char *name, struct qv_error *err)
{
	size_t size = strcspn((const char *)qv_secret_bytes(text), "\r\n");
	struct qv_secret *line = NULL;
	if (size == 0)
		qv_fail(err, QV_E_INVALID, "%s: its first line is empty", name);
	else
		line = qv_secret_copy(qv_secret_bytes(text), size, err);
	qv_secret_free(text);
	return line;
}
