/* SPDX-License-Identifier: Apache-2.0 */
#include "pem.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static X509 *read_pkcs12(BIO *file, const struct party *party)
{
	EVP_PKEY *key = NULL;
	X509 *certificate = NULL;
	PKCS12 *bag = d2i_PKCS12_bio(file, NULL);
	if (bag)
		PKCS12_parse(bag, (const char *)qv_secret_bytes(party->password), &key, &certificate, NULL);
	EVP_PKEY_free(key);
	PKCS12_free(bag);
	return certificate;
}

static X509 *read_certificate(const struct party *party)
{
	BIO *file = BIO_new_file(party->certificate, "rb");
	if (!file)
		return NULL;
	X509 *certificate = PEM_read_bio_X509(file, NULL, NULL, NULL);
	if (!certificate && BIO_reset(file) == 0)
		certificate = read_pkcs12(file, party);
	BIO_free(file);
	return certificate;
}

static bool copy_names(const X509 *from, X509 *to)
{
	int at = X509_get_ext_by_NID(from, NID_subject_alt_name, -1);
	return at < 0 || X509_add_ext(to, X509_get_ext(from, at), -1) == 1;
}

static X509 *imitate(const X509 *original, EVP_PKEY *key)
{
	X509 *copy = X509_new();
	if (copy && X509_set_version(copy, X509_VERSION_3) == 1 &&
	    X509_set_serialNumber(copy, (ASN1_INTEGER *)(uintptr_t)X509_get0_serialNumber(original)) == 1 &&
	    X509_set_subject_name(copy, X509_get_subject_name(original)) == 1 &&
	    X509_set_issuer_name(copy, X509_get_subject_name(original)) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(copy), -3600) && X509_gmtime_adj(X509_getm_notAfter(copy), 86400) &&
	    X509_set_pubkey(copy, key) == 1 && copy_names(original, copy) && X509_sign(copy, key, EVP_sha256()) > 0)
		return copy;
	X509_free(copy);
	return NULL;
}

/* What was written to a memory BIO, as text. */
static char *text_of(BIO *memory)
{
	char *bytes;
	long size = BIO_get_mem_data(memory, &bytes);
	return size > 0 ? strndup(bytes, (size_t)size) : NULL;
}

int pem_impostor(const struct party *party, struct pem *pem, struct qv_error *err)
{
	X509 *original = read_certificate(party);
	EVP_PKEY *key = original ? EVP_EC_gen("P-256") : NULL;
	X509 *copy = key ? imitate(original, key) : NULL;
	BIO *out = BIO_new(BIO_s_mem()), *key_out = BIO_new(BIO_s_mem());
	*pem = (struct pem){ NULL, NULL };
	if (copy && out && key_out && PEM_write_bio_X509(out, copy) == 1 &&
	    PEM_write_bio_PrivateKey(key_out, key, NULL, NULL, 0, NULL, NULL) == 1)
		*pem = (struct pem){ text_of(out), text_of(key_out) };
	BIO_free(out);
	BIO_free(key_out);
	X509_free(copy);
	X509_free(original);
	EVP_PKEY_free(key);
	if (pem->certificate && pem->key)
		return 0;
	pem_clear(pem);
	return qv_fail(err, QV_E_CONFIG, "%s: no certificate can be read from it%s", party->certificate,
		       party->password ? "; the password may be wrong" : "");
}

void pem_clear(struct pem *pem)
{
	free(pem->certificate);
	free(pem->key);
	*pem = (struct pem){ NULL, NULL };
}
