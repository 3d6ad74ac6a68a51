/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/tally.h>

#include "disjoint.h"

void disjoint_judge(const struct qv_relay_plan *plan, const struct qv_relay_state *state, void *scratch,
		    struct qv_relay_verdict *verdict)
{
	const struct qv_disjoint *routes = plan->routes;
	struct qv_tally arrived = { .used = 0 }, seen = { .used = 0 };
	(void)scratch;
	for (size_t i = 0; i < plan->count; i++) {
		uint64_t passes = UINT64_MAX, known = 0;
		for (size_t j = routes->starts[i] + 1; j < routes->starts[i + 1]; j++) {
			uint32_t kme = routes->hops[j];
			uint32_t link = qv_topology_find_link(plan->topology, routes->hops[j - 1], kme);
			uint64_t down = kme == plan->to ? 0 : state->kmes[kme].down;
			uint64_t leaks = kme == plan->to ? 0 : state->kmes[kme].compromised;
			passes &= ~(state->links[link].down | down);
			known |= passes & (state->links[link].compromised | leaks);
		}
		qv_tally_add(&arrived, passes);
		qv_tally_add(&seen, known);
	}
	verdict->delivered = qv_tally_at_least(&arrived, plan->threshold);
	verdict->learned = qv_tally_at_least(&seen, plan->threshold);
}
