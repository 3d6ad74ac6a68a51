/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_crl.h"

#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct lists {
	gnutls_x509_crl_t *crls;
	unsigned crl_count;
	gnutls_x509_crt_t *cas;
	unsigned ca_count;
};

static void clear(struct lists *lists)
{
	for (unsigned i = 0; i < lists->crl_count; i++)
		gnutls_x509_crl_deinit(lists->crls[i]);
	for (unsigned i = 0; i < lists->ca_count; i++)
		gnutls_x509_crt_deinit(lists->cas[i]);
	gnutls_free(lists->crls);
	gnutls_free(lists->cas);
}

static void issuer_name(gnutls_x509_crl_t crl, char name[256])
{
	size_t size = 256;
	if (gnutls_x509_crl_get_issuer_dn(crl, name, &size) != 0)
		memcpy(name, "?", 2);
}

static bool is_signed_by(gnutls_x509_crl_t crl, gnutls_x509_crt_t ca)
{
	unsigned status = 0;
	gnutls_x509_crt_t issuer = ca;
	/* Whether it has expired is another question. */
	return gnutls_x509_crl_check_issuer(crl, ca) != 0 && gnutls_x509_crl_verify(crl, &issuer, 1, 0, &status) == 0 &&
	       (status & ~(unsigned)(GNUTLS_CERT_INVALID | GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED)) == 0;
}

static int check_crl(const struct lists *lists, gnutls_x509_crl_t crl, const struct qv_options *options, time_t *until,
		     struct qv_error *err)
{
	const char *path = qv_options_string(options, "crl");
	char name[256], when[32];
	bool known = false;
	issuer_name(crl, name);
	for (unsigned i = 0; i < lists->ca_count && !known; i++)
		known = is_signed_by(crl, lists->cas[i]);
	if (!known)
		return qv_options_fail(options, "crl", err, "%s: the CRL of \"%s\" was not signed by a CA in %s", path,
				       name, qv_options_string(options, "ca"));
	time_t next = gnutls_x509_crl_get_next_update(crl);
	if (next == (time_t)-1)
		return 0;
	struct tm parts;
	gmtime_r(&next, &parts);
	strftime(when, sizeof when, "%Y-%m-%d %H:%M:%SZ", &parts);
	if (next < time(NULL))
		return qv_options_fail(options, "crl", err,
				       "%s: the CRL of \"%s\" expired at %s: it could hide a revocation; get the new "
				       "one from the CA",
				       path, name, when);
	if (*until == 0 || next < *until)
		*until = next;
	return 0;
}

static int check_ca(const struct lists *lists, gnutls_x509_crt_t ca, const struct qv_options *options,
		    struct qv_error *err)
{
	char name[256] = "?";
	size_t size = sizeof name;
	for (unsigned i = 0; i < lists->crl_count; i++)
		if (is_signed_by(lists->crls[i], ca))
			return 0;
	gnutls_x509_crt_get_dn(ca, name, &size);
	return qv_options_fail(options, "crl", err, "%s: there is no CRL of the CA \"%s\" in %s",
			       qv_options_string(options, "crl"), name, qv_options_string(options, "ca"));
}

static int check(const struct lists *lists, const struct qv_options *options, time_t *until, struct qv_error *err)
{
	for (unsigned i = 0; i < lists->crl_count; i++)
		if (check_crl(lists, lists->crls[i], options, until, err) != 0)
			return -1;
	for (unsigned i = 0; i < lists->ca_count; i++)
		if (check_ca(lists, lists->cas[i], options, err) != 0)
			return -1;
	return 0;
}

int tls_crl_load(gnutls_certificate_credentials_t credentials, const char *crls, const char *cas,
		 const struct qv_options *options, time_t *until, struct qv_error *err)
{
	struct lists lists = { NULL, 0, NULL, 0 };
	gnutls_datum_t crl_text = { (unsigned char *)(uintptr_t)crls, (unsigned)strlen(crls) };
	gnutls_datum_t ca_text = { (unsigned char *)(uintptr_t)cas, (unsigned)strlen(cas) };
	int result = gnutls_x509_crt_list_import2(&lists.cas, &lists.ca_count, &ca_text, GNUTLS_X509_FMT_PEM, 0);
	if (result >= 0)
		result = gnutls_x509_crl_list_import2(&lists.crls, &lists.crl_count, &crl_text, GNUTLS_X509_FMT_PEM, 0);
	*until = 0;
	if (result < 0)
		result = qv_options_fail(options, "crl", err, "%s: holds no CRL in PEM: %s",
					 qv_options_string(options, "crl"), gnutls_strerror(result));
	else
		result = check(&lists, options, until, err);
	if (result == 0 && gnutls_certificate_set_x509_crl(credentials, lists.crls, (int)lists.crl_count) < 0)
		result = qv_fail(err, QV_E_NOMEM, "no memory for CRLs");
	clear(&lists);
	return result;
}
