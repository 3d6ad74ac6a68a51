/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "tls_crl.h"

struct tls {
	atomic_uint references;
	gnutls_certificate_credentials_t credentials;
	char *certificate, *ca;
	struct qv_secret *private_key;
	time_t crl_until;
	int crl_fd; /* -1: none */
	char crl_path[32];
};

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)text, (unsigned)strlen(text) };
}

/* The text of a file that an option names; NULL with an error at this option. */
static char *read_text(const struct qv_options *options, const char *name, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	char *text = file_text(qv_options_string(options, name), &why);
	if (!text)
		qv_options_fail(options, name, err, "%s", why.message);
	return text;
}

static int check_certificate(const struct tls *tls, const struct qv_options *options, struct qv_error *err)
{
	gnutls_x509_crt_t *list = NULL;
	unsigned count = 0;
	gnutls_datum_t text = datum(tls->certificate);
	int result = gnutls_x509_crt_list_import2(&list, &count, &text, GNUTLS_X509_FMT_PEM, 0);
	if (result < 0)
		return qv_options_fail(options, "certificate", err, "%s: holds no certificate in PEM: %s",
				       qv_options_string(options, "certificate"), gnutls_strerror(result));
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	return 0;
}

static int load_key(struct tls *tls, const struct qv_options *options, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	const char *path = qv_options_string(options, "private_key");
	tls->private_key = qv_secret_from_file(path, FILE_TEXT_MAX, &why);
	if (!tls->private_key)
		return qv_options_fail(options, "private_key", err, "%s", why.message);
	gnutls_datum_t certificate = datum(tls->certificate);
	gnutls_datum_t key = { (unsigned char *)(uintptr_t)qv_secret_bytes(tls->private_key),
			       (unsigned)qv_secret_size(tls->private_key) };
	int result = gnutls_certificate_set_x509_key_mem(tls->credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
	if (result == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return qv_options_fail(options, "private_key", err, "%s: is not the key of the certificate in %s", path,
				       qv_options_string(options, "certificate"));
	if (result < 0)
		return qv_options_fail(options, "private_key", err, "%s: holds no private key in PEM: %s", path,
				       gnutls_strerror(result));
	return 0;
}

static int load_ca(struct tls *tls, const struct qv_options *options, struct qv_error *err)
{
	gnutls_datum_t text = datum(tls->ca);
	int count = gnutls_certificate_set_x509_trust_mem(tls->credentials, &text, GNUTLS_X509_FMT_PEM);
	if (count > 0)
		return 0;
	return qv_options_fail(options, "ca", err, "%s: holds no CA certificate in PEM%s%s",
			       qv_options_string(options, "ca"), count < 0 ? ": " : "",
			       count < 0 ? gnutls_strerror(count) : "");
}

/* libcurl takes CRLs from files only. */
static int keep_crl(struct tls *tls, const char *text, struct qv_error *err)
{
	size_t size = strlen(text);
	tls->crl_fd = memfd_create("crl", MFD_CLOEXEC);
	if (tls->crl_fd < 0 || write(tls->crl_fd, text, size) != (ssize_t)size)
		return qv_fail_errno(err, QV_E_IO, errno, "a file in memory for CRLs");
	snprintf(tls->crl_path, sizeof tls->crl_path, "/proc/self/fd/%d", tls->crl_fd);
	return 0;
}

static int load_crl(struct tls *tls, const struct qv_options *options, struct qv_error *err)
{
	if (!qv_options_string(options, "crl"))
		return 0;
	char *text = read_text(options, "crl", err);
	int result = text ? tls_crl_load(tls->credentials, text, tls->ca, options, &tls->crl_until, err) : -1;
	if (result == 0)
		result = keep_crl(tls, text, err);
	free(text);
	return result;
}

static int load(struct tls *tls, const struct qv_options *options, struct qv_error *err)
{
	if (gnutls_certificate_allocate_credentials(&tls->credentials) < 0)
		return qv_fail(err, QV_E_NOMEM, "no memory for certificates");
	tls->certificate = read_text(options, "certificate", err);
	if (!tls->certificate || check_certificate(tls, options, err) != 0 || load_key(tls, options, err) != 0)
		return -1;
	tls->ca = read_text(options, "ca", err);
	if (!tls->ca || load_ca(tls, options, err) != 0)
		return -1;
	return load_crl(tls, options, err);
}

struct tls *tls_load(const struct qv_options *options, struct qv_error *err)
{
	struct tls *tls = calloc(1, sizeof *tls);
	if (!tls) {
		qv_fail(err, QV_E_NOMEM, "no memory for certificates");
		return NULL;
	}
	atomic_init(&tls->references, 1);
	tls->crl_fd = -1;
	if (load(tls, options, err) == 0)
		return tls;
	tls_release(tls);
	return NULL;
}

struct tls *tls_hold(struct tls *tls)
{
	atomic_fetch_add(&tls->references, 1);
	return tls;
}

void tls_release(struct tls *tls)
{
	if (!tls || atomic_fetch_sub(&tls->references, 1) != 1)
		return;
	if (tls->credentials)
		gnutls_certificate_free_credentials(tls->credentials);
	if (tls->crl_fd >= 0)
		close(tls->crl_fd);
	free(tls->certificate);
	free(tls->ca);
	qv_secret_free(tls->private_key);
	free(tls);
}

gnutls_certificate_credentials_t tls_credentials(const struct tls *tls)
{
	return tls->credentials;
}

bool tls_admits(const struct tls *tls, gnutls_x509_crt_t *chain, unsigned count)
{
	gnutls_typed_vdata_st purpose = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
					  .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
	gnutls_x509_trust_list_t trusted;
	unsigned status = 0;
	gnutls_certificate_get_trust_list(tls->credentials, &trusted);
	int result = gnutls_x509_trust_list_verify_crt2(trusted, chain, count, &purpose, 1, 0, &status, NULL);
	return result == 0 && status == 0;
}

time_t tls_crl_until(const struct tls *tls)
{
	return tls->crl_until;
}

const char *tls_certificate(const struct tls *tls)
{
	return tls->certificate;
}

const char *tls_ca(const struct tls *tls)
{
	return tls->ca;
}

const struct qv_secret *tls_private_key(const struct tls *tls)
{
	return tls->private_key;
}

const char *tls_crl_path(const struct tls *tls)
{
	return tls->crl_fd >= 0 ? tls->crl_path : NULL;
}
