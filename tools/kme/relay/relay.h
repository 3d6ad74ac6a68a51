/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relayed keys in the KME. Workers of the inter-KME API take what comes in and never wait for another KME: what goes out
 * lies in an outbox for each KME, with a thread that sends it, and one more thread tells sessions that waiting is over.
 */
#ifndef KME_RELAY_RELAY_H
#define KME_RELAY_RELAY_H

#include <stdatomic.h>

#include "../kme.h"

struct outboxes;
struct sessions;
struct taken_messages;

/* Since the start; for metrics. */
struct relay_counts {
	atomic_uint_fast64_t sent, received;   /* shares */
	atomic_uint_fast64_t refused;          /* shares that came and were not taken */
	atomic_uint_fast64_t lost;             /* shares that did not get to the neighbour */
	atomic_uint_fast64_t link_keys;        /* spent on shares that were sent */
	atomic_uint_fast64_t altered;          /* shares that the destination found to be wrong */
	atomic_uint_fast64_t begun, delivered; /* sessions of which this KME is the origin */
	atomic_uint_fast64_t mismatches;       /* sessions whose ends had different keys for a time */
	atomic_uint_fast64_t turned_away;      /* sessions of others for which there was no room */
};

struct relay {
	struct site *site;
	const struct qv_log *log;
	struct sessions *sessions;
	struct outboxes *outboxes;
	struct taken_messages *taken;
	struct relay_counts counts;
};

/* Starts its threads, which work by the current configuration of the site. */
struct relay *relay_start(struct kme *kme, struct qv_error *err);
void relay_stop(struct relay *relay); /* NULL is fine */

/* How many keys of this size this KME could send to another one with the link keys that it has now. */
int relay_stock(struct kme *kme, const struct peer *peer, size_t bytes, int64_t *now, struct qv_error *err);

#endif
