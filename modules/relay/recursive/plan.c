/* SPDX-License-Identifier: Apache-2.0 */
#include "recursive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct qv_error *err)
{
	return qv_fail(err, QV_E_NOMEM, "no memory for a relay plan");
}

/* Lineages and messages; refuses what would be too many before anything is laid out by their number. */
static int count_lineages(struct qv_relay_plan *plan, double limit, struct qv_error *err)
{
	size_t count;
	const uint32_t *order = qv_route_order(plan->routes, &count);
	double *arrivals = calloc(qv_topology_kmes(plan->topology), sizeof *arrivals);
	if (!arrivals)
		return no_memory(err);
	arrivals[order[0]] = 1;
	for (size_t i = 0; i < count; i++) {
		struct qv_topology_arcs next = qv_route_next(plan->routes, order[i]);
		plan->facts.messages += arrivals[order[i]] * (double)next.count;
		for (size_t j = 0; j < next.count; j++)
			arrivals[next.arcs[j].kme] += arrivals[order[i]];
	}
	int result = 0;
	if (plan->facts.messages > limit)
		result = qv_fail(err, QV_E_UNSUPPORTED,
				 "relay recursive: from KME \"%s\" to \"%s\" it takes %.0f messages, one on each hop "
				 "of every path, and "
				 "max_messages allows %.0f: raise that, lower max_next, or use another relay module",
				 qv_topology_kme(plan->topology, order[0])->id,
				 qv_topology_kme(plan->topology, order[count - 1])->id, plan->facts.messages, limit);
	for (size_t i = 0; i < count && result == 0; i++)
		plan->lineages[order[i]] = (uint32_t)arrivals[order[i]];
	free(arrivals);
	return result;
}

static int number_lineages(struct qv_relay_plan *plan, struct qv_error *err)
{
	size_t count;
	uint32_t kmes = qv_topology_kmes(plan->topology);
	const uint32_t *order = qv_route_order(plan->routes, &count);
	uint32_t *used = calloc(kmes, sizeof *used); /* lineages of each KME given a number so far */
	for (uint32_t kme = 0; kme < kmes; kme++)
		plan->starts[kme + 1] = plan->starts[kme] + qv_route_next(plan->routes, kme).count;
	plan->bases = calloc(plan->starts[kmes] + 1, sizeof *plan->bases);
	if (!used || !plan->bases) {
		free(used);
		return no_memory(err);
	}
	for (uint32_t kme = 0; kme < kmes; kme++) { /* in the order of KMEs, which is that of each previous list */
		struct qv_topology_arcs next = qv_route_next(plan->routes, kme);
		for (size_t j = 0; j < next.count; j++) {
			plan->bases[plan->starts[kme] + j] = used[next.arcs[j].kme];
			used[next.arcs[j].kme] += plan->lineages[kme];
		}
	}
	free(used);
	plan->facts.slots = plan->lineages[order[count - 1]];
	return 0;
}

struct measure {
	uint32_t hops, splits;
	double needed;
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* From the destination back: hops and splittings on the longest way, and the fewest shares that can rebuild. */
static int measure(struct qv_relay_plan *plan, struct qv_error *err)
{
	size_t count;
	const uint32_t *order = qv_route_order(plan->routes, &count);
	struct measure *all = calloc(qv_topology_kmes(plan->topology), sizeof *all);
	if (!all)
		return no_memory(err);
	all[order[count - 1]].needed = 1;
	int result = 0;
	for (size_t i = count - 1; i-- > 0 && result == 0;) {
		struct measure *here = &all[order[i]];
		struct qv_topology_arcs next = qv_route_next(plan->routes, order[i]);
		double needs[NEXT_MAX];
		for (size_t j = 0; j < next.count && j < NEXT_MAX; j++) {
			const struct measure *there = &all[next.arcs[j].kme];
			needs[j] = there->needed;
			here->hops = there->hops + 1 > here->hops ? there->hops + 1 : here->hops;
			uint32_t splits = there->splits + (next.count > 1);
			here->splits = splits > here->splits ? splits : here->splits;
		}
		plan->widest = next.count > plan->widest ? (uint32_t)next.count : plan->widest;
		if (next.count > NEXT_MAX || here->splits > DEPTH_MAX) {
			result = qv_fail(err, QV_E_UNSUPPORTED,
					 "relay recursive: KME \"%s\" would split over %zu next hops, %u times one "
					 "after the other; at most "
					 "%d and %d are possible: lower max_next",
					 qv_topology_kme(plan->topology, order[i])->id, next.count, here->splits,
					 NEXT_MAX, DEPTH_MAX);
			break;
		}
		qsort(needs, next.count, sizeof needs[0], by_size);
		for (size_t j = 0; j < threshold(next.count); j++)
			here->needed += needs[j];
	}
	plan->facts.hops = all[order[0]].hops;
	plan->depth = all[order[0]].splits;
	plan->needed = (uint32_t)all[order[0]].needed;
	free(all);
	return result;
}

static void describe(struct qv_relay_plan *plan)
{
	size_t count;
	struct qv_relay_digest digest;
	const uint32_t *order = qv_route_order(plan->routes, &count);
	qv_relay_digest_begin(&digest, "recursive", plan->topology, order[0], order[count - 1]);
	for (size_t i = 0; i < count; i++) {
		struct qv_topology_arcs next = qv_route_next(plan->routes, order[i]);
		qv_relay_digest_kme(&digest, plan->topology, order[i]);
		qv_relay_digest_number(&digest, next.count);
		for (size_t j = 0; j < next.count; j++)
			qv_relay_digest_kme(&digest, plan->topology, next.arcs[j].kme);
	}
	qv_relay_digest_end(&digest, plan->facts.digest);
	snprintf(plan->facts.text, sizeof plan->facts.text,
		 "each KME splits each share over its next hops, more than half of which rebuild it: %.0f messages, %u "
		 "shares at "
		 "the destination; at least %u KMEs, whichever, may be lost, and at least %u may be compromised and "
		 "learn nothing",
		 plan->facts.messages, plan->lineages[order[count - 1]], plan->facts.tolerance, plan->facts.privacy);
}

static int lay_out(struct qv_relay_plan *plan, double limit, struct qv_error *err)
{
	uint32_t kmes = qv_topology_kmes(plan->topology);
	plan->lineages = calloc(kmes, sizeof *plan->lineages);
	plan->starts = calloc((size_t)kmes + 1, sizeof *plan->starts);
	if (!plan->lineages || !plan->starts)
		return no_memory(err);
	plan->facts.scratch = 2 * (size_t)kmes * sizeof(uint64_t);
	if (count_lineages(plan, limit, err) != 0 || number_lineages(plan, err) != 0 || measure(plan, err) != 0)
		return -1;
	struct qv_relay_trial trial = { .plan = plan, .judge = recursive_judge, .topology = plan->topology };
	size_t count;
	trial.kmes = qv_route_order(plan->routes, &count) + 1;
	trial.count = count - 2;
	if (qv_relay_try_limits(&trial, &plan->facts, err) != 0)
		return -1;
	describe(plan);
	return 0;
}

struct qv_relay_plan *recursive_plan(struct qv_relay *relay, const struct qv_topology *topology, uint32_t from,
				     uint32_t to, struct qv_error *err)
{
	struct qv_relay_plan *plan = calloc(1, sizeof *plan);
	if (!plan) {
		no_memory(err);
		return NULL;
	}
	plan->topology = topology;
	plan->routes = qv_route_plan_new(topology, from, to, &relay->routes, err);
	if (plan->routes && lay_out(plan, relay->max_messages, err) == 0)
		return plan;
	recursive_plan_free(plan);
	return NULL;
}

void recursive_plan_free(struct qv_relay_plan *plan)
{
	if (!plan)
		return;
	qv_route_plan_free(plan->routes);
	free(plan->lineages);
	free(plan->starts);
	free(plan->bases);
	free(plan);
}

/* Whether a KME is the end that a link goes to. */
static bool backward(const struct qv_relay_plan *plan, uint32_t link, uint32_t kme)
{
	return qv_topology_link(plan->topology, link)->from != kme;
}

void recursive_load(const struct qv_relay_plan *plan, double *messages)
{
	size_t count;
	const uint32_t *order = qv_route_order(plan->routes, &count);
	memset(messages, 0, 2 * (size_t)qv_topology_links(plan->topology) * sizeof *messages);
	for (size_t i = 0; i < count; i++) {
		struct qv_topology_arcs next = qv_route_next(plan->routes, order[i]);
		for (size_t j = 0; j < next.count; j++)
			messages[2 * (size_t)next.arcs[j].link + backward(plan, next.arcs[j].link, order[i])] +=
				plan->lineages[order[i]];
	}
}
