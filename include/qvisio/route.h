/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes through a topology. A route plan gives each KME its next hops toward one destination; every hop leads to a KME
 * that comes later in one fixed order, so a share can go round in no circle. Disjoint routes share no KME but their
 * ends. Both only read the topology, which must outlive them; several threads may read one plan.
 */
#ifndef QVISIO_ROUTE_H
#define QVISIO_ROUTE_H

#include <qvisio/topology.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct qv_route_options {
	bool avoid_down; /* plan round what is marked down; else a plan does not know what is broken */
	bool sideways;   /* also take hops between KMEs equally far from the destination, toward the higher number */
	uint32_t
		max_next; /* next hops of each KME at most, the nearest and then the lowest numbers first; 0: no limit */
};

struct qv_route_plan;

/*
 * The plan for shares from `from` to `to`. Without `sideways` each hop is one nearer to the destination. `options` may
 * be NULL. QV_E_INVALID: a number out of range, or both the same KME; QV_E_NOT_FOUND: no route, and why; QV_E_NOMEM.
 */
struct qv_route_plan *qv_route_plan_new(const struct qv_topology *topology, uint32_t from, uint32_t to,
					const struct qv_route_options *options, struct qv_error *err);
void qv_route_plan_free(struct qv_route_plan *plan);

uint32_t qv_route_from(const struct qv_route_plan *plan);
uint32_t qv_route_to(const struct qv_route_plan *plan);
/* Next hops of a KME, or the KMEs it gets shares from; none for a KME on no route. */
struct qv_topology_arcs qv_route_next(const struct qv_route_plan *plan, uint32_t kme);
struct qv_topology_arcs qv_route_previous(const struct qv_route_plan *plan, uint32_t kme);
/* KMEs on routes, each before all it sends to: the first is `from`, the last `to`. */
const uint32_t *qv_route_order(const struct qv_route_plan *plan, size_t *count);
/* Hops to the destination at least; QV_TOPOLOGY_NONE: none lead there. */
uint32_t qv_route_distance(const struct qv_route_plan *plan, uint32_t kme);
/* Different ways from a KME to the destination; rounded when above 2^53. */
double qv_route_paths(const struct qv_route_plan *plan, uint32_t kme);

/* Routes that have only their ends in common. */
struct qv_disjoint {
	size_t count;         /* routes */
	const size_t *starts; /* count + 1: route i is hops[starts[i]] up to hops[starts[i + 1]] */
	const uint32_t *hops; /* KMEs, both ends included */
	bool most;            /* no further disjoint route exists */
};

/*
 * As many disjoint routes as there are, up to `max` (0: no limit), by shortest augmenting paths over split KMEs, so by
 * Menger's theorem as many as KMEs are needed to cut the two apart. Of the options only avoid_down is looked at. NULL
 * with the errors of qv_route_plan_new. Free with qv_disjoint_free.
 */
struct qv_disjoint *qv_disjoint_new(const struct qv_topology *topology, uint32_t from, uint32_t to, size_t max,
				    const struct qv_route_options *options, struct qv_error *err);
void qv_disjoint_free(struct qv_disjoint *routes);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
