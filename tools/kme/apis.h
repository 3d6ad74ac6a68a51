/* SPDX-License-Identifier: Apache-2.0 */
/* What the two listeners answer. */
#ifndef KME_APIS_H
#define KME_APIS_H

#include "body.h"
#include "event.h"
#include "kme.h"

/* For SAEs: ETSI GS QKD 014 V1.1.1. */
void sae_api_handle(void *kme, const struct request *request, struct reply *reply);
/* Whether it will be answered without waiting for a disk, a database or another KME. */
bool sae_api_is_quick(struct kme *kme, const struct request *request);
/* For other KMEs: doc/PROTOCOL.md. */
void kme_api_handle(void *kme, const struct request *request, struct reply *reply);
void kme_api_activate(struct peer *peer, const struct request *request, struct reply *reply);
void kme_api_relay_open(struct peer *peer, const struct request *request, struct reply *reply);
void kme_api_relay_share(struct peer *peer, const struct request *request, struct reply *reply);
void kme_api_relay_news(struct peer *peer, const struct request *request, struct reply *reply);
void kme_api_relay_trouble(struct peer *peer, const struct request *request, struct reply *reply);
void kme_api_relay_confirm(struct peer *peer, const struct request *request, struct reply *reply);
void kme_api_relay_commit(struct peer *peer, const struct request *request, struct reply *reply);
void kme_api_relay_close(struct peer *peer, const struct request *request, struct reply *reply);
void kme_api_lacking(struct peer *peer, const struct request *request, struct reply *reply);
void kme_api_undo(struct peer *peer, const struct request *request, struct reply *reply);

/* Whether a peer may give these keys to these SAEs: in the name of its own ones, and only to ours. If not, fills `reply`. */
bool activation_allowed(const struct peer *peer, const struct activation *activation, struct reply *reply);
/* Reports an event with the keys, for each slave. `reply` may be NULL. */
void activation_report(const struct peer *peer, const struct activation *activation, enum event_kind kind,
		       const struct reply *reply);

/* An authenticated call of the SAE API. */
struct sae_call {
	struct kme *kme;
	const struct sae *caller;
	const struct request *request;
	const struct uri *uri;
	const char *other; /* SAE ID in the URL */
};

void status_handle(const struct sae_call *call, struct reply *reply);
void enc_keys_handle(const struct sae_call *call, struct reply *reply);
void dec_keys_handle(const struct sae_call *call, struct reply *reply);

/*
 * A key container (clause 6.3) of `count` keys that lie `stride` bytes apart; bytes[i] of each are delivered.
 * `route`: how the keys came, for key_container_extension; ROUTE_NONE: not told.
 */
void reply_keys(struct reply *reply, const char (*ids)[UUID_TEXT], const struct qv_secret *keys, size_t count,
		size_t stride, const uint32_t *bytes, enum route_choice route);

/* 400 for what the caller sent wrong, 503 for the rest. */
void reply_failure(struct reply *reply, const struct qv_error *err);

/* Reports that a request for keys was answered with an error; nothing when it was not. `ids` may be NULL. */
void report_refused(const struct sae_call *call, const char *master, const char *slave, const struct key_ids *ids,
		    const struct reply *reply);

/* Takes tokens of a limit; false: there are not enough, and the reply is a 503 that says when there will be. */
bool sae_within(struct bucket *bucket, unsigned tokens, const char *limit, struct reply *reply);

/* 503: the audit log cannot be written, and the configuration wants no keys handed out then. */
void reply_unrecorded(struct reply *reply);

/* How many keys of that size this KME could share now with SAEs of `peer` (NULL: its own SAEs). */
int stored_keys(struct kme *kme, const struct peer *peer, size_t bytes, int64_t *now, struct qv_error *err);

#endif
