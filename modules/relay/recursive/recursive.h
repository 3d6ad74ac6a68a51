/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of relay module "recursive" share. */
#ifndef RELAY_RECURSIVE_H
#define RELAY_RECURSIVE_H

#include <qvisio/relay.h>
#include <qvisio/route.h>

#define NEXT_MAX  255 /* shares of one splitting */
#define DEPTH_MAX 64  /* splittings one after the other */
#define HEAD_SIZE 4

/*
 * A share is named by its lineage: the KMEs it came over. At a KME lineages are numbered from 0, those over the first
 * previous KME first: the number at the next KME is the number here plus the base of the hop.
 */
struct qv_relay_plan {
	const struct qv_topology *topology;
	struct qv_route_plan *routes;
	uint32_t *lineages; /* how many lead to each KME */
	size_t *starts;     /* of each KME's next hops in bases */
	uint32_t *bases;
	struct qv_relay_facts facts;
	uint32_t needed; /* shares at the destination at least */
	uint32_t depth;  /* of splittings */
	uint32_t widest; /* next hops of one KME */
};

struct qv_relay_plan *recursive_plan(struct qv_relay *relay, const struct qv_topology *topology, uint32_t from,
				     uint32_t to, struct qv_error *err);
void recursive_plan_free(struct qv_relay_plan *plan);
void recursive_load(const struct qv_relay_plan *plan, double *messages);
void recursive_judge(const struct qv_relay_plan *plan, const struct qv_relay_state *state, void *scratch,
		     struct qv_relay_verdict *verdict);

/* Shares of n that rebuild: more than half of them. */
static inline unsigned threshold(size_t n)
{
	return (unsigned)(n / 2 + 1);
}

/* What the module was opened with. */
struct qv_relay {
	struct qv_route_options routes;
	double max_messages;
};

#define CHUNKS_MAX 4096

struct qv_relay_node {
	const struct qv_relay_plan *plan;
	uint32_t self;
	size_t bytes; /* of a share */
	bool was_split;
	uint32_t expected, received;
	uint8_t *seen;            /* a bit for each lineage */
	struct qv_secret *work;   /* what a splitting makes; at the destination what rebuilding needs */
	struct qv_secret **slots; /* at the destination: the shares, slot_count in each */
	size_t slot_count, chunk_count;
};

static inline bool node_seen(const struct qv_relay_node *node, uint32_t lineage)
{
	return node->seen[lineage / 8] >> lineage % 8 & 1;
}

const uint8_t *node_slot(const struct qv_relay_node *node, uint32_t lineage);

/* Whether what has come is enough to rebuild from when all of it is right. */
bool recursive_possible(const struct qv_relay_node *node);
int recursive_rebuild(struct qv_relay_node *node, uint8_t *keys, size_t size, struct qv_relay_report *report,
		      struct qv_error *err);

#endif
