/* SPDX-License-Identifier: Apache-2.0 */
/* Serial numbers of certificates (RFC 5280 section 4.1.2.2): positive, at most 20 bytes. */
#ifndef PKI_SERIAL_H
#define PKI_SERIAL_H

#include <openssl/asn1.h>
#include <stdbool.h>

#include <qvisio/error.h>

/* "0x" and hexadecimal digits. The caller frees it with OPENSSL_free. NULL: no memory. */
char *serial_text(const ASN1_INTEGER *serial);

/* Decimal, or hexadecimal after 0x. */
int serial_check(const char *text, struct qv_error *err);
bool serial_equal(const char *a, const char *b);

/* Of `text`, or a random one when it is NULL. */
int serial_set(ASN1_INTEGER *serial, const char *text, struct qv_error *err);

#endif
