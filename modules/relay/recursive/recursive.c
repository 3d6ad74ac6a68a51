/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relay module "recursive": every KME splits each share it gets over its next hops; more than half of them rebuild it.
 * One next hop passes a share on as it is.
 */
#include <config.h>

#include "recursive.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/shamir.h>

static const struct qv_option options[] = {
	{ .name = "max_messages",
	  .type = QV_OPTION_INT,
	  .fallback = "65536",
	  .min = 1,
	  .max = 1e6,
	  .unit = "messages",
	  .help = "What a session may take at most over all hops: there is one for each hop of every path." },
	{ .name = "max_next",
	  .type = QV_OPTION_INT,
	  .fallback = "0",
	  .min = 0,
	  .max = NEXT_MAX,
	  .unit = "KMEs",
	  .help = "Next hops that a KME splits over at most; 0: all." },
	{ .name = "sideways",
	  .type = QV_OPTION_BOOL,
	  .fallback = "false",
	  .help = "Also use links between KMEs that are equally far from the destination." },
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
	relay->max_messages = (double)qv_options_int(given, "max_messages");
	relay->routes.max_next = (uint32_t)qv_options_int(given, "max_next");
	relay->routes.sideways = qv_options_bool(given, "sideways");
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
	for (size_t i = 0; i < node->chunk_count && node->slots; i++)
		qv_secret_free(node->slots[i]);
	free(node->slots);
	qv_secret_free(node->work);
	free(node->seen);
	free(node);
}

static struct qv_relay_node *begin(const struct qv_relay_plan *plan, uint32_t self,
				   const struct qv_relay_session *session, struct qv_error *err)
{
	if (qv_relay_session_check(session, err) != 0)
		return NULL;
	if (self >= qv_topology_kmes(plan->topology) || plan->lineages[self] == 0) {
		qv_fail(err, QV_E_INVALID, "relay recursive: this KME lies on no route of the plan");
		return NULL;
	}
	struct qv_relay_node *node = calloc(1, sizeof *node);
	if (!node) {
		qv_fail(err, QV_E_NOMEM, "no memory for a relay session");
		return NULL;
	}
	node->plan = plan;
	node->self = self;
	node->bytes = (size_t)session->keys * session->key_bytes;
	bool origin = self == qv_route_from(plan->routes);
	node->expected = origin ? 0 : plan->lineages[self];
	node->seen = calloc(plan->lineages[self] / 8 + 1, 1);
	if (self == qv_route_to(plan->routes) && node->expected) {
		node->slot_count = QV_SECRET_MAX / node->bytes;
		node->slot_count = node->slot_count < node->expected ? node->slot_count : node->expected;
		node->chunk_count = (node->expected + node->slot_count - 1) / node->slot_count;
		node->slots = calloc(node->chunk_count, sizeof *node->slots);
	}
	if (node->seen && (node->chunk_count == 0 || node->slots))
		return node;
	qv_fail(err, QV_E_NOMEM, "no memory for a relay session");
	end(node);
	return NULL;
}

const uint8_t *node_slot(const struct qv_relay_node *node, uint32_t lineage)
{
	return qv_secret_bytes(node->slots[lineage / node->slot_count]) + lineage % node->slot_count * node->bytes;
}

static int keep(struct qv_relay_node *node, uint32_t lineage, const uint8_t *share, struct qv_error *err)
{
	struct qv_secret **chunk = &node->slots[lineage / node->slot_count];
	if (!*chunk)
		*chunk = qv_secret_new(node->slot_count * node->bytes, err);
	if (!*chunk)
		return -1;
	memcpy(qv_secret_edit(*chunk) + lineage % node->slot_count * node->bytes, share, node->bytes);
	return 0;
}

static int send_share(const struct qv_relay_node *node, size_t hop, uint32_t lineage, const uint8_t *share,
		      struct qv_relay_send *send, struct qv_error *err)
{
	const struct qv_relay_plan *plan = node->plan;
	uint32_t number = plan->bases[plan->starts[node->self] + hop] + lineage;
	const uint8_t head[HEAD_SIZE] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
					  (uint8_t)number };
	const struct qv_relay_message message = { head, sizeof head, share, node->bytes };
	return send->message(send, qv_route_next(plan->routes, node->self).arcs[hop].kme, &message, err);
}

/* Splits over the next hops a part of the share at a time would need every message in parts: so all of it at once. */
static int pass_on(struct qv_relay_node *node, struct qv_generator *generator, uint32_t lineage, const uint8_t *share,
		   struct qv_relay_send *send, struct qv_error *err)
{
	size_t count = qv_route_next(node->plan->routes, node->self).count;
	uint8_t x[NEXT_MAX], *shares[NEXT_MAX];
	if (count == 1)
		return send_share(node, 0, lineage, share, send, err);
	if (count * node->bytes > QV_SECRET_MAX)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "relay recursive: %zu shares of %zu bytes are more than fit into locked memory: use "
			       "smaller batches",
			       count, node->bytes);
	if (!node->work)
		node->work = qv_secret_new(count * node->bytes, err);
	if (!node->work)
		return -1;
	for (size_t i = 0; i < count; i++) {
		x[i] = (uint8_t)(i + 1);
		shares[i] = qv_secret_edit(node->work) + i * node->bytes;
	}
	int result = qv_shamir_split(generator, share, node->bytes, threshold(count), x, (unsigned)count, shares, err);
	for (size_t i = 0; i < count && result == 0; i++)
		result = send_share(node, i, lineage, shares[i], send, err);
	return result;
}

static int split(struct qv_relay_node *node, struct qv_generator *generator, const uint8_t *keys, size_t size,
		 struct qv_relay_send *send, struct qv_error *err)
{
	if (node->self != qv_route_from(node->plan->routes) || size != node->bytes || node->was_split)
		return qv_fail(err, QV_E_INVALID, "relay recursive: the origin splits all keys of a session, once");
	node->was_split = true;
	return pass_on(node, generator, 0, keys, send, err);
}

static int progress(const struct qv_relay_node *node)
{
	if (node->received == node->expected)
		return QV_RELAY_DONE;
	if (!node->slots || node->received < node->plan->needed)
		return QV_RELAY_WAITING;
	/* Looking takes time in proportion to the shares, so it is not done after each of many. */
	uint32_t step = node->expected / 64 + 1;
	if ((node->received - node->plan->needed) % step != 0)
		return QV_RELAY_WAITING;
	return recursive_possible(node) ? QV_RELAY_POSSIBLE : QV_RELAY_WAITING;
}

/* Whether a share of this lineage comes from that neighbour. */
static bool comes_from(const struct qv_relay_node *node, uint32_t from, uint32_t lineage)
{
	struct qv_topology_arcs previous = qv_route_previous(node->plan->routes, node->self);
	uint32_t base = 0;
	for (size_t i = 0; i < previous.count; i++) {
		uint32_t count = node->plan->lineages[previous.arcs[i].kme];
		if (previous.arcs[i].kme == from)
			return lineage >= base && lineage - base < count;
		base += count;
	}
	return false;
}

static int receive(struct qv_relay_node *node, struct qv_generator *generator, uint32_t from,
		   const struct qv_relay_message *message, struct qv_relay_send *send, struct qv_error *err)
{
	const uint8_t *head = message->head;
	if (message->head_size != HEAD_SIZE || message->share_size != node->bytes)
		return qv_fail(err, QV_E_PROTOCOL, "relay recursive: a message of %zu and %zu bytes, not %d and %zu",
			       message->head_size, message->share_size, HEAD_SIZE, node->bytes);
	uint32_t lineage = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
	if (!comes_from(node, from, lineage))
		return qv_fail(err, QV_E_PROTOCOL, "relay recursive: no share of lineage %u comes from that KME",
			       lineage);
	if (node_seen(node, lineage))
		return qv_fail(err, QV_E_PROTOCOL, "relay recursive: the share of lineage %u came before", lineage);
	int result = node->slots ? keep(node, lineage, message->share, err)
				 : pass_on(node, generator, lineage, message->share, send, err);
	if (result != 0)
		return -1;
	node->seen[lineage / 8] |= (uint8_t)(1u << lineage % 8);
	node->received++;
	return progress(node);
}

static int expire(struct qv_relay_node *node, struct qv_generator *generator, struct qv_relay_send *send,
		  struct qv_error *err)
{
	(void)generator;
	(void)send;
	(void)err;
	if (!node->slots || node->received == node->expected)
		return QV_RELAY_DONE;
	return recursive_possible(node) ? QV_RELAY_POSSIBLE : QV_RELAY_WAITING;
}

static const struct qv_relay_class recursive = {
	.head = { .kind = "relay",
		  .name = "recursive",
		  .summary = "every KME splits each share over its next hops; more than half rebuild it",
		  .abi_major = QV_RELAY_ABI_MAJOR,
		  .abi_minor = QV_RELAY_ABI_MINOR,
		  .size = sizeof(struct qv_relay_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = open_relay,
	.close = close_relay,
	.plan = recursive_plan,
	.plan_free = recursive_plan_free,
	.facts = facts,
	.load = recursive_load,
	.begin = begin,
	.end = end,
	.split = split,
	.receive = receive,
	.expire = expire,
	.rebuild = recursive_rebuild,
	.judge = recursive_judge,
};

static const struct qv_class *const classes[] = { &recursive.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = PACKAGE_VERSION,
	.license = "Apache-2.0",
	.classes = classes,
};
