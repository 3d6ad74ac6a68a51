/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate, private key, CA and CRL of an API as they were at one moment. Read whole, so that files that change
 * later change nothing before the next reload. Counted, safe on any thread.
 *
 * With a CRL, each CA needs one, and an expired one admits nobody: it could hide a revocation.
 */
#ifndef KME_TLS_H
#define KME_TLS_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <time.h>

#include <qvisio/option.h>
#include <qvisio/secret.h>

struct tls;

/* From the options certificate, private_key, ca and crl of a group. QV_E_CONFIG names the one that is wrong. */
struct tls *tls_load(const struct qv_options *options, struct qv_error *err);
struct tls *tls_hold(struct tls *tls);
void tls_release(struct tls *tls); /* NULL is fine */

gnutls_certificate_credentials_t tls_credentials(const struct tls *tls);

/* Whether a client with this chain, its own certificate first, would be admitted now. */
bool tls_admits(const struct tls *tls, gnutls_x509_crt_t *chain, unsigned count);

/* When the first CRL expires; 0: never. */
time_t tls_crl_until(const struct tls *tls);

/* For a TLS library that wants the PEM texts themselves. */
const char *tls_certificate(const struct tls *tls);
const char *tls_ca(const struct tls *tls);
const struct qv_secret *tls_private_key(const struct tls *tls);
const char *tls_crl_path(const struct tls *tls); /* of a file in memory; NULL without a CRL */

#endif
