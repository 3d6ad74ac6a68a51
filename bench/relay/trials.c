/* SPDX-License-Identifier: Apache-2.0 */
/* Trials of qkd-relay analyse: the time for a trial and link in networks of growing size, which is to stay the same. */
#include <stdio.h>
#include <stdlib.h>

#include "../../tools/relay/access.h"
#include "../../tools/relay/command.h"
#include "../../tools/relay/trials.h"
#include "../bench.h"

#define LAYERS 3

struct network {
	struct qv_topology *topology;
	struct qv_relay_plan *plan;
	double *load, *chances;
	struct access access;
	uint64_t trials; /* of a round: fewer in larger networks */
	uint32_t links;
};

struct bench_data {
	struct relay_module module;
	struct network small, large;
};

static void add_layer(struct qv_topology *topology, const uint32_t *before, unsigned width_before, uint32_t *layer,
		      unsigned width, unsigned *made)
{
	char id[16];
	for (unsigned i = 0; i < width; i++) {
		snprintf(id, sizeof id, "%u", ++*made);
		layer[i] = qv_topology_add_kme(topology, &(struct qv_topology_kme){ .id = id }, NULL);
		for (unsigned j = 0; j < width_before; j++)
			qv_topology_add_link(topology, &(struct qv_topology_link){ .from = before[j], .to = layer[i] },
					     NULL);
	}
}

/* An origin, full layers of relays, a destination. */
static struct qv_topology *make_topology(unsigned width)
{
	struct qv_topology *topology = qv_topology_new(NULL);
	uint32_t *before = calloc(width, sizeof *before), *after = calloc(width, sizeof *after);
	unsigned made = 0, width_before = 0;
	if (!before || !after)
		exit(EXIT_FAILURE);
	for (int i = 0; topology && i < LAYERS + 2; i++) {
		unsigned own = i == 0 || i == LAYERS + 1 ? 1 : width;
		add_layer(topology, before, width_before, after, own, &made);
		uint32_t *swap = before;
		before = after;
		after = swap;
		width_before = own;
	}
	free(before);
	free(after);
	if (topology && qv_topology_finish(topology, NULL) == 0)
		return topology;
	qv_topology_free(topology);
	return NULL;
}

static int open_network(struct network *network, const struct relay_module *module, unsigned width, uint64_t trials,
			struct qv_error *err)
{
	network->topology = make_topology(width);
	if (!network->topology)
		return qv_fail(err, QV_E_NOMEM, "no memory for a network");
	uint32_t to = qv_topology_kmes(network->topology) - 1;
	network->links = qv_topology_links(network->topology);
	network->trials = trials;
	network->load = calloc(2 * (size_t)network->links, sizeof *network->load);
	network->plan = module->class->plan(module->relay, network->topology, 0, to, err);
	if (!network->plan || !network->load)
		return -1;
	module->class->load(network->plan, network->load);
	if (access_open(&network->access, ACCESS_STOPPED, module->class, network->plan, network->topology, 0, to,
			network->load, err) != 0)
		return -1;
	network->chances = calloc(network->access.statement.facts, sizeof *network->chances);
	for (uint32_t i = 0; network->chances && i < network->access.statement.facts; i++)
		network->chances[i] = 0.1;
	return network->chances ? 0 : qv_fail(err, QV_E_NOMEM, "no memory for a network");
}

static void close_network(struct network *network, const struct relay_module *module)
{
	access_clear(&network->access);
	if (module->class)
		module->class->plan_free(network->plan);
	free(network->load);
	free(network->chances);
	qv_topology_free(network->topology);
}

static double measure(const struct network *network)
{
	struct estimate estimate;
	double start = bench_cpu();
	if (trials_run(&estimate, &network->access.statement, network->chances, network->trials, 1, NULL, NULL) != 0)
		return -1;
	return (bench_cpu() - start) * 1e9 / (double)network->trials / network->links;
}

static double measure_large(struct bench_data *data)
{
	return measure(&data->large);
}

static double measure_small(struct bench_data *data)
{
	return measure(&data->small);
}

int main(void)
{
	struct bench_data data = { .module.loader = NULL };
	struct qv_error err = QV_ERROR_INIT;
	static const char *const options[] = { "max_messages=1000000", NULL };
	const struct bench_pair pair = { .what = "relay: a trial, per link, 16380 links",
					 .unit = "ns",
					 .peer = "220 links",
					 .ours = measure_large,
					 .theirs = measure_small,
					 .data = &data,
					 .rounds = 9,
					 .goal = 1.5 };
	bool done = relay_module_open(&data.module, "recursive", options, &err) == 0 &&
		    open_network(&data.small, &data.module, 10, 64000, &err) == 0 &&
		    open_network(&data.large, &data.module, 90, 6400, &err) == 0;
	if (done) {
		bench_header();
		done = bench_run(&pair);
	} else {
		fprintf(stderr, "bench relay/trials: %s\n", err.message);
	}
	close_network(&data.small, &data.module);
	close_network(&data.large, &data.module);
	relay_module_close(&data.module);
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
