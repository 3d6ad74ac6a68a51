/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network that a configuration describes, and what its relay module plans in it. Counted: sessions that have begun go
 * on by the network that they began with. Safe on any thread.
 */
#ifndef KME_RELAY_NETWORK_H
#define KME_RELAY_NETWORK_H

#include <stdatomic.h>

#include <qvisio/loader.h>
#include <qvisio/relay.h>

#include "../kme.h"

struct network_limits {
	size_t sessions;   /* at a time, of all that others begin here */
	size_t memory;     /* bytes that these may hold */
	size_t queue;      /* messages that wait for a neighbour */
	int64_t hop_wait;  /* ns that a KME waits for each hop between it and the origin */
	int64_t time;      /* ns that the master's request may take */
	unsigned attempts; /* sessions for one request at most */
};

struct network;

/* Takes `role` over. `top` are the options of the group relay, borrowed for messages. QV_E_CONFIG. */
struct network *network_new(const struct kme *kme, const struct qv_options *top, struct qv_role *role,
			    struct qv_error *err);
struct network *network_hold(struct network *network);
void network_release(struct network *network); /* NULL is fine */

const struct network_limits *network_limits(const struct network *network);
const struct qv_topology *network_topology(const struct network *network);
const struct qv_relay_class *network_module(const struct network *network);
uint32_t network_self(const struct network *network); /* this KME */

/* What all KMEs do for keys from one to another. Counted; keeps its network. */
struct plan {
	atomic_uint references;
	struct network *network;
	const struct qv_relay_class *class;
	uint32_t from, to, self;
	struct qv_relay_plan *made;
	const struct qv_relay_facts *facts;
	int64_t wait;   /* ns that this KME waits for messages, from the first one on */
	uint64_t *load; /* messages that this KME sends over each link of the topology when all goes well */
	uint64_t used;  /* for the cache */
};

/* From the cache, or made. The errors of qv_relay_class.plan; QV_E_NOT_FOUND also when an ID is none of the network. */
struct plan *network_plan(struct network *network, const char *from, const char *to, struct qv_error *err);
void plan_release(struct plan *plan); /* NULL is fine */

/* KME IDs of numbers, joined by " - "; freed by the caller; NULL without memory. */
char *network_names(const struct network *network, const uint32_t *kmes, size_t count);

#endif
