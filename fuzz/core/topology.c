/* SPDX-License-Identifier: Apache-2.0 */
/* Topology files, and routes through whatever they hold. */
#include "../fuzz.h"

#include <qvisio/route.h>

#include <stdlib.h>
#include <string.h>

const char *const fuzz_corpus = "fuzz/core/corpus/topology";

static void check_steps(const struct qv_topology *topology, uint32_t kme)
{
	struct qv_topology_arcs out = qv_topology_out(topology, kme);
	for (size_t i = 0; i < out.count; i++)
		if ((i > 0 && out.arcs[i - 1].kme >= out.arcs[i].kme) || out.arcs[i].kme == kme ||
		    qv_topology_find_link(topology, kme, out.arcs[i].kme) != out.arcs[i].link)
			abort();
}

static void check_routes(const struct qv_topology *topology, uint32_t from, uint32_t to)
{
	struct qv_error err = QV_ERROR_INIT;
	const struct qv_route_options options = { .avoid_down = true, .sideways = true, .max_next = 3 };
	struct qv_route_plan *plan = qv_route_plan_new(topology, from, to, &options, &err);
	struct qv_disjoint *routes = qv_disjoint_new(topology, from, to, 0, &options, NULL);
	if ((plan == NULL) != (routes == NULL) || (!plan && !err.message[0]))
		abort();
	qv_route_plan_free(plan);
	qv_disjoint_free(routes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qv_error err = QV_ERROR_INIT;
	char *text = calloc(1, size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	struct qv_topology *topology = qv_topology_parse(text, "fuzz", &err);
	if (!topology && (!err.message[0] || err.code == QV_OK))
		abort();
	for (uint32_t i = 0; topology && i < qv_topology_kmes(topology); i++) {
		if (qv_topology_find(topology, qv_topology_kme(topology, i)->id) != i)
			abort();
		check_steps(topology, i);
	}
	if (topology) {
		check_routes(topology, 0, qv_topology_kmes(topology) - 1);
		check_routes(topology, qv_topology_kmes(topology) / 2, 0);
	}
	qv_topology_free(topology);
	free(text);
	return 0;
}
