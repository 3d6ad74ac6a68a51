/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate revocation lists (RFC 5280 section 5) of the CAs of an API. */
#ifndef KME_TLS_CRL_H
#define KME_TLS_CRL_H

#include <gnutls/gnutls.h>
#include <time.h>

#include <qvisio/option.h>

/*
 * Adds the CRLs in `crls` (PEM) to credentials that trust the CAs in `cas` (PEM). Each CA has to have one, signed by it
 * and still good. `until`: when the first of them expires; 0: never. Errors name the option crl.
 */
int tls_crl_load(gnutls_certificate_credentials_t credentials, const char *crls, const char *cas,
		 const struct qv_options *options, time_t *until, struct qv_error *err);

#endif
