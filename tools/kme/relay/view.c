/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <inttypes.h>
#include <stdlib.h>

#include "network.h"
#include "outbox.h"
#include "relay.h"
#include "session.h"

#define DRAWN_MAX    300 /* KMEs of a network that is shown whole */
#define SESSIONS_MAX 100

static json_t *kmes_json(const struct network *network)
{
	const struct qv_topology *topology = network_topology(network);
	json_t *list = json_array();
	for (uint32_t i = 0; i < qv_topology_kmes(topology); i++) {
		const struct qv_topology_kme *kme = qv_topology_kme(topology, i);
		json_t *one = json_pack("{s:s,s:b}", "id", kme->id, "down", (kme->marks & QV_TOPOLOGY_DOWN) != 0);
		if (kme->placed)
			json_object_set_new(one, "at", json_pack("[f,f]", kme->x, kme->y));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *links_json(const struct network *network)
{
	const struct qv_topology *topology = network_topology(network);
	json_t *list = json_array();
	for (uint32_t i = 0; i < qv_topology_links(topology); i++) {
		const struct qv_topology_link *link = qv_topology_link(topology, i);
		json_array_append_new(list, json_pack("{s:i,s:i,s:b}", "from", (int)link->from, "to", (int)link->to,
						      "down", (link->marks & QV_TOPOLOGY_DOWN) != 0));
	}
	return list;
}

/* Messages that cross each link, either way, for a session. */
static json_t *load_json(const struct plan *plan)
{
	size_t links = qv_topology_links(network_topology(plan->network));
	double *messages = calloc(2 * links + 1, sizeof *messages);
	json_t *list = json_array();
	if (messages)
		plan->class->load(plan->made, messages);
	for (size_t i = 0; messages && i < links; i++)
		json_array_append_new(list, json_real(messages[2 * i] + messages[2 * i + 1]));
	free(messages);
	return list;
}

static json_t *routes_json(struct kme *kme, bool drawn)
{
	json_t *list = json_array();
	for (size_t i = 0; i < kme->peer_count; i++) {
		struct qv_error err = QV_ERROR_INIT;
		int64_t now = 0;
		const struct peer *peer = &kme->peers[i];
		if (peer->linked)
			continue;
		struct plan *plan = network_plan(kme->network, kme->id, peer->kme_id, &err);
		if (!plan) {
			json_array_append_new(list, json_pack("{s:s,s:s}", "to", peer->kme_id, "why", err.message));
			continue;
		}
		relay_stock(kme, peer, kme->limits.bytes, &now, &err);
		json_t *route = json_pack("{s:s,s:s,s:I,s:f}", "to", peer->kme_id, "about", plan->facts->text, "keys",
					  (json_int_t)now, "messages", plan->facts->messages);
		if (drawn)
			json_object_set_new(route, "load", load_json(plan));
		json_array_append_new(list, route);
		plan_release(plan);
	}
	return list;
}

static void add_session(void *context, struct session *session)
{
	json_t *list = context;
	const struct plan *plan = session->plan;
	const struct qv_topology *topology = network_topology(plan->network);
	if (json_array_size(list) >= SESSIONS_MAX)
		return;
	json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:i,s:i}", "session", session->text, "role",
					      plan->from == plan->self ? "origin"
					      : plan->to == plan->self ? "destination"
								       : "relay",
					      "from", qv_topology_kme(topology, plan->from)->id, "to",
					      qv_topology_kme(topology, plan->to)->id, "bytes",
					      (int)session->size.keys * session->size.key_bytes, "attempt",
					      (int)session->size.attempt));
}

static void add_spent(void *context, const char *kme_id, uint64_t shares, uint64_t link_keys, size_t waiting)
{
	json_array_append_new(context, json_pack("{s:s,s:I,s:I,s:I}", "peer", kme_id, "shares", (json_int_t)shares,
						 "link_keys", (json_int_t)link_keys, "waiting", (json_int_t)waiting));
}

json_t *relay_view(struct kme *kme)
{
	const struct network *network = kme->network;
	const struct qv_topology *topology = network_topology(network);
	const struct relay_counts *counts = &kme->relay->counts;
	bool drawn = qv_topology_kmes(topology) <= DRAWN_MAX;
	json_t *sessions = json_array(), *spent = json_array();
	sessions_walk(kme->relay->sessions, add_session, sessions);
	outboxes_walk(kme->relay->outboxes, add_spent, spent);
	json_t *json = json_pack(
		"{s:s,s:i,s:i,s:o,s:o,s:I,s:o,s:I,s:I,s:I,s:I}", "module", network_module(network)->head.name, "self",
		(int)network_self(network), "size", (int)qv_topology_kmes(topology), "routes", routes_json(kme, drawn),
		"sessions", sessions, "session_count", (json_int_t)sessions_count(kme->relay->sessions), "spent", spent,
		"delivered", (json_int_t)counts->delivered, "altered", (json_int_t)counts->altered, "lost",
		(json_int_t)counts->lost, "refused", (json_int_t)counts->refused);
	if (json && drawn) {
		json_object_set_new(json, "kmes", kmes_json(network));
		json_object_set_new(json, "links", links_json(network));
	}
	return json;
}

static void print(FILE *out, const char *name, const char *help, uint64_t value)
{
	fprintf(out, "# HELP qkd_kme_relay_%s %s\n# TYPE qkd_kme_relay_%s counter\nqkd_kme_relay_%s %" PRIu64 "\n",
		name, help, name, name, value);
}

void relay_metrics(struct kme *kme, FILE *out)
{
	if (!kme->relay)
		return;
	const struct relay_counts *counts = &kme->relay->counts;
	print(out, "sessions_begun_total", "Sessions that this KME began for keys of its SAEs.", counts->begun);
	print(out, "sessions_delivered_total", "Those whose keys were promised at the destination.", counts->delivered);
	print(out, "mismatches_total", "Times that the destination had other keys than were sent.", counts->mismatches);
	print(out, "sessions_turned_away_total", "Sessions of others for which there was no room.",
	      counts->turned_away);
	print(out, "shares_sent_total", "Shares that a neighbour took.", counts->sent);
	print(out, "shares_received_total", "Shares that were taken from neighbours.", counts->received);
	print(out, "shares_refused_total", "Shares that came and were not taken.", counts->refused);
	print(out, "shares_lost_total", "Shares that did not get to a neighbour.", counts->lost);
	print(out, "shares_altered_total", "Shares found to be wrong where their way ended here.", counts->altered);
	print(out, "link_keys_total", "Link keys spent on shares that were sent.", counts->link_keys);
	fprintf(out,
		"# HELP qkd_kme_relay_sessions Sessions that this KME has a part in now.\n"
		"# TYPE qkd_kme_relay_sessions gauge\nqkd_kme_relay_sessions %zu\n"
		"# HELP qkd_kme_relay_waiting Shares that wait to be sent.\n"
		"# TYPE qkd_kme_relay_waiting gauge\nqkd_kme_relay_waiting %zu\n",
		sessions_count(kme->relay->sessions), outboxes_waiting(kme->relay->outboxes));
}
