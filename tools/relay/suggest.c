/* SPDX-License-Identifier: Apache-2.0 */
#include "suggest.h"

#include <math.h>
#include <stdlib.h>

#include <qvisio/route.h>

#include "random.h"

#define TRIES_PAIR  1000 /* links tried for one pair */
#define WORK_ALL    2e7  /* links looked at, for all pairs */
#define MOST_ROUTES 8    /* more between one pair gain nothing worth counting */
#define WORK_SETS   2e6  /* for the sets of one try */

struct pair {
	uint32_t a, b;
};

/* Pairs of KMEs without a link, in a random order; all of them when they are no more than `most`. */
static struct pair *find_candidates(const struct qv_topology *topology, size_t most, size_t *count, bool *all)
{
	uint32_t kmes = qv_topology_kmes(topology);
	size_t possible = (size_t)kmes * (kmes - 1) / 2;
	struct random random = random_seeded(1);
	struct pair *pairs = calloc(most + 1, sizeof *pairs);
	size_t seen = 0, used = 0;
	*all = possible <= 4000000;
	/* Of more than can be gone through, some; otherwise each has the same chance to stay (reservoir sampling). */
	for (size_t i = 0; pairs && !*all && i < most; i++) {
		struct pair pair = { random_below(&random, kmes), random_below(&random, kmes) };
		if (pair.a != pair.b && qv_topology_find_link(topology, pair.a, pair.b) == QV_TOPOLOGY_NONE)
			pairs[used++] = pair;
	}
	for (uint32_t a = 0; pairs && *all && a < kmes; a++)
		for (uint32_t b = a + 1; b < kmes; b++) {
			if (qv_topology_find_link(topology, a, b) != QV_TOPOLOGY_NONE)
				continue;
			size_t at = seen++ < most ? used++ : random_below(&random, (uint32_t)seen);
			if (at < most)
				pairs[at] = (struct pair){ a, b };
		}
	*all = *all && seen <= most;
	*count = used;
	return pairs;
}

/* The same network with one more link. KMEs keep their numbers, which come from their IDs. */
static struct qv_topology *with_link(const struct qv_topology *topology, const struct pair *pair, struct qv_error *err)
{
	struct qv_topology *copy = qv_topology_new(err);
	int result = copy ? 0 : -1;
	for (uint32_t k = 0; result == 0 && k < qv_topology_kmes(topology); k++)
		if (qv_topology_add_kme(copy, qv_topology_kme(topology, k), err) == QV_TOPOLOGY_NONE)
			result = -1;
	for (uint32_t l = 0; result == 0 && l < qv_topology_links(topology); l++)
		result = qv_topology_add_link(copy, qv_topology_link(topology, l), err);
	struct qv_topology_link added = { .from = pair->a, .to = pair->b };
	if (result == 0)
		result = qv_topology_add_link(copy, &added, err);
	if (result == 0 && qv_topology_finish(copy, err) == 0)
		return copy;
	qv_topology_free(copy);
	return NULL;
}

static int rate_pair(struct worth *worth, const struct relay_module *relay, const struct qv_topology *topology,
		     uint32_t from, uint32_t to, const struct analysis_wish *wish, struct qv_error *err)
{
	struct analysis analysis;
	int result = analysis_make(&analysis, relay->class, relay->relay, topology, from, to, wish, NULL, err);
	*worth = (struct worth){ .stopped = 1 };
	if (result == 0 && analysis.plan) {
		worth->learned = analysis.learned.chance.p;
		worth->stopped = analysis.stopped.chance.p;
	}
	worth->value = -worth->learned - worth->stopped;
	analysis_clear(&analysis);
	return result;
}

struct tried {
	const struct relay_module *relay;
	struct analysis_wish wish;
	const struct pair *pairs; /* to look at, for all */
	size_t pair_count;
	uint32_t from, to;
};

/* A pair with no route counts least, the second route more than the third: a sum of 1 - 4^-routes. */
static int rate_all(struct worth *worth, const struct tried *tried, const struct qv_topology *topology,
		    struct qv_error *err)
{
	*worth = (struct worth){ 0 };
	for (size_t i = 0; i < tried->pair_count; i++) {
		struct qv_error why = QV_ERROR_INIT;
		struct qv_disjoint *routes =
			qv_disjoint_new(topology, tried->pairs[i].a, tried->pairs[i].b, MOST_ROUTES, NULL, &why);
		if (!routes && why.code != QV_E_NOT_FOUND)
			return qv_fail(err, why.code, "%s", why.message);
		worth->value += 1 - pow(0.25, routes ? (double)routes->count : 0);
		worth->routes += routes ? (double)routes->count : 0;
		qv_disjoint_free(routes);
	}
	return 0;
}

static int rate(struct worth *worth, const struct tried *tried, const struct qv_topology *topology,
		struct qv_error *err)
{
	if (tried->pairs)
		return rate_all(worth, tried, topology, err);
	return rate_pair(worth, tried->relay, topology, tried->from, tried->to, &tried->wish, err);
}

/* A link between the two themselves would leave nothing to relay. */
static bool is_between_ends(const struct tried *tried, const struct pair *pair)
{
	return !tried->pairs &&
	       ((pair->a == tried->from && pair->b == tried->to) || (pair->a == tried->to && pair->b == tried->from));
}

static int try_all(struct suggestion *suggestion, const struct tried *tried, const struct qv_topology *topology,
		   size_t most, struct progress *progress, struct qv_error *err)
{
	size_t count = 0;
	struct pair *candidates = find_candidates(topology, most, &count, &suggestion->all);
	if (!candidates)
		return qv_fail(err, QV_E_NOMEM, "no memory for links to try");
	int result = rate(&suggestion->now, tried, topology, err);
	suggestion->then = suggestion->now;
	for (size_t i = 0; result == 0 && i < count; i++) {
		struct worth worth;
		if (is_between_ends(tried, &candidates[i]))
			continue;
		struct qv_topology *larger = with_link(topology, &candidates[i], err);
		result = larger ? rate(&worth, tried, larger, err) : -1;
		qv_topology_free(larger);
		progress_show(progress, (double)i, (double)count);
		if (result != 0 || worth.value <= suggestion->then.value)
			continue;
		suggestion->then = worth;
		suggestion->found = true;
		suggestion->a = candidates[i].a;
		suggestion->b = candidates[i].b;
	}
	suggestion->candidates = (uint32_t)count;
	free(candidates);
	return result;
}

int suggest_for_pair(struct suggestion *suggestion, const struct relay_module *relay,
		     const struct qv_topology *topology, uint32_t from, uint32_t to, const struct analysis_wish *wish,
		     struct progress *progress, struct qv_error *err)
{
	struct tried tried = { .relay = relay, .wish = *wish, .from = from, .to = to };
	tried.wish.limits = (struct sets_limits){ .work = WORK_SETS, .sets = 0 };
	*suggestion = (struct suggestion){ .relay = relay->class->head.name, .from = from, .to = to };
	return try_all(suggestion, &tried, topology, TRIES_PAIR, progress, err);
}

int suggest_for_all(struct suggestion *suggestion, const struct qv_topology *topology, struct progress *progress,
		    struct qv_error *err)
{
	uint32_t kmes = qv_topology_kmes(topology);
	double links = qv_topology_links(topology) + kmes;
	/* As many pairs and candidates as the work allows, in balance. */
	size_t most = (size_t)fmax(4, sqrt(WORK_ALL / links)), count = 0;
	bool all;
	*suggestion = (struct suggestion){ 0 };
	struct pair *pairs = find_candidates(topology, most, &count, &all);
	if (!pairs)
		return qv_fail(err, QV_E_NOMEM, "no memory for pairs of KMEs");
	struct tried tried = { .pairs = pairs, .pair_count = count };
	suggestion->pairs = (uint32_t)count;
	int result = count > 0 ? try_all(suggestion, &tried, topology, most, progress, err) : 0;
	free(pairs);
	return result;
}
