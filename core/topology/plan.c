/* SPDX-License-Identifier: Apache-2.0 */
/* Route plans: breadth first from the destination, then every hop that leads to a later KME of one order. */
#include <qvisio/route.h>

#include <stdlib.h>
#include <string.h>

#include "route.h"

struct steps {
	size_t *starts; /* of each KME, one more than there are KMEs */
	struct qv_topology_arc *arcs;
};

struct qv_route_plan {
	const struct qv_topology *topology;
	struct qv_route_options options;
	uint32_t from, to, kmes;
	uint32_t *distances;
	uint32_t *order;
	size_t order_count;
	double *paths;
	struct steps next, previous;
};

bool qv_route_usable(const struct qv_topology *topology, const struct qv_route_options *options, uint32_t link,
		     uint32_t kme)
{
	return !options->avoid_down ||
	       !((qv_topology_link(topology, link)->marks | qv_topology_kme(topology, kme)->marks) & QV_TOPOLOGY_DOWN);
}

int qv_route_check_ends(const struct qv_topology *topology, uint32_t from, uint32_t to, struct qv_error *err)
{
	uint32_t kmes = qv_topology_kmes(topology);
	if (from >= kmes || to >= kmes)
		return qv_fail(err, QV_E_INVALID, "route: KME number %u of %u", from >= kmes ? from : to, kmes);
	if (from == to)
		return qv_fail(err, QV_E_INVALID,
			       "route: KME \"%s\" is both ends; it needs no relay for keys of its own",
			       qv_topology_kme(topology, from)->id);
	return 0;
}

int qv_route_no_route(const struct qv_topology *topology, uint32_t from, uint32_t to,
		      const struct qv_route_options *options, struct qv_error *err)
{
	const char *why = "they lie in parts of the network that no link joins";
	if (qv_topology_out(topology, from).count == 0)
		why = "the first has no link to leave by";
	else if (qv_topology_in(topology, to).count == 0)
		why = "the second has no link to be reached by";
	else if (options->avoid_down)
		why = "without the links and KMEs that are down no chain of links joins them";
	return qv_fail(err, QV_E_NOT_FOUND, "no route from KME \"%s\" to KME \"%s\": %s",
		       qv_topology_kme(topology, from)->id, qv_topology_kme(topology, to)->id, why);
}

/* How far each KME is from the destination. `queue` has room for all. */
static void measure(struct qv_route_plan *plan, uint32_t *queue)
{
	size_t head = 0, tail = 0;
	memset(plan->distances, 0xff, plan->kmes * sizeof *plan->distances);
	plan->distances[plan->to] = 0;
	queue[tail++] = plan->to;
	while (head < tail) {
		uint32_t here = queue[head++];
		struct qv_topology_arcs in = qv_topology_in(plan->topology, here);
		for (size_t i = 0; i < in.count; i++) {
			uint32_t there = in.arcs[i].kme;
			if (plan->distances[there] != QV_TOPOLOGY_NONE ||
			    !qv_route_usable(plan->topology, &plan->options, in.arcs[i].link, there))
				continue;
			plan->distances[there] = plan->distances[here] + 1;
			queue[tail++] = there;
		}
	}
}

/* Whether a hop leads forward in the order of (distance, number). 1: nearer, 2: sideways, 0: no hop. */
static int hop_class(const struct qv_route_plan *plan, uint32_t here, const struct qv_topology_arc *arc)
{
	uint32_t mine = plan->distances[here], theirs = plan->distances[arc->kme];
	if (theirs == QV_TOPOLOGY_NONE || theirs > mine ||
	    !qv_route_usable(plan->topology, &plan->options, arc->link, arc->kme))
		return 0;
	if (theirs < mine)
		return 1;
	return plan->options.sideways && arc->kme > here ? 2 : 0;
}

/* Next hops of one KME: nearer ones, then sideways ones, up to the limit; into `hops`, in the order of KMEs. */
static size_t choose_hops(const struct qv_route_plan *plan, uint32_t here, struct qv_topology_arc *hops)
{
	struct qv_topology_arcs out = qv_topology_out(plan->topology, here);
	size_t limit = plan->options.max_next ? plan->options.max_next : SIZE_MAX, nearer = 0, sideways = 0, count = 0;
	if (here == plan->to)
		return 0;
	for (size_t i = 0; i < out.count; i++) {
		int class = hop_class(plan, here, &out.arcs[i]);
		nearer += class == 1;
		sideways += class == 2;
	}
	nearer = nearer < limit ? nearer : limit;
	sideways = sideways < limit - nearer ? sideways : limit - nearer;
	for (size_t i = 0; i < out.count; i++) {
		int class = hop_class(plan, here, &out.arcs[i]);
		size_t *left = class == 1 ? &nearer : &sideways;
		if (class == 0 || *left == 0)
			continue;
		--*left;
		hops[count++] = out.arcs[i];
	}
	return count;
}

/* The KMEs that shares can get to; fills next.starts[k + 1] with the number of hops of KME k. */
static size_t reach(struct qv_route_plan *plan, uint8_t *seen, struct qv_topology_arc *hops)
{
	uint32_t *found = plan->order;
	size_t count = 1;
	found[0] = plan->from;
	seen[plan->from] = 1;
	for (size_t i = 0; i < count; i++) {
		size_t hop_count = choose_hops(plan, found[i], hops);
		plan->next.starts[found[i] + 1] = hop_count;
		for (size_t j = 0; j < hop_count; j++) {
			if (seen[hops[j].kme])
				continue;
			seen[hops[j].kme] = 1;
			found[count++] = hops[j].kme;
		}
	}
	return count;
}

static int by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* The farthest KMEs first, equally far ones by number: every hop then leads to a later one. */
static int sort_order(struct qv_route_plan *plan)
{
	uint64_t *keys = calloc(plan->order_count, sizeof *keys);
	if (!keys)
		return -1;
	for (size_t i = 0; i < plan->order_count; i++) {
		uint64_t nearness = UINT32_MAX - plan->distances[plan->order[i]];
		keys[i] = nearness << 32 | plan->order[i];
	}
	qsort(keys, plan->order_count, sizeof *keys, by_key);
	for (size_t i = 0; i < plan->order_count; i++)
		plan->order[i] = (uint32_t)keys[i];
	free(keys);
	return 0;
}

static int list_next(struct qv_route_plan *plan)
{
	size_t *starts = plan->next.starts;
	for (uint32_t kme = 0; kme < plan->kmes; kme++)
		starts[kme + 1] += starts[kme];
	plan->next.arcs = calloc(starts[plan->kmes] + 1, sizeof *plan->next.arcs);
	if (!plan->next.arcs)
		return -1;
	for (size_t i = 0; i < plan->order_count; i++)
		choose_hops(plan, plan->order[i], plan->next.arcs + starts[plan->order[i]]);
	return 0;
}

static int list_previous(struct qv_route_plan *plan)
{
	const struct steps *next = &plan->next;
	size_t hops = next->starts[plan->kmes];
	plan->previous.starts = calloc((size_t)plan->kmes + 2, sizeof *plan->previous.starts);
	plan->previous.arcs = calloc(hops + 1, sizeof *plan->previous.arcs);
	if (!plan->previous.starts || !plan->previous.arcs)
		return -1;
	size_t *at = plan->previous.starts + 1; /* shifted: after filling, each is where it belongs */
	for (size_t i = 0; i < hops; i++)
		at[next->arcs[i].kme + 1]++;
	for (uint32_t kme = 0; kme < plan->kmes; kme++)
		at[kme + 1] += at[kme];
	for (uint32_t kme = 0; kme < plan->kmes; kme++)
		for (size_t i = next->starts[kme]; i < next->starts[kme + 1]; i++)
			plan->previous.arcs[at[next->arcs[i].kme]++] =
				(struct qv_topology_arc){ kme, next->arcs[i].link };
	return 0;
}

static void count_paths(struct qv_route_plan *plan)
{
	for (size_t i = plan->order_count; i-- > 0;) {
		uint32_t kme = plan->order[i];
		struct qv_topology_arcs next = qv_route_next(plan, kme);
		double paths = kme == plan->to ? 1 : 0;
		for (size_t j = 0; j < next.count; j++)
			paths += plan->paths[next.arcs[j].kme];
		plan->paths[kme] = paths;
	}
}

static int allocate(struct qv_route_plan *plan)
{
	plan->distances = calloc(plan->kmes, sizeof *plan->distances);
	plan->order = calloc(plan->kmes, sizeof *plan->order);
	plan->paths = calloc(plan->kmes, sizeof *plan->paths);
	plan->next.starts = calloc((size_t)plan->kmes + 1, sizeof *plan->next.starts);
	return plan->distances && plan->order && plan->paths && plan->next.starts ? 0 : -1;
}

static size_t most_links(const struct qv_topology *topology)
{
	size_t most = 0;
	for (uint32_t kme = 0; kme < qv_topology_kmes(topology); kme++) {
		size_t count = qv_topology_out(topology, kme).count;
		most = count > most ? count : most;
	}
	return most;
}

static int lay_out(struct qv_route_plan *plan)
{
	uint8_t *seen = calloc(plan->kmes, 1);
	struct qv_topology_arc *hops = calloc(most_links(plan->topology) + 1, sizeof *hops);
	int result = -1;
	if (seen && hops) {
		plan->order_count = reach(plan, seen, hops);
		result = sort_order(plan) != 0 || list_next(plan) != 0 || list_previous(plan) != 0 ? -1 : 0;
	}
	free(seen);
	free(hops);
	if (result == 0)
		count_paths(plan);
	return result;
}

struct qv_route_plan *qv_route_plan_new(const struct qv_topology *topology, uint32_t from, uint32_t to,
					const struct qv_route_options *options, struct qv_error *err)
{
	if (qv_route_check_ends(topology, from, to, err) != 0)
		return NULL;
	struct qv_route_plan *plan = calloc(1, sizeof *plan);
	if (!plan) {
		qv_fail(err, QV_E_NOMEM, "no memory for routes");
		return NULL;
	}
	plan->topology = topology;
	plan->options = options ? *options : (struct qv_route_options){ .max_next = 0 };
	plan->from = from;
	plan->to = to;
	plan->kmes = qv_topology_kmes(topology);
	int result = allocate(plan);
	if (result == 0 && plan->options.avoid_down && qv_topology_kme(topology, to)->marks & QV_TOPOLOGY_DOWN)
		qv_route_no_route(topology, from, to, &plan->options, err);
	else if (result == 0) {
		measure(plan, plan->order);
		if (plan->distances[from] == QV_TOPOLOGY_NONE)
			qv_route_no_route(topology, from, to, &plan->options, err);
		else if (lay_out(plan) == 0)
			return plan;
		else
			result = -1;
	}
	if (result != 0)
		qv_fail(err, QV_E_NOMEM, "no memory for routes");
	qv_route_plan_free(plan);
	return NULL;
}

void qv_route_plan_free(struct qv_route_plan *plan)
{
	if (!plan)
		return;
	free(plan->distances);
	free(plan->order);
	free(plan->paths);
	free(plan->next.starts);
	free(plan->next.arcs);
	free(plan->previous.starts);
	free(plan->previous.arcs);
	free(plan);
}

uint32_t qv_route_from(const struct qv_route_plan *plan)
{
	return plan->from;
}

uint32_t qv_route_to(const struct qv_route_plan *plan)
{
	return plan->to;
}

static struct qv_topology_arcs steps_of(const struct steps *steps, uint32_t kme)
{
	return (struct qv_topology_arcs){ steps->arcs + steps->starts[kme],
					  steps->starts[kme + 1] - steps->starts[kme] };
}

struct qv_topology_arcs qv_route_next(const struct qv_route_plan *plan, uint32_t kme)
{
	return steps_of(&plan->next, kme);
}

struct qv_topology_arcs qv_route_previous(const struct qv_route_plan *plan, uint32_t kme)
{
	return steps_of(&plan->previous, kme);
}

const uint32_t *qv_route_order(const struct qv_route_plan *plan, size_t *count)
{
	*count = plan->order_count;
	return plan->order;
}

uint32_t qv_route_distance(const struct qv_route_plan *plan, uint32_t kme)
{
	return plan->distances[kme];
}

double qv_route_paths(const struct qv_route_plan *plan, uint32_t kme)
{
	return plan->paths[kme];
}
