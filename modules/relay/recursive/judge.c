/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a share at a KME is the same for all lineages, since all are split alike there with coefficients of
 * their own: one pass from the destination back says it for every KME.
 */
#include <qvisio/tally.h>

#include "recursive.h"

void recursive_judge(const struct qv_relay_plan *plan, const struct qv_relay_state *state, void *scratch,
		     struct qv_relay_verdict *verdict)
{
	size_t count;
	const uint32_t *order = qv_route_order(plan->routes, &count);
	uint32_t from = order[0], to = order[count - 1];
	uint64_t *arrives = scratch, *known = arrives + qv_topology_kmes(plan->topology);
	arrives[to] = UINT64_MAX;
	known[to] = 0;
	for (size_t i = count - 1; i-- > 0;) {
		uint32_t here = order[i];
		struct qv_topology_arcs next = qv_route_next(plan->routes, here);
		struct qv_tally got = { .used = 0 }, seen = { .used = 0 };
		for (size_t j = 0; j < next.count; j++) {
			uint32_t there = next.arcs[j].kme;
			const struct qv_relay_marks *link = &state->links[next.arcs[j].link];
			uint64_t passes = ~(link->down | (there == to ? 0 : state->kmes[there].down));
			qv_tally_add(&got, passes & arrives[there]);
			qv_tally_add(&seen, passes & (link->compromised | known[there]));
		}
		uint64_t leaks = here == from ? 0 : state->kmes[here].compromised;
		arrives[here] = qv_tally_at_least(&got, threshold(next.count));
		known[here] = leaks | qv_tally_at_least(&seen, threshold(next.count));
	}
	verdict->delivered = arrives[from];
	verdict->learned = known[from];
}
