/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/route.h>

#define PLANS_MAX 64

struct network {
	atomic_uint references;
	struct qv_role role;
	const struct qv_relay_class *class;
	struct qv_host host;
	struct qv_log *log;
	struct qv_relay *relay;
	struct qv_topology *topology;
	uint32_t self;
	struct network_limits limits;
	pthread_mutex_t lock;
	struct plan *plans
		[PLANS_MAX]; /* the cache has a reference on the plan, but the plan's on the network does not count */
	size_t plan_count;
	uint64_t clock;
};

static void free_plan(struct plan *plan)
{
	if (plan->made)
		plan->class->plan_free(plan->made);
	free(plan->load);
	free(plan);
}

/* The links that the topology gives this KME are those that it has keys of. */
static int check_neighbours(const struct network *network, const struct kme *kme, const struct qv_options *top,
			    struct qv_topology_arcs arcs, struct qv_error *err)
{
	for (size_t i = 0; i < arcs.count; i++) {
		const char *id = qv_topology_kme(network->topology, arcs.arcs[i].kme)->id;
		const struct peer *peer = kme_peer((struct kme *)(uintptr_t)kme, id);
		if (!peer || !peer->linked)
			return qv_options_fail(
				top, "topology", err,
				"%s has a link between \"%s\" and \"%s\", but peers of this KME has none",
				qv_options_string(top, "topology"), kme->id, id);
	}
	return 0;
}

static int load_topology(struct network *network, const struct kme *kme, const struct qv_options *top,
			 struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	network->topology = qv_topology_load(qv_options_string(top, "topology"), &why);
	if (!network->topology && why.code != QV_E_CONFIG)
		return qv_options_fail(top, "topology", err, "%s", why.message);
	if (!network->topology) {
		*err = why;
		return -1;
	}
	network->self = qv_topology_find(network->topology, kme->id);
	if (network->self == QV_TOPOLOGY_NONE)
		return qv_options_fail(top, "topology", err, "%s has no KME \"%s\", which is this one",
				       qv_options_string(top, "topology"), kme->id);
	if (check_neighbours(network, kme, top, qv_topology_out(network->topology, network->self), err) != 0)
		return -1;
	return check_neighbours(network, kme, top, qv_topology_in(network->topology, network->self), err);
}

static void read_limits(struct network_limits *limits, const struct qv_options *top)
{
	*limits = (struct network_limits){ .sessions = (size_t)qv_options_int(top, "sessions"),
					   .memory = (size_t)qv_options_int(top, "memory") * 1024 * 1024,
					   .queue = (size_t)qv_options_int(top, "queue"),
					   .hop_wait = qv_options_int(top, "hop_wait") * QV_NS_PER_MS,
					   .time = qv_options_int(top, "time") * QV_NS_PER_MS,
					   .attempts = (unsigned)qv_options_int(top, "attempts") };
}

struct network *network_new(const struct kme *kme, const struct qv_options *top, struct qv_role *role,
			    struct qv_error *err)
{
	struct network *network = calloc(1, sizeof *network);
	if (!network) {
		qv_fail(err, QV_E_NOMEM, "no memory for a network");
		return NULL;
	}
	atomic_init(&network->references, 1);
	pthread_mutex_init(&network->lock, NULL);
	network->role = *role;
	*role = (struct qv_role){ NULL };
	network->class = qv_relay_class(network->role.class);
	network->log = qv_log_child(kme->log, "relay");
	network->host = (struct qv_host){
		.size = sizeof network->host, .log = network->log, .clock = &qv_clock_monotonic, .cancel_fd = -1
	};
	read_limits(&network->limits, top);
	if (load_topology(network, kme, top, err) == 0)
		network->relay = network->class->open(&network->host, network->role.options, err);
	if (network->relay)
		return network;
	network_release(network);
	return NULL;
}

struct network *network_hold(struct network *network)
{
	atomic_fetch_add(&network->references, 1);
	return network;
}

void network_release(struct network *network)
{
	if (!network || atomic_fetch_sub(&network->references, 1) != 1)
		return;
	for (size_t i = 0; i < network->plan_count; i++)
		free_plan(network->plans[i]);
	if (network->relay)
		network->class->close(network->relay);
	qv_role_free(&network->role);
	qv_topology_free(network->topology);
	qv_log_free(network->log);
	pthread_mutex_destroy(&network->lock);
	free(network);
}

const struct network_limits *network_limits(const struct network *network)
{
	return &network->limits;
}

const struct qv_topology *network_topology(const struct network *network)
{
	return network->topology;
}

const struct qv_relay_class *network_module(const struct network *network)
{
	return network->class;
}

uint32_t network_self(const struct network *network)
{
	return network->self;
}

/* Whoever is farther from the origin waits for those before it, who wait too. */
static int find_wait(struct plan *plan, struct qv_error *err)
{
	uint32_t left = 0;
	if (plan->self != plan->to) {
		struct qv_route_plan *routes =
			qv_route_plan_new(plan->network->topology, plan->self, plan->to, NULL, err);
		if (!routes)
			return -1;
		left = qv_route_distance(routes, plan->self);
		qv_route_plan_free(routes);
	}
	uint32_t hops = plan->facts->hops > left ? plan->facts->hops - left : 1;
	plan->wait = hops * plan->network->limits.hop_wait;
	return 0;
}

static int find_load(struct plan *plan, struct qv_error *err)
{
	const struct qv_topology *topology = plan->network->topology;
	size_t links = qv_topology_links(topology);
	double *messages = calloc(2 * links + 1, sizeof *messages);
	plan->load = calloc(links + 1, sizeof *plan->load);
	if (messages && plan->load) {
		plan->class->load(plan->made, messages);
		for (size_t i = 0; i < links; i++) {
			const struct qv_topology_link *link = qv_topology_link(topology, (uint32_t)i);
			if (link->from == plan->self)
				plan->load[i] = (uint64_t)(messages[2 * i] + 0.5);
			else if (link->to == plan->self)
				plan->load[i] = (uint64_t)(messages[2 * i + 1] + 0.5);
		}
	}
	bool whole = messages && plan->load;
	free(messages);
	return whole ? 0 : qv_fail(err, QV_E_NOMEM, "no memory for a relay plan");
}

static struct plan *make_plan(struct network *network, uint32_t from, uint32_t to, struct qv_error *err)
{
	struct plan *plan = calloc(1, sizeof *plan);
	if (!plan) {
		qv_fail(err, QV_E_NOMEM, "no memory for a relay plan");
		return NULL;
	}
	atomic_init(&plan->references, 1);
	plan->network = network;
	plan->class = network->class;
	plan->from = from;
	plan->to = to;
	plan->self = network->self;
	plan->made = network->class->plan(network->relay, network->topology, from, to, err);
	if (plan->made) {
		plan->facts = network->class->facts(plan->made);
		if (find_wait(plan, err) == 0 && find_load(plan, err) == 0)
			return plan;
	}
	free_plan(plan);
	return NULL;
}

/* Called with the lock. */
static struct plan *find_plan(struct network *network, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < network->plan_count; i++)
		if (network->plans[i]->from == from && network->plans[i]->to == to)
			return network->plans[i];
	return NULL;
}

/* Puts a new plan where there is room, or where the one is that was not used for the longest time. */
static void keep_plan(struct network *network, struct plan *plan)
{
	if (network->plan_count < PLANS_MAX) {
		network->plans[network->plan_count++] = plan;
		return;
	}
	size_t oldest = 0;
	for (size_t i = 1; i < network->plan_count; i++)
		if (network->plans[i]->used < network->plans[oldest]->used)
			oldest = i;
	if (atomic_fetch_sub(&network->plans[oldest]->references, 1) == 1)
		free_plan(network->plans[oldest]);
	network->plans[oldest] = plan;
}

struct plan *network_plan(struct network *network, const char *from, const char *to, struct qv_error *err)
{
	uint32_t a = qv_topology_need(network->topology, from, err);
	uint32_t b = a == QV_TOPOLOGY_NONE ? a : qv_topology_need(network->topology, to, err);
	if (b == QV_TOPOLOGY_NONE)
		return NULL;
	pthread_mutex_lock(&network->lock);
	struct plan *plan = find_plan(network, a, b);
	if (!plan && (plan = make_plan(network, a, b, err)))
		keep_plan(network, plan);
	if (plan) {
		plan->used = ++network->clock;
		atomic_fetch_add(&plan->references, 1);
		network_hold(network);
	}
	pthread_mutex_unlock(&network->lock);
	return plan;
}

void plan_release(struct plan *plan)
{
	if (!plan)
		return;
	struct network *network = plan->network;
	if (atomic_fetch_sub(&plan->references, 1) == 1)
		free_plan(plan);
	network_release(network);
}

char *network_names(const struct network *network, const uint32_t *kmes, size_t count)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i ? " - " : "", qv_topology_kme(network->topology, kmes[i])->id);
	return fclose(out) == 0 ? text : (free(text), NULL);
}
