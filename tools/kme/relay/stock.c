/* SPDX-License-Identifier: Apache-2.0 */
/* What the stocks of this KME's own links are enough for. Links without keys may be done without, where the plan can. */
#include "stock.h"

#include <stdlib.h>

#include "confirm.h"
#include "hop.h"
#include "relay.h"

struct own_link {
	const char *kme_id;
	uint32_t link;
	int64_t sessions; /* that its keys are enough for */
	bool dropped;
};

struct weighing {
	const struct plan *plan;
	struct own_link *links;
	size_t count;
	struct qv_relay_marks *kme_marks, *link_marks; /* made when the first link is tried without */
	void *scratch;
};

static int read_links(struct kme *kme, struct weighing *weighing, size_t share_size, struct qv_error *err)
{
	const struct plan *plan = weighing->plan;
	const struct qv_topology *topology = network_topology(plan->network);
	struct qv_topology_arcs arcs = qv_topology_out(topology, plan->self);
	weighing->links = calloc(arcs.count + 1, sizeof *weighing->links);
	if (!weighing->links)
		return qv_fail(err, QV_E_NOMEM, "no memory to look at links");
	for (size_t i = 0; i < arcs.count; i++) {
		uint64_t messages = plan->load[arcs.arcs[i].link];
		const char *id = qv_topology_kme(topology, arcs.arcs[i].kme)->id;
		const struct peer *peer = messages ? kme_peer(kme, id) : NULL;
		if (!peer)
			continue;
		int64_t stock = kme->store_class->stock(kme->store, id, peer->own_lane, err);
		if (stock < 0)
			return -1;
		weighing->links[weighing->count++] =
			(struct own_link){ .kme_id = id,
					   .link = arcs.arcs[i].link,
					   .sessions = stock / (int64_t)(messages * hop_key_count(share_size)) };
	}
	return 0;
}

static struct own_link *shortest(const struct weighing *weighing)
{
	struct own_link *least = NULL;
	for (size_t i = 0; i < weighing->count; i++)
		if (!weighing->links[i].dropped && (!least || weighing->links[i].sessions < least->sessions))
			least = &weighing->links[i];
	return least;
}

/* Whether keys still arrive when this link fails, too. */
static bool drop(struct weighing *weighing, struct own_link *link)
{
	const struct plan *plan = weighing->plan;
	const struct qv_topology *topology = network_topology(plan->network);
	struct qv_relay_verdict verdict = { .delivered = 0 };
	if (!plan->class->judge)
		return false;
	if (!weighing->scratch) {
		weighing->kme_marks = calloc(qv_topology_kmes(topology) + 1, sizeof *weighing->kme_marks);
		weighing->link_marks = calloc(qv_topology_links(topology) + 1, sizeof *weighing->link_marks);
		weighing->scratch = malloc(plan->facts->scratch + 1);
	}
	if (!weighing->kme_marks || !weighing->link_marks || !weighing->scratch)
		return false;
	weighing->link_marks[link->link].down = 1;
	struct qv_relay_state state = { .kmes = weighing->kme_marks, .links = weighing->link_marks };
	plan->class->judge(plan->made, &state, weighing->scratch, &verdict);
	link->dropped = verdict.delivered & 1;
	return link->dropped;
}

int64_t stock_sessions(struct kme *kme, const struct plan *plan, size_t share_size, int64_t enough,
		       const char **short_of, struct qv_error *err)
{
	struct weighing weighing = { .plan = plan };
	int64_t result = read_links(kme, &weighing, share_size, err);
	struct own_link *link = NULL;
	while (result == 0 && (link = shortest(&weighing)) && link->sessions < enough && drop(&weighing, link))
		;
	if (result == 0 && link) {
		result = link->sessions;
		*short_of = link->kme_id;
	}
	free(weighing.links);
	free(weighing.kme_marks);
	free(weighing.link_marks);
	free(weighing.scratch);
	return result;
}

int relay_stock(struct kme *kme, const struct peer *peer, size_t bytes, int64_t *now, struct qv_error *err)
{
	const char *link;
	size_t stride = (bytes + QV_QKDLINK_KEY_BYTES - 1) / QV_QKDLINK_KEY_BYTES * QV_QKDLINK_KEY_BYTES;
	*now = 0;
	struct plan *plan = kme->network ? network_plan(kme->network, kme->id, peer->kme_id, err) : NULL;
	if (!plan)
		return 0;
	*now = stock_sessions(kme, plan, confirm_session_keys(1, stride) * stride, INT64_MAX, &link, err);
	plan_release(plan);
	return *now < 0 ? -1 : 0;
}
