/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay session from end to end in one process: the nodes of a module, and between them hops as a KME network has them,
 * each message under a one-time pad and a one-time MAC from link keys that are drawn for it. The keys are made for the
 * occasion and protect nothing.
 */
#ifndef RELAY_SIMULATION_H
#define RELAY_SIMULATION_H

#include <qvisio/relay.h>

#define SIMULATION_ALTERS 4 /* a mark beside enum qv_topology_mark: a KME that changes every share it sends */

enum simulation_fate {
	SIMULATION_ARRIVED,
	SIMULATION_ALTERED, /* arrived, changed by the KME that sent it */
	SIMULATION_LOST,    /* the link or the KME at its end is down */
	SIMULATION_REFUSED  /* the node did not expect it: `why` */
};

struct simulation_step {
	uint32_t from, to, link;
	enum simulation_fate fate;
	const struct qv_relay_message *message;
	bool seen;                  /* by the adversary */
	const struct qv_error *why; /* of SIMULATION_REFUSED */
};

struct simulation_watch {
	void (*step)(struct simulation_watch *watch, const struct simulation_step *step);
	/* Rebuilding found that these KMEs passed a wrong share on. */
	void (*wrong)(struct simulation_watch *watch, const uint32_t *kmes, size_t count);
};

/* What is to be simulated; all borrowed. */
struct simulation_setup {
	const struct qv_relay_class *class;
	const struct qv_relay_plan *plan;
	const struct qv_topology *topology;
	uint32_t from, to;
	struct qv_relay_session session;
	const uint8_t *kmes, *links;    /* marks of each */
	bool weigh;                     /* find out what the adversary learned */
	bool plain;                     /* without transport encryption */
	struct simulation_watch *watch; /* NULL: none; each of its functions may be NULL */
};

enum simulation_outcome {
	SIMULATION_DELIVERED,
	SIMULATION_MISSED,       /* too few shares: `why` */
	SIMULATION_CONTRADICTED, /* altered shares were seen and could not be corrected: `why` */
	SIMULATION_WRONG         /* other keys: only the ends' confirmation tells */
};

struct simulation_result {
	enum simulation_outcome outcome;
	struct qv_error why;
	size_t messages, lost, altered, refused;
	uint64_t key_bytes;      /* of link keys spent, all links together */
	uint64_t *link_messages; /* of each link */
	uint64_t *link_bytes;    /* of link keys spent */
	size_t wrong;            /* shares that rebuilding found altered */
	size_t seen;             /* shares that the adversary saw */
	size_t rank;             /* of these, independent */
	bool weighed;            /* learned says something; else the session was too short for what was seen */
	bool learned;            /* the keys are a combination of what it saw */
};

/* 0 with a result to clear, also when nothing arrived; -1: the simulation itself failed. */
int simulation_run(const struct simulation_setup *setup, struct simulation_result *result, struct qv_error *err);
void simulation_clear(struct simulation_result *result);

const char *simulation_outcome_name(enum simulation_outcome outcome);

#endif
