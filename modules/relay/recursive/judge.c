/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a share at a KME is the same for all lineages, since all are split alike there with coefficients of
 * their own: one pass from the destination back says it for every KME.
 */
#include "recursive.h"

void recursive_judge(const struct qv_relay_plan *plan, const struct qv_relay_state *state, void *scratch,
		     struct qv_relay_verdict *verdict)
{
	size_t count;
	const uint32_t *order = qv_route_order(plan->routes, &count);
	uint32_t from = order[0], to = order[count - 1];
	uint8_t *arrives = scratch, *known = arrives + qv_topology_kmes(plan->topology);
	arrives[to] = 1;
	known[to] = 0;
	for (size_t i = count - 1; i-- > 0;) {
		uint32_t here = order[i];
		struct qv_topology_arcs next = qv_route_next(plan->routes, here);
		unsigned got = 0, seen = 0, needed = threshold(next.count);
		for (size_t j = 0; j < next.count; j++) {
			uint32_t there = next.arcs[j].kme;
			uint8_t link = state->links[next.arcs[j].link];
			bool passes =
				!(link & QV_TOPOLOGY_DOWN) && (there == to || !(state->kmes[there] & QV_TOPOLOGY_DOWN));
			got += passes && arrives[there];
			seen += passes && (link & QV_TOPOLOGY_COMPROMISED || known[there]);
		}
		bool leaks = here != from && state->kmes[here] & QV_TOPOLOGY_COMPROMISED;
		arrives[here] = got >= needed;
		known[here] = leaks || seen >= needed;
	}
	verdict->delivered = arrives[from];
	verdict->learned = known[from];
}
