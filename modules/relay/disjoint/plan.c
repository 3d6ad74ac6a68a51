/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes and threshold. By Menger's theorem there are as many disjoint routes as KMEs are needed to cut the ends apart,
 * and no protocol keeps a secret from all who sit on every route. Of n shares, t + 1 rebuild and t tell nothing; e altered
 * ones among those that come are corrected when at least t + 1 + 2e come (Reed and Solomon): n >= t + 1 + 2e + r.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disjoint.h"

static int no_memory(struct qv_error *err)
{
	return qv_fail(err, QV_E_NOMEM, "no memory for a relay plan");
}

/* Says what was asked for, what it takes, and what there is. */
static int too_much(const struct qv_relay *relay, const struct qv_relay_plan *plan, unsigned needed,
		    struct qv_error *err)
{
	char possible[128];
	unsigned spare = 2 * relay->altered + relay->lost;
	if (plan->count > spare)
		snprintf(possible, sizeof possible, "with these a privacy of %u is possible", plan->count - spare - 1);
	else
		snprintf(possible, sizeof possible, "a privacy of %u is possible with none altered or lost",
			 plan->count - 1);
	return qv_fail(err, QV_E_UNSUPPORTED,
		       "relay disjoint: privacy against %lld KMEs, with %u routes altered and %u lost, takes %u "
		       "disjoint routes; from "
		       "KME \"%s\" to \"%s\" there are %u%s: %s",
		       (long long)(relay->privacy < 0 ? 0 : relay->privacy), relay->altered, relay->lost, needed,
		       qv_topology_kme(plan->topology, plan->from)->id, qv_topology_kme(plan->topology, plan->to)->id,
		       plan->count, plan->routes->most ? "" : " in use", possible);
}

static int choose_threshold(const struct qv_relay *relay, struct qv_relay_plan *plan, struct qv_error *err)
{
	unsigned spare = 2 * relay->altered + relay->lost;
	unsigned least = relay->privacy < 0 ? 1 : (unsigned)relay->privacy + 1;
	if (least + spare > plan->count)
		return too_much(relay, plan, least + spare, err);
	if (relay->privacy >= 0)
		plan->threshold = least;
	else
		plan->threshold = spare ? plan->count - spare : plan->count / 2 + 1;
	return 0;
}

static int by_kme(const void *a, const void *b)
{
	uint32_t x = ((const struct stop *)a)->kme, y = ((const struct stop *)b)->kme;
	return x < y ? -1 : x > y;
}

static int list_stops(struct qv_relay_plan *plan, struct qv_error *err)
{
	const struct qv_disjoint *routes = plan->routes;
	plan->stops = calloc(routes->starts[routes->count] + 1, sizeof *plan->stops);
	if (!plan->stops)
		return no_memory(err);
	for (uint32_t i = 0; i < plan->count; i++)
		for (size_t j = routes->starts[i] + 1; j + 1 < routes->starts[i + 1]; j++)
			plan->stops[plan->stop_count++] = (struct stop){ routes->hops[j], i, j };
	if (plan->stop_count)
		qsort(plan->stops, plan->stop_count, sizeof *plan->stops, by_kme);
	return 0;
}

const struct stop *disjoint_find_stop(const struct qv_relay_plan *plan, uint32_t kme)
{
	const struct stop wanted = { .kme = kme };
	return plan->stop_count ? bsearch(&wanted, plan->stops, plan->stop_count, sizeof *plan->stops, by_kme) : NULL;
}

static void describe(struct qv_relay_plan *plan)
{
	const struct qv_disjoint *routes = plan->routes;
	struct qv_relay_facts *facts = &plan->facts;
	struct qv_relay_digest digest;
	unsigned watched = 0; /* routes with KMEs between the ends */
	qv_relay_digest_begin(&digest, "disjoint", plan->topology, plan->from, plan->to);
	qv_relay_digest_number(&digest, plan->threshold);
	for (size_t i = 0; i < plan->count; i++) {
		size_t length = routes->starts[i + 1] - routes->starts[i];
		qv_relay_digest_number(&digest, length);
		for (size_t j = routes->starts[i]; j < routes->starts[i + 1]; j++)
			qv_relay_digest_kme(&digest, plan->topology, routes->hops[j]);
		facts->messages += (double)length - 1;
		facts->hops = length - 1 > facts->hops ? (uint32_t)(length - 1) : facts->hops;
		watched += length > 2;
	}
	qv_relay_digest_end(&digest, facts->digest);
	facts->slots = plan->count;
	unsigned spare = plan->count - plan->threshold;
	facts->tolerance = spare < watched ? spare : (uint32_t)plan->stop_count;
	facts->privacy = plan->threshold <= watched ? plan->threshold - 1 : (uint32_t)plan->stop_count;
	snprintf(facts->text, sizeof facts->text,
		 "%u disjoint routes%s, any %u shares rebuild: %u KMEs, whichever, may be compromised and learn "
		 "nothing; %u routes may "
		 "be lost, or %u altered and corrected",
		 plan->count, routes->most ? " (all there are)" : "", plan->threshold, facts->privacy, spare,
		 spare / 2);
}

static int lay_out(const struct qv_relay *relay, struct qv_relay_plan *plan, struct qv_error *err)
{
	plan->count = (unsigned)plan->routes->count;
	if (choose_threshold(relay, plan, err) != 0 || list_stops(plan, err) != 0)
		return -1;
	describe(plan);
	return 0;
}

struct qv_relay_plan *disjoint_plan(struct qv_relay *relay, const struct qv_topology *topology, uint32_t from,
				    uint32_t to, struct qv_error *err)
{
	struct qv_relay_plan *plan = calloc(1, sizeof *plan);
	if (!plan) {
		no_memory(err);
		return NULL;
	}
	plan->topology = topology;
	plan->from = from;
	plan->to = to;
	plan->routes = qv_disjoint_new(topology, from, to, relay->routes ? relay->routes : ROUTES_MAX, NULL, err);
	if (plan->routes && lay_out(relay, plan, err) == 0)
		return plan;
	disjoint_plan_free(plan);
	return NULL;
}

void disjoint_plan_free(struct qv_relay_plan *plan)
{
	if (!plan)
		return;
	qv_disjoint_free(plan->routes);
	free(plan->stops);
	free(plan);
}

void disjoint_load(const struct qv_relay_plan *plan, double *messages)
{
	const struct qv_disjoint *routes = plan->routes;
	memset(messages, 0, 2 * (size_t)qv_topology_links(plan->topology) * sizeof *messages);
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = routes->starts[i]; j + 1 < routes->starts[i + 1]; j++) {
			uint32_t link = qv_topology_find_link(plan->topology, routes->hops[j], routes->hops[j + 1]);
			bool backward = qv_topology_link(plan->topology, link)->from != routes->hops[j];
			messages[2 * (size_t)link + backward]++;
		}
}
