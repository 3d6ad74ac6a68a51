/* SPDX-License-Identifier: Apache-2.0 */
/* An answer to an HTTP request: a status and JSON, or no body. */
#ifndef KME_REPLY_H
#define KME_REPLY_H

#include <jansson.h>

#include <qvisio/secret.h>

struct reply {
	unsigned status;
	struct qv_secret *body; /* JSON text; NULL: none. Owned. */
	const char *allow;      /* methods, for 405; static */
	unsigned retry_after;   /* s, for 503; 0: not said */
	const char *cause;      /* of an error, for counters: "no_keys"; static; NULL: the status says enough */
	char why[128];          /* of an error, for events: its message, cut */
};

void reply_clear(struct reply *reply);

/* Takes over `json` (may be NULL: out of memory, which becomes a 503). */
void reply_json(struct reply *reply, unsigned status, json_t *json);

/* An Error body (ETSI GS QKD 014 clause 6.5). `details` is an array, or NULL; taken over. */
void reply_error(struct reply *reply, unsigned status, const char *message, json_t *details);

/* The same with one detail { name: value }. */
void reply_detail(struct reply *reply, unsigned status, const char *message, const char *name, const char *value);

/* A 503 that is counted under `cause`. */
void reply_unavailable(struct reply *reply, const char *cause, const char *message);

/* No body: 401 as clause 5 asks. */
void reply_empty(struct reply *reply, unsigned status);

void reply_not_found(struct reply *reply);
void reply_method(struct reply *reply, const char *allow);

#endif
