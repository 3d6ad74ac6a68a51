/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to keys: one call each time, from any thread, after it has happened in the store and before anybody is
 * answered. Whoever wants to know (log, audit, counters) hangs on here. Keys are never part of it, their IDs are.
 */
#ifndef KME_EVENT_H
#define KME_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "uuid.h"

struct kme;

enum event_kind {
	EVENT_ACTIVATED,        /* ready for the slave; at the KMEs of the master and of the slave */
	EVENT_DELIVERED_MASTER, /* enc_keys */
	EVENT_DELIVERED_SLAVE,  /* dec_keys */
	EVENT_EXPIRED,          /* the slave had not fetched it in time */
	EVENT_REFUSED,          /* a request of an SAE or of another KME was not met */
	EVENT_UNDONE            /* taken back before anybody got it */
};

struct event {
	enum event_kind kind;
	const char *master, *slave; /* SAE IDs as far as known, else NULL */
	const char *peer;           /* ID of the other KME that takes part, NULL: none */
	const char *reason;         /* of what was refused or undone, in words, else NULL */
	const char *api;            /* of what was refused to an SAE: "enc_keys", "dec_keys" */
	unsigned status;            /* HTTP status of what was refused, else 0 */
	const char (*key_ids)[UUID_TEXT];
	size_t count; /* of key_ids; may be 0 for what was refused */
};

/* -1: the event could not be recorded, and the configuration forbids to hand out keys then. */
int event_report(struct kme *kme, const struct event *event);

/* Whether keys may be handed out now; asked before any are used up for a request. */
bool event_ready(struct kme *kme);

const char *event_name(enum event_kind kind);

#endif
