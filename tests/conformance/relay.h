/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network for relay modules to prove themselves in: nodes of one session, and messages that go from one to the next.
 */
#ifndef QV_CONFORMANCE_RELAY_H
#define QV_CONFORMANCE_RELAY_H

#include "conformance.h"

#include <qvisio/relay.h>

#define RELAY_KMES_MAX 32

extern const char relay_demonstration[]; /* eight KMEs, from 1 to 8: see relay-demo.conf */
extern const char relay_layers[];        /* 0; 1 to 3; 4 to 6; 7 to 9; 10: all linked with all of the next layer */

struct relay_net {
	struct check *check;
	const struct qv_relay_class *class;
	struct qv_relay *relay;
	struct qv_topology *topology;
	struct qv_relay_plan *plan;
	uint32_t from, to;
	struct qv_relay_session session;
	struct qv_relay_node *nodes[RELAY_KMES_MAX];
	bool down[RELAY_KMES_MAX];
	int progress[RELAY_KMES_MAX];
	struct qv_secret *keys, *rebuilt;
	double *load; /* messages over each link, by direction */
	size_t messages;
	bool repeat;  /* each message comes twice, and damaged: what is damaged or comes again must be refused */
	size_t plain; /* messages whose share was the keys themselves */
	struct qv_secret *first_share; /* of the session */
	struct relay_flight *first, **last;
};

/* Opens the module and plans; from and to are IDs. Fails the case if the module cannot. */
void relay_open(struct check *check, struct relay_net *net, const char *topology, const char *from, const char *to);
void relay_close(struct relay_net *net);

/* Runs a session from splitting to the last message, and what expiring brings; then the destination may rebuild. */
void relay_run(struct relay_net *net, uint16_t keys, uint16_t key_bytes);
/* Ends its nodes, so that another can run. */
void relay_end(struct relay_net *net);
/* 0: the keys that were sent. -1 with err: an error, and the keys are zeros. Fails the case for anything else. */
int relay_rebuild(struct relay_net *net, struct qv_error *err);

#endif
