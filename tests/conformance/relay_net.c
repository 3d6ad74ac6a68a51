/* SPDX-License-Identifier: Apache-2.0 */
#include "relay.h"

#include <qvisio/route.h>

#include <stdlib.h>
#include <string.h>

const char relay_demonstration[] =
	"kmes: (1, 2, 3, 4, 5, 6, 7, 8); links: ({ from = 1; to = [2, 3, 4]; }, { from = 2; to = [5, 6]; },"
	"{ from = 3; to = [5, 6, 7]; }, { from = 4; to = [6, 7]; }, { from = 8; to = [5, 6, 7]; });";

const char relay_layers[] =
	"kmes: (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10); links: ({ from = 0; to = [1, 2, 3]; }, { from = 1; to = [4, 5, 6]; "
	"},"
	"{ from = 2; to = [4, 5, 6]; }, { from = 3; to = [4, 5, 6]; }, { from = 4; to = [7, 8, 9]; },"
	"{ from = 5; to = [7, 8, 9]; }, { from = 6; to = [7, 8, 9]; }, { from = 10; to = [7, 8, 9]; });";

struct relay_flight {
	struct relay_flight *next;
	uint32_t from, to;
	size_t head_size;
	uint8_t head[QV_RELAY_HEAD_MAX];
	struct qv_secret *share;
};

struct sender {
	struct qv_relay_send send;
	struct relay_net *net;
	uint32_t self;
};

void relay_open(struct check *check, struct relay_net *net, const char *topology, const char *from, const char *to)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(check, NULL);
	*net = (struct relay_net){ .check = check, .class = qv_relay_class(check->class) };
	net->relay = net->class->open(&check->host, options, &err);
	qv_options_free(options);
	if (!net->relay)
		check_not_opened(check, &err);
	net->topology = qv_topology_parse(topology, "conformance", &err);
	REQUIRE(check, net->topology, "%s", err.message);
	net->from = qv_topology_find(net->topology, from);
	net->to = qv_topology_find(net->topology, to);
	net->plan = net->class->plan(net->relay, net->topology, net->from, net->to, &err);
	REQUIRE(check, net->plan, "no plan from KME %s to %s of eight or eleven: %s", from, to, err.message);
	net->load = calloc(2 * (size_t)qv_topology_links(net->topology), sizeof *net->load);
	REQUIRE(check, net->load, "no memory");
	net->last = &net->first;
}

static void free_flight(struct relay_flight *flight)
{
	qv_secret_free(flight->share);
	free(flight);
}

void relay_end(struct relay_net *net)
{
	for (uint32_t i = 0; i < RELAY_KMES_MAX; i++) {
		net->class->end(net->nodes[i]);
		net->nodes[i] = NULL;
		net->progress[i] = QV_RELAY_WAITING;
	}
	while (net->first) {
		struct relay_flight *flight = net->first;
		net->first = flight->next;
		free_flight(flight);
	}
	net->last = &net->first;
	qv_secret_free(net->keys);
	qv_secret_free(net->rebuilt);
	qv_secret_free(net->first_share);
	net->keys = net->rebuilt = net->first_share = NULL;
	net->messages = net->plain = 0;
	memset(net->load, 0, 2 * (size_t)qv_topology_links(net->topology) * sizeof *net->load);
}

void relay_close(struct relay_net *net)
{
	relay_end(net);
	net->class->plan_free(net->plan);
	net->class->close(net->relay);
	qv_topology_free(net->topology);
	free(net->load);
}

static int take_message(struct qv_relay_send *send, uint32_t next, const struct qv_relay_message *message,
			struct qv_error *err)
{
	const struct sender *sender = (const struct sender *)send;
	struct relay_net *net = sender->net;
	struct check *check = net->check;
	REQUIRE(check, next < qv_topology_kmes(net->topology), "a message to KME number %u of %u", next,
		qv_topology_kmes(net->topology));
	uint32_t link = qv_topology_find_link(net->topology, sender->self, next);
	REQUIRE(check, link != QV_TOPOLOGY_NONE, "a message from KME %s to %s, which have no link",
		qv_topology_kme(net->topology, sender->self)->id, qv_topology_kme(net->topology, next)->id);
	REQUIRE(check, message->head_size <= QV_RELAY_HEAD_MAX, "a head of %zu bytes", message->head_size);
	REQUIRE(check, message->share_size == qv_secret_size(net->keys), "a share of %zu bytes of %zu bytes of keys",
		message->share_size, qv_secret_size(net->keys));
	struct relay_flight *flight = calloc(1, sizeof *flight);
	REQUIRE(check, flight, "no memory");
	flight->from = sender->self;
	flight->to = next;
	flight->head_size = message->head_size;
	if (message->head_size)
		memcpy(flight->head, message->head, message->head_size);
	flight->share = qv_secret_copy(message->share, message->share_size, err);
	REQUIRE(check, flight->share, "%s", err->message);
	if (!net->first_share)
		net->first_share = qv_secret_copy(message->share, message->share_size, err);
	net->plain += qv_secret_equal(flight->share, net->keys);
	net->load[2 * (size_t)link + (qv_topology_link(net->topology, link)->from != sender->self)]++;
	net->messages++;
	*net->last = flight;
	net->last = &flight->next;
	return 0;
}

static struct qv_relay_node *node_of(struct relay_net *net, uint32_t kme)
{
	struct qv_error err = QV_ERROR_INIT;
	if (!net->nodes[kme])
		net->nodes[kme] = net->class->begin(net->plan, kme, &net->session, &err);
	REQUIRE(net->check, net->nodes[kme], "begin at KME %s: %s", qv_topology_kme(net->topology, kme)->id,
		err.message);
	return net->nodes[kme];
}

/* What must be refused, and change nothing. */
static void refuse(struct relay_net *net, const struct relay_flight *flight, uint32_t from, size_t head_size,
		   size_t share_size, const char *what)
{
	struct sender sender = { .send = { take_message }, .net = net, .self = flight->to };
	struct qv_error err = QV_ERROR_INIT;
	uint8_t *share = calloc(1, share_size + 1);
	const struct qv_relay_message message = { flight->head, head_size, share, share_size };
	size_t before = net->messages;
	REQUIRE(net->check, share, "no memory");
	int progress = net->class->receive(node_of(net, flight->to), NULL, from, &message, &sender.send, &err);
	REQUIRE(net->check, progress == -1 && err.code == QV_E_PROTOCOL && err.message[0],
		"%s is not refused with QV_E_PROTOCOL and a message", what);
	REQUIRE(net->check, net->messages == before, "%s makes the node send", what);
	free(share);
}

static void refuse_damaged(struct relay_net *net, const struct relay_flight *flight)
{
	size_t size = qv_secret_size(flight->share);
	if (flight->head_size)
		refuse(net, flight, flight->from, flight->head_size - 1, size, "a message with a shorter head");
	refuse(net, flight, flight->from, flight->head_size, size - 1, "a message with a shorter share");
	refuse(net, flight, flight->from, flight->head_size, size + 1, "a message with a longer share");
	refuse(net, flight, flight->to, flight->head_size, size, "a message from the node itself");
	refuse(net, flight, net->to, flight->head_size, size, "a message from the destination");
}

static void land(struct relay_net *net, const struct relay_flight *flight)
{
	struct sender sender = { .send = { take_message }, .net = net, .self = flight->to };
	struct qv_error err = QV_ERROR_INIT;
	if (net->down[flight->to])
		return;
	struct qv_relay_node *node = node_of(net, flight->to);
	const struct qv_relay_message message = { flight->head, flight->head_size, qv_secret_bytes(flight->share),
						  qv_secret_size(flight->share) };
	if (net->repeat)
		refuse_damaged(net, flight);
	int progress = net->class->receive(node, NULL, flight->from, &message, &sender.send, &err);
	REQUIRE(net->check, progress >= QV_RELAY_WAITING && progress <= QV_RELAY_DONE, "receive: %d, %s", progress,
		err.message);
	net->progress[flight->to] = progress;
	if (net->repeat)
		refuse(net, flight, flight->from, flight->head_size, qv_secret_size(flight->share),
		       "a message that came before");
}

static void land_all(struct relay_net *net)
{
	while (net->first) {
		struct relay_flight *flight = net->first;
		net->first = flight->next;
		if (!net->first)
			net->last = &net->first;
		land(net, flight);
		free_flight(flight);
	}
}

static void expire_all(struct relay_net *net)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_route_plan *routes = qv_route_plan_new(net->topology, net->from, net->to, NULL, &err);
	REQUIRE(net->check, routes, "%s", err.message);
	for (uint32_t distance = qv_topology_kmes(net->topology); distance-- > 0;)
		for (uint32_t kme = 0; kme < qv_topology_kmes(net->topology); kme++) {
			struct sender sender = { .send = { take_message }, .net = net, .self = kme };
			if (!net->nodes[kme] || kme == net->from || net->progress[kme] == QV_RELAY_DONE ||
			    qv_route_distance(routes, kme) != distance)
				continue;
			int progress = net->class->expire(net->nodes[kme], NULL, &sender.send, &err);
			REQUIRE(net->check, progress >= QV_RELAY_WAITING && progress <= QV_RELAY_DONE, "expire: %d, %s",
				progress, err.message);
			land_all(net);
		}
	qv_route_plan_free(routes);
}

void relay_run(struct relay_net *net, uint16_t keys, uint16_t key_bytes)
{
	struct qv_error err = QV_ERROR_INIT;
	struct sender sender = { .send = { take_message }, .net = net, .self = net->from };
	relay_end(net);
	net->session = (struct qv_relay_session){ .keys = keys, .key_bytes = key_bytes };
	net->keys = qv_secret_random((size_t)keys * key_bytes, &err);
	net->rebuilt = qv_secret_random((size_t)keys * key_bytes, &err);
	REQUIRE(net->check, net->keys && net->rebuilt, "%s", err.message);
	int result = net->class->split(node_of(net, net->from), NULL, qv_secret_bytes(net->keys),
				       qv_secret_size(net->keys), &sender.send, &err);
	REQUIRE(net->check, result == 0, "split: %s", err.message);
	land_all(net);
	expire_all(net);
}

int relay_rebuild(struct relay_net *net, struct qv_error *err)
{
	uint8_t *rebuilt = qv_secret_edit(net->rebuilt);
	size_t size = qv_secret_size(net->rebuilt);
	if (net->class->rebuild(node_of(net, net->to), rebuilt, size, NULL, err) == 0) {
		REQUIRE(net->check, qv_secret_equal(net->keys, net->rebuilt), "the destination rebuilds other keys");
		return 0;
	}
	check_error_filled(net->check, "rebuild", err);
	REQUIRE(net->check, err->code == QV_E_NO_KEY || err->code == QV_E_PROTOCOL, "rebuild fails with %s: %s",
		qv_code_name(err->code), err->message);
	for (size_t i = 0; i < size; i++)
		REQUIRE(net->check, rebuilt[i] == 0, "after an error the keys are not all zeros");
	return -1;
}
