/* SPDX-License-Identifier: Apache-2.0 */
/* Vertex-disjoint routes between two KMEs of random networks with four links a KME, against igraph, in turn. */
#include <igraph/igraph.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <qvisio/route.h>

#include "../bench.h"

#define GOAL 0.2

struct bench_data {
	struct qv_topology *topology;
	igraph_t graph;
	uint32_t kmes;
	unsigned pairs;        /* looked at in a round */
	size_t routes[2];      /* found by ours, by theirs */
	uint64_t ours, theirs; /* states of the random numbers: both take the same pairs */
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* 2 * kmes different links, the lower end in the upper half of each number. */
static uint64_t *random_links(uint32_t kmes, size_t *count)
{
	uint64_t state = kmes, *links = malloc(2 * (size_t)kmes * sizeof *links);
	size_t made = 0, kept = 0;
	while (links && made < 2 * (size_t)kmes) {
		uint64_t a = next_random(&state) % kmes, b = next_random(&state) % kmes;
		if (a != b)
			links[made++] = a < b ? a << 32 | b : b << 32 | a;
	}
	if (links)
		qsort(links, made, sizeof *links, by_value);
	for (size_t i = 0; i < made; i++) {
		if (i == 0 || links[i] != links[i - 1])
			links[kept++] = links[i];
	}
	*count = kept;
	return links;
}

static struct qv_topology *make_topology(uint32_t kmes, const uint64_t *links, size_t count)
{
	struct qv_topology *topology = qv_topology_new(NULL);
	char id[16];
	for (uint32_t i = 0; topology && i < kmes; i++) {
		snprintf(id, sizeof id, "%" PRIu32, i);
		qv_topology_add_kme(topology, &(struct qv_topology_kme){ .id = id }, NULL);
	}
	for (size_t i = 0; topology && i < count; i++) {
		struct qv_topology_link link = { .from = (uint32_t)(links[i] >> 32), .to = (uint32_t)links[i] };
		if (qv_topology_add_link(topology, &link, NULL) != 0) {
			qv_topology_free(topology);
			return NULL;
		}
	}
	if (topology && qv_topology_finish(topology, NULL) == 0)
		return topology;
	qv_topology_free(topology);
	return NULL;
}

static int make_graph(igraph_t *graph, uint32_t kmes, const uint64_t *links, size_t count)
{
	igraph_vector_int_t edges;
	if (igraph_vector_int_init(&edges, (igraph_integer_t)(2 * count)) != IGRAPH_SUCCESS)
		return -1;
	for (size_t i = 0; i < count; i++) {
		VECTOR(edges)[2 * i] = (igraph_integer_t)(links[i] >> 32);
		VECTOR(edges)[2 * i + 1] = (igraph_integer_t)(uint32_t)links[i];
	}
	igraph_error_t made = igraph_create(graph, &edges, (igraph_integer_t)kmes, IGRAPH_UNDIRECTED);
	igraph_vector_int_destroy(&edges);
	return made == IGRAPH_SUCCESS ? 0 : -1;
}

static void next_pair(const struct bench_data *data, uint64_t *state, uint32_t *from, uint32_t *to)
{
	do {
		*from = (uint32_t)(next_random(state) % data->kmes);
		*to = (uint32_t)(next_random(state) % data->kmes);
	} while (*from == *to);
}

static double route_ours(struct bench_data *data)
{
	double start = bench_cpu();
	for (unsigned i = 0; i < data->pairs; i++) {
		struct qv_error err = QV_ERROR_INIT;
		uint32_t from, to;
		next_pair(data, &data->ours, &from, &to);
		struct qv_disjoint *routes = qv_disjoint_new(data->topology, from, to, 0, NULL, &err);
		if (!routes && err.code != QV_E_NOT_FOUND)
			return -1;
		data->routes[0] += routes ? routes->count : 0;
		qv_disjoint_free(routes);
	}
	return (bench_cpu() - start) / data->pairs * 1e3;
}

static double route_theirs(struct bench_data *data)
{
	double start = bench_cpu();
	for (unsigned i = 0; i < data->pairs; i++) {
		igraph_integer_t routes = 0;
		uint32_t from, to;
		next_pair(data, &data->theirs, &from, &to);
		if (igraph_vertex_disjoint_paths(&data->graph, &routes, from, to) != IGRAPH_SUCCESS)
			return -1;
		data->routes[1] += (size_t)routes;
	}
	return (bench_cpu() - start) / data->pairs * 1e3;
}

static bool measure(uint32_t kmes, unsigned pairs, int rounds)
{
	char what[64];
	size_t count;
	uint64_t *links = random_links(kmes, &count);
	struct bench_data data = { .kmes = kmes, .pairs = pairs, .ours = 7, .theirs = 7 };
	snprintf(what, sizeof what, "disjoint routes, %" PRIu32 " KMEs", kmes);
	data.topology = links ? make_topology(kmes, links, count) : NULL;
	bool graph = data.topology && make_graph(&data.graph, kmes, links, count) == 0, ok = false;
	struct bench_pair pair = { .what = what,
				   .unit = "ms",
				   .peer = "igraph",
				   .ours = route_ours,
				   .theirs = route_theirs,
				   .data = &data,
				   .rounds = rounds,
				   .goal = GOAL };
	if (graph) {
		ok = bench_run(&pair);
		if (data.routes[0] != data.routes[1]) {
			printf("ours found %zu routes, igraph %zu\n", data.routes[0], data.routes[1]);
			ok = false;
		}
		igraph_destroy(&data.graph);
	}
	qv_topology_free(data.topology);
	free(links);
	return ok;
}

int main(void)
{
	bench_header();
	bool ok = measure(10000, 8, 7);
	ok = measure(100000, 2, 5) && ok;
	ok = measure(1000000, 1, 2) && ok;
	return ok ? 0 : 1;
}
