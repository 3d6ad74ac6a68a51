/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of relay module "disjoint" share. */
#ifndef RELAY_DISJOINT_H
#define RELAY_DISJOINT_H

#include <qvisio/relay.h>
#include <qvisio/route.h>

#define ROUTES_MAX  255
#define ALTERED_MAX 127
#define HEAD_SIZE   1

struct qv_relay {
	uint32_t routes;  /* at most; 0: all */
	int64_t privacy;  /* -1: not asked for */
	uint32_t altered; /* routes */
	uint32_t lost;
};

/* A KME between the ends: where it stands on which route. */
struct stop {
	uint32_t kme;
	uint32_t route;
	size_t place; /* in hops */
};

struct qv_relay_plan {
	const struct qv_topology *topology;
	uint32_t from, to;
	struct qv_disjoint *routes;
	unsigned count, threshold;
	struct stop *stops; /* ordered by KME */
	size_t stop_count;
	struct qv_relay_facts facts;
};

struct qv_relay_plan *disjoint_plan(struct qv_relay *relay, const struct qv_topology *topology, uint32_t from,
				    uint32_t to, struct qv_error *err);
void disjoint_plan_free(struct qv_relay_plan *plan);
void disjoint_load(const struct qv_relay_plan *plan, double *messages);
void disjoint_judge(const struct qv_relay_plan *plan, const struct qv_relay_state *state, void *scratch,
		    struct qv_relay_verdict *verdict);

/* NULL: on no route, or one of the ends. */
const struct stop *disjoint_find_stop(const struct qv_relay_plan *plan, uint32_t kme);

#endif
