/* SPDX-License-Identifier: Apache-2.0 */
/* What a server does with a client that offers only an old TLS version, or no TLS at all. */
#ifndef CONFORMANCE_HELLO_H
#define CONFORMANCE_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

#define TLS_1_0 0x0301
#define TLS_1_1 0x0302

enum hello_kind {
	HELLO_NOTHING, /* closed, or something that is no TLS */
	HELLO_ALERT,   /* `value`: the alert's description */
	HELLO_SERVER   /* `value`: the version that the server chose */
};

struct hello {
	enum hello_kind kind;
	unsigned value;
};

/* Reads the first record of a server's bytes, however cut off or broken. */
void hello_read(const uint8_t *bytes, size_t size, struct hello *hello);

/* Offers exactly `version` to the host of the URL; reads the reaction. -1: no connection. */
int hello_offer(const char *url, uint16_t version, long timeout_ms, struct hello *hello, struct qv_error *err);

/* Sends an HTTP request in the clear. *status: that of an HTTP answer, 0 for anything else. -1: no connection. */
int plain_request(const char *url, const char *path, long timeout_ms, unsigned *status, struct qv_error *err);

#endif
