/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vertex-disjoint routes: maximum flow with capacity 1 through each KME, by shortest augmenting paths. Each KME but the
 * ends is split into an entry and an exit; a KME on a route found so far is entered only to undo its hop from before.
 */
#include <stdlib.h>
#include <string.h>

#include "route.h"

#define NONE QV_TOPOLOGY_NONE

struct flow {
	const struct qv_topology *topology;
	struct qv_route_options options;
	uint32_t from, to;
	bool direct;                      /* the hop from end to end is a route */
	uint32_t *before, *after;         /* of each KME on a route; NONE: on no route */
	uint32_t *entry_from, *exit_from; /* how the search came there: a KME; NONE: not yet */
	uint32_t *queue, *touched;        /* exits to look at; KMEs that the search has marked */
	size_t tail, touched_count;
};

static void mark(struct flow *flow, uint32_t *marks, uint32_t kme, uint32_t came_from)
{
	if (flow->entry_from[kme] == NONE && flow->exit_from[kme] == NONE)
		flow->touched[flow->touched_count++] = kme;
	marks[kme] = came_from;
}

static void reach_exit(struct flow *flow, uint32_t kme, uint32_t came_from)
{
	if (flow->exit_from[kme] != NONE || kme == flow->from)
		return;
	mark(flow, flow->exit_from, kme, came_from);
	flow->queue[flow->tail++] = kme;
}

/* The entry of a KME: on no route it leads to its own exit, on one back to the exit of the KME before. */
static void reach_entry(struct flow *flow, uint32_t kme, uint32_t came_from)
{
	if (flow->entry_from[kme] != NONE)
		return;
	mark(flow, flow->entry_from, kme, came_from);
	if (flow->before[kme] == NONE)
		reach_exit(flow, kme, kme);
	else
		reach_exit(flow, flow->before[kme], kme);
}

/* One breadth-first search; the KME from which the destination was reached, or NONE. */
static uint32_t search(struct flow *flow)
{
	size_t head = 0;
	flow->tail = 0;
	flow->queue[flow->tail++] = flow->from;
	while (head < flow->tail) {
		uint32_t here = flow->queue[head++];
		struct qv_topology_arcs out = qv_topology_out(flow->topology, here);
		for (size_t i = 0; i < out.count; i++) {
			uint32_t there = out.arcs[i].kme;
			if (there == flow->from ||
			    !qv_route_usable(flow->topology, &flow->options, out.arcs[i].link, there))
				continue;
			bool used = here == flow->from ? flow->direct : flow->after[here] == there;
			if (there == flow->to && !used)
				return here;
			if (there != flow->to && flow->before[there] != here)
				reach_entry(flow, there, here);
		}
		/* From the exit of a KME on a route back through the KME: its route now comes another way. */
		if (here != flow->from && flow->before[here] != NONE && flow->entry_from[here] == NONE)
			reach_entry(flow, here, here);
	}
	return NONE;
}

static void unmark(struct flow *flow)
{
	for (size_t i = 0; i < flow->touched_count; i++)
		flow->entry_from[flow->touched[i]] = flow->exit_from[flow->touched[i]] = NONE;
	flow->touched_count = 0;
}

/* Walks the found path back from the exit of `last`, taking undone hops out or putting new ones in. */
static void walk_back(struct flow *flow, uint32_t last, bool put)
{
	uint32_t here = last, after = flow->to;
	for (;;) {
		if (put) {
			flow->after[here] = after;
			flow->before[after] = here;
		}
		if (here == flow->from) {
			flow->direct = flow->direct || after == flow->to;
			return;
		}
		/* From this exit: through the KME's own entry, or back over undone hops until one was newly entered. */
		uint32_t entry = flow->exit_from[here];
		for (;;) {
			if (entry != here && !put) {
				flow->after[here] = NONE;
				flow->before[entry] = NONE;
			}
			if (flow->entry_from[entry] != entry)
				break;
			here = entry;
			entry = flow->exit_from[here];
		}
		after = entry;
		here = flow->entry_from[entry];
	}
}

static void augment(struct flow *flow, uint32_t last)
{
	walk_back(flow, last, false);
	walk_back(flow, last, true);
	unmark(flow);
}

static size_t list_routes(const struct flow *flow, size_t *starts, uint32_t *hops)
{
	struct qv_topology_arcs out = qv_topology_out(flow->topology, flow->from);
	size_t count = 0, used = 0;
	for (size_t i = 0; i < out.count; i++) {
		uint32_t here = out.arcs[i].kme;
		if (here == flow->to ? !flow->direct : flow->before[here] != flow->from)
			continue;
		if (hops) {
			starts[count] = used;
			hops[used] = flow->from;
		}
		for (used++; here != flow->to; here = flow->after[here], used++)
			if (hops)
				hops[used] = here;
		if (hops)
			hops[used] = flow->to;
		used++;
		count++;
	}
	if (hops)
		starts[count] = used;
	return hops ? count : used;
}

static struct qv_disjoint *collect(const struct flow *flow, size_t count, bool most)
{
	struct qv_disjoint *routes = calloc(1, sizeof *routes);
	size_t *starts = calloc(count + 1, sizeof *starts);
	uint32_t *hops = calloc(list_routes(flow, NULL, NULL) + 1, sizeof *hops);
	if (!routes || !starts || !hops) {
		free(routes);
		free(starts);
		free(hops);
		return NULL;
	}
	routes->count = list_routes(flow, starts, hops);
	routes->starts = starts;
	routes->hops = hops;
	routes->most = most;
	return routes;
}

static int open_flow(struct flow *flow)
{
	size_t kmes = qv_topology_kmes(flow->topology);
	uint32_t *all = malloc((6 * kmes + 1) * sizeof *all);
	if (!all)
		return -1;
	memset(all, 0xff, 4 * kmes * sizeof *all);
	flow->before = all;
	flow->after = all + kmes;
	flow->entry_from = all + 2 * kmes;
	flow->exit_from = all + 3 * kmes;
	flow->touched = all + 4 * kmes;
	flow->queue = all + 5 * kmes;
	return 0;
}

struct qv_disjoint *qv_disjoint_new(const struct qv_topology *topology, uint32_t from, uint32_t to, size_t max,
				    const struct qv_route_options *options, struct qv_error *err)
{
	struct flow flow = { .topology = topology, .from = from, .to = to };
	if (qv_route_check_ends(topology, from, to, err) != 0)
		return NULL;
	if (options)
		flow.options = *options;
	size_t out = qv_topology_out(topology, from).count, in = qv_topology_in(topology, to).count;
	size_t bound = out < in ? out : in, count = 0;
	if (flow.options.avoid_down && qv_topology_kme(topology, from)->marks & QV_TOPOLOGY_DOWN)
		bound = 0;
	size_t wanted = max && max < bound ? max : bound;
	struct qv_disjoint *routes = NULL;
	bool found = true;
	if (open_flow(&flow) == 0) {
		while (count < wanted && found) {
			uint32_t last = search(&flow);
			found = last != NONE;
			if (found) {
				augment(&flow, last);
				count++;
			}
		}
		routes = collect(&flow, count, !found || count == bound);
		free(flow.before);
	}
	if (!routes)
		qv_fail(err, QV_E_NOMEM, "no memory for routes");
	else if (routes->count == 0) {
		qv_route_no_route(topology, from, to, &flow.options, err);
		qv_disjoint_free(routes);
		routes = NULL;
	}
	return routes;
}

void qv_disjoint_free(struct qv_disjoint *routes)
{
	if (!routes)
		return;
	free((void *)(uintptr_t)routes->starts);
	free((void *)(uintptr_t)routes->hops);
	free(routes);
}
