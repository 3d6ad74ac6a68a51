/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"

#define SECRET_BYTES 65536

static BIO *open_file(int folder, const char *stem, const char *suffix, char name[FILE_NAME_MAX], struct qv_error *err)
{
	snprintf(name, FILE_NAME_MAX, "%s.%s", stem, suffix);
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	BIO *bio = file ? BIO_new_fp(file, BIO_CLOSE) : NULL;
	if (bio)
		return bio;
	qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", name);
	if (file)
		fclose(file);
	else if (fd >= 0)
		close(fd);
	return NULL;
}

/* A key that asks for a passphrase is refused; nobody is asked. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

X509 *read_certificate(int folder, const char *stem, struct qv_error *err)
{
	char name[FILE_NAME_MAX];
	BIO *bio = open_file(folder, stem, "pem", name, err);
	if (!bio)
		return NULL;
	X509 *certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	if (!certificate)
		qv_fail(err, QV_E_INVALID, "%s: has no certificate in PEM", name);
	BIO_free(bio);
	ERR_clear_error();
	return certificate;
}

X509_CRL *read_crl(int folder, const char *stem, struct qv_error *err)
{
	char name[FILE_NAME_MAX];
	BIO *bio = open_file(folder, stem, "crl", name, err);
	if (!bio)
		return NULL;
	X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL);
	if (!crl)
		qv_fail(err, QV_E_INVALID, "%s: has no CRL in PEM", name);
	BIO_free(bio);
	ERR_clear_error();
	return crl;
}

struct qv_secret *read_secret(const char *folder, const char *stem, const char *suffix, struct qv_error *err)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%s.%s", folder, stem, suffix) < 0) {
		qv_fail(err, QV_E_NOMEM, "no memory for a path");
		return NULL;
	}
	struct qv_secret *secret = qv_secret_from_file(path, SECRET_BYTES, err);
	free(path);
	return secret;
}

EVP_PKEY *read_key(const char *folder, const char *stem, struct qv_error *err)
{
	struct qv_secret *text = read_secret(folder, stem, "key", err);
	if (!text)
		return NULL;
	BIO *bio = BIO_new_mem_buf(qv_secret_bytes(text), (int)qv_secret_size(text));
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	if (!key)
		qv_fail(err, QV_E_INVALID, "%s.key: has no private key in PEM without a passphrase", stem);
	BIO_free(bio);
	qv_secret_free(text);
	ERR_clear_error();
	return key;
}
