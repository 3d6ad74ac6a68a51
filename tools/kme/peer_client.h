/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to another KME over mutually authenticated HTTPS. Safe on any thread; connections are kept and reused. */
#ifndef KME_PEER_CLIENT_H
#define KME_PEER_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

#include "tls.h"

struct peer_client;

struct peer_client_config {
	const char *address;          /* host:port */
	const char *certificate_name; /* the host name or IP address that its certificate must be for */
	struct tls *tls;
	long timeout_ms;
};

enum peer_outcome {
	PEER_ANSWERED, /* `status` and `body` are the peer's */
	PEER_NOT_SENT, /* it never saw the request */
	PEER_UNKNOWN   /* it may have done it, or may still do it */
};

struct peer_answer {
	long status;
	char *body; /* owned, zero-ended; NULL when empty */
	size_t size;
	unsigned sent; /* how often the request went out: what came of any but the last is not known */
};

struct peer_client *peer_client_new(const struct peer_client_config *config, struct qv_error *err);
void peer_client_free(struct peer_client *client);

/* POSTs JSON text to a path. A request may be sent twice, so it must be idempotent. `err` says why it has no answer. */
enum peer_outcome peer_client_post(struct peer_client *client, const char *path, const char *json,
				   struct peer_answer *answer, struct qv_error *err);
/* The same with bytes that are no JSON. */
enum peer_outcome peer_client_post_bytes(struct peer_client *client, const char *path, const uint8_t *bytes,
					 size_t size, struct peer_answer *answer, struct qv_error *err);
void peer_answer_clear(struct peer_answer *answer);

#endif
