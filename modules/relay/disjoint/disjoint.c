/* SPDX-License-Identifier: Apache-2.0 */
/* Relay module "disjoint": one share over each of k routes that have no KME in common. */
#include <config.h>

#include "disjoint.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/shamir.h>

struct qv_relay_node {
	const struct qv_relay_plan *plan;
	const struct stop *stop; /* NULL: one of the ends */
	bool destination;
	size_t bytes;
	unsigned received; /* the origin: whether it has split */
	bool seen[ROUTES_MAX];
	struct qv_secret *shares; /* of all routes, at the ends */
};

static const struct qv_option options[] = {
	{ .name = "privacy",
	  .type = QV_OPTION_INT,
	  .min = 0,
	  .max = ROUTES_MAX - 1,
	  .unit = "KMEs",
	  .help = "So many compromised KMEs, whichever, learn nothing. Unset: what altered and lost leave, and when "
		  "these are 0 "
		  "too, as many as half of the routes, rounded down." },
	{ .name = "altered",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = ALTERED_MAX,
	  .unit = "routes",
	  .help = "So many routes, whichever, may alter their shares: they are corrected." },
	{ .name = "lost",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = ROUTES_MAX - 1,
	  .unit = "routes",
	  .help = "So many further routes, whichever, may lose their shares." },
	{ .name = "routes",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = ROUTES_MAX,
	  .unit = "routes",
	  .help = "Routes to use at most; 0: all there are." },
	{ .name = NULL },
};

static void close_relay(struct qv_relay *relay)
{
	free(relay);
}

static struct qv_relay *open_relay(const struct qv_host *host, const struct qv_options *given, struct qv_error *err)
{
	(void)host;
	struct qv_relay *relay = calloc(1, sizeof *relay);
	if (!relay) {
		qv_fail(err, QV_E_NOMEM, "no memory for a relay module");
		return NULL;
	}
	relay->privacy = qv_options_is_set(given, "privacy") ? qv_options_int(given, "privacy") : -1;
	relay->altered = (uint32_t)qv_options_int(given, "altered");
	relay->lost = (uint32_t)qv_options_int(given, "lost");
	relay->routes = (uint32_t)qv_options_int(given, "routes");
	return relay;
}

static const struct qv_relay_facts *facts(const struct qv_relay_plan *plan)
{
	return &plan->facts;
}

static void end(struct qv_relay_node *node)
{
	if (!node)
		return;
	qv_secret_free(node->shares);
	free(node);
}

static struct qv_relay_node *begin(const struct qv_relay_plan *plan, uint32_t self,
				   const struct qv_relay_session *session, struct qv_error *err)
{
	const struct stop *stop = disjoint_find_stop(plan, self);
	if (qv_relay_session_check(session, err) != 0)
		return NULL;
	size_t bytes = (size_t)session->keys * session->key_bytes;
	if (!stop && self != plan->from && self != plan->to) {
		qv_fail(err, QV_E_INVALID, "relay disjoint: this KME lies on no route of the plan");
		return NULL;
	}
	if (plan->count * bytes > QV_SECRET_MAX) {
		qv_fail(err, QV_E_UNSUPPORTED,
			"relay disjoint: %u shares of %zu bytes are more than fit into locked memory: use smaller "
			"batches",
			plan->count, bytes);
		return NULL;
	}
	struct qv_relay_node *node = calloc(1, sizeof *node);
	if (!node) {
		qv_fail(err, QV_E_NOMEM, "no memory for a relay session");
		return NULL;
	}
	*node = (struct qv_relay_node){ .plan = plan, .stop = stop, .destination = self == plan->to, .bytes = bytes };
	if (!stop)
		node->shares = qv_secret_new(plan->count * bytes, err);
	if (stop || node->shares)
		return node;
	end(node);
	return NULL;
}

static int send_share(struct qv_relay_send *send, uint32_t next, unsigned route, const uint8_t *share, size_t size,
		      struct qv_error *err)
{
	const uint8_t head[HEAD_SIZE] = { (uint8_t)route };
	const struct qv_relay_message message = { head, sizeof head, share, size };
	return send->message(send, next, &message, err);
}

static int split(struct qv_relay_node *node, struct qv_generator *generator, const uint8_t *keys, size_t size,
		 struct qv_relay_send *send, struct qv_error *err)
{
	const struct qv_relay_plan *plan = node->plan;
	uint8_t x[ROUTES_MAX], *shares[ROUTES_MAX];
	if (node->stop || node->destination || size != node->bytes || node->received)
		return qv_fail(err, QV_E_INVALID, "relay disjoint: the origin splits all keys of a session, once");
	node->received = 1;
	for (unsigned i = 0; i < plan->count; i++) {
		x[i] = (uint8_t)(i + 1);
		shares[i] = qv_secret_edit(node->shares) + i * node->bytes;
	}
	int result = qv_shamir_split(generator, keys, size, plan->threshold, x, plan->count, shares, err);
	for (unsigned i = 0; i < plan->count && result == 0; i++)
		result = send_share(send, plan->routes->hops[plan->routes->starts[i] + 1], i, shares[i], size, err);
	return result;
}

static int progress(const struct qv_relay_node *node)
{
	if (node->received == (node->stop ? 1 : node->plan->count))
		return QV_RELAY_DONE;
	return node->destination && node->received >= node->plan->threshold ? QV_RELAY_POSSIBLE : QV_RELAY_WAITING;
}

/* Whether the share of a route comes to this node from that neighbour. */
static bool comes_from(const struct qv_relay_node *node, unsigned route, uint32_t from)
{
	const struct qv_disjoint *routes = node->plan->routes;
	if (route >= node->plan->count || (!node->stop && !node->destination))
		return false;
	if (node->stop)
		return node->stop->route == route && routes->hops[node->stop->place - 1] == from;
	return routes->hops[routes->starts[route + 1] - 2] == from;
}

static int receive(struct qv_relay_node *node, struct qv_generator *generator, uint32_t from,
		   const struct qv_relay_message *message, struct qv_relay_send *send, struct qv_error *err)
{
	(void)generator;
	if (message->head_size != HEAD_SIZE || message->share_size != node->bytes)
		return qv_fail(err, QV_E_PROTOCOL, "relay disjoint: a message of %zu and %zu bytes, not %d and %zu",
			       message->head_size, message->share_size, HEAD_SIZE, node->bytes);
	unsigned route = message->head[0];
	if (!comes_from(node, route, from))
		return qv_fail(err, QV_E_PROTOCOL, "relay disjoint: no share of route %u comes from that KME", route);
	if (node->seen[route])
		return qv_fail(err, QV_E_PROTOCOL, "relay disjoint: the share of route %u came before", route);
	if (node->stop && send_share(send, node->plan->routes->hops[node->stop->place + 1], route, message->share,
				     node->bytes, err) != 0)
		return -1;
	if (node->destination)
		memcpy(qv_secret_edit(node->shares) + route * node->bytes, message->share, node->bytes);
	node->seen[route] = true;
	node->received++;
	return progress(node);
}

static int expire(struct qv_relay_node *node, struct qv_generator *generator, struct qv_relay_send *send,
		  struct qv_error *err)
{
	(void)generator;
	(void)send;
	(void)err;
	return node->destination ? progress(node) : QV_RELAY_DONE;
}

static void report_route(const struct qv_relay_node *node, unsigned route, struct qv_relay_report *report)
{
	const struct qv_disjoint *routes = node->plan->routes;
	size_t start = routes->starts[route] + 1;
	if (report)
		report->wrong(report, routes->hops + start, routes->starts[route + 1] - 1 - start);
}

static int rebuild(struct qv_relay_node *node, uint8_t *keys, size_t size, struct qv_relay_report *report,
		   struct qv_error *err)
{
	const struct qv_relay_plan *plan = node->plan;
	const uint8_t *shares[ROUTES_MAX];
	uint8_t x[ROUTES_MAX];
	bool wrong[ROUTES_MAX];
	unsigned count = 0;
	memset(keys, 0, size);
	if (!node->destination || size != node->bytes)
		return qv_fail(err, QV_E_INVALID,
			       "relay disjoint: only the destination rebuilds, and all keys at once");
	for (unsigned i = 0; i < plan->count; i++) {
		if (!node->seen[i])
			continue;
		x[count] = (uint8_t)(i + 1);
		shares[count++] = qv_secret_bytes(node->shares) + i * node->bytes;
	}
	if (count < plan->threshold)
		return qv_fail(err, QV_E_NO_KEY, "relay disjoint: shares of %u routes have come, %u of %u are needed",
			       count, plan->threshold, plan->count);
	int errors = qv_shamir_rebuild_robust(plan->threshold, x, shares, count, size, QV_SHAMIR_CORRECT_ALL, keys,
					      wrong, err);
	if (errors < 0)
		return qv_error_prefix(err, "relay disjoint");
	for (unsigned i = 0; i < count && errors > 0; i++)
		if (wrong[i])
			report_route(node, x[i] - 1u, report);
	return 0;
}

static const struct qv_relay_class disjoint = {
	.head = { .kind = "relay",
		  .name = "disjoint",
		  .summary = "one share over each of the routes that have no KME in common",
		  .abi_major = QV_RELAY_ABI_MAJOR,
		  .abi_minor = QV_RELAY_ABI_MINOR,
		  .size = sizeof(struct qv_relay_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = open_relay,
	.close = close_relay,
	.plan = disjoint_plan,
	.plan_free = disjoint_plan_free,
	.facts = facts,
	.load = disjoint_load,
	.begin = begin,
	.end = end,
	.split = split,
	.receive = receive,
	.expire = expire,
	.rebuild = rebuild,
	.judge = disjoint_judge,
};

static const struct qv_class *const classes[] = { &disjoint.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = PACKAGE_VERSION,
	.license = "Apache-2.0",
	.classes = classes,
};
