/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to keys: one call each time, from any thread, after it has happened in the store and before anybody is
 * answered. Whoever wants to know (log, audit, counters) hangs on here. Keys are never part of it, their IDs are.
 */
#ifndef KME_EVENT_H
#define KME_EVENT_H

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
	unsigned status;            /* HTTP status of what was refused, else 0 */
	const char (*key_ids)[UUID_TEXT];
	size_t count; /* of key_ids; may be 0 for what was refused */
};

void event_report(struct kme *kme, const struct event *event);

const char *event_name(enum event_kind kind);

#endif
