/* SPDX-License-Identifier: Apache-2.0 */
/* What in a certificate tells who its owner is. */
#ifndef KME_IDENTITY_H
#define KME_IDENTITY_H

#include <gnutls/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

#define SERIAL_MAX 20 /* bytes, RFC 5280 section 4.1.2.2 */

enum identity_kind {
	IDENTITY_NONE,
	IDENTITY_SERIAL,      /* the certificate's serial number */
	IDENTITY_COMMON_NAME, /* CN of the subject */
	IDENTITY_URI,         /* a uniformResourceIdentifier of subjectAltName */
	IDENTITY_HOST         /* a dNSName or iPAddress of subjectAltName, as for servers (RFC 6125) */
};

struct identity {
	enum identity_kind kind;
	const char *text; /* borrowed; not for a serial */
	uint8_t serial[SERIAL_MAX];
	size_t serial_size;
};

/* A serial number from decimal digits, or hexadecimal ones after "0x" (colons between bytes allowed). */
int identity_serial(const char *text, struct identity *identity, struct qv_error *err);

bool identity_matches(const struct identity *identity, gnutls_x509_crt_t certificate);

/* Whether two could be the same certificate's. */
bool identity_equal(const struct identity *a, const struct identity *b);

#endif
