/* SPDX-License-Identifier: Apache-2.0 */
#include "simulation.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/route.h>

#include "hop.h"
#include "span.h"

#define WEIGH_MARGIN 16 /* bytes more than independent strings: chance holds a string with probability 2^-128 */

/* A message under way. Its bytes are the envelope, the sealed share and its MAC, and the link keys for them. */
struct flight {
	struct flight *next;
	uint32_t from, to, link;
	bool altered;
	size_t envelope_size, share_size;
	uint8_t *sealed, *key;
	uint8_t bytes[];
};

struct run {
	const struct simulation_setup *setup;
	struct simulation_result *result;
	struct qv_relay_node **nodes; /* of each KME; NULL: not begun */
	uint8_t *done;
	struct flight *first, **last;
	struct span *seen;
	uint8_t *keys, *work;
	size_t size;
};

/* Stands at a node and hears what it sends. */
struct sender {
	struct qv_relay_send send;
	struct run *run;
	uint32_t self;
};

static int no_memory(struct qv_error *err)
{
	return qv_fail(err, QV_E_NOMEM, "no memory for the simulation");
}

static bool marked(const struct run *run, uint32_t kme, uint8_t mark)
{
	return kme != run->setup->from && kme != run->setup->to && run->setup->kmes[kme] & mark;
}

static void free_flight(struct flight *flight)
{
	qv_wipe(flight->bytes,
		flight->envelope_size + flight->share_size + HOP_MAC_SIZE + hop_key_size(flight->share_size));
	free(flight);
}

/* Adds a share to what the adversary has. */
static int see(struct run *run, const uint8_t *share, struct qv_error *err)
{
	run->result->seen++;
	return !run->seen || span_add(run->seen, share) ? 0 : no_memory(err);
}

static void name_ends(const struct run *run, struct qv_relay_envelope *envelope)
{
	envelope->module = run->setup->class->head.name;
	envelope->module_size = strlen(envelope->module);
	envelope->from = qv_topology_kme(run->setup->topology, run->setup->from)->id;
	envelope->from_size = strlen(envelope->from);
	envelope->to = qv_topology_kme(run->setup->topology, run->setup->to)->id;
	envelope->to_size = strlen(envelope->to);
	memcpy(envelope->digest, run->setup->class->facts(run->setup->plan)->digest, sizeof envelope->digest);
}

/* What a KME that alters sends: a share that differs from the right one by a random string. */
static int spoil(struct run *run, const uint8_t *share, size_t size, struct qv_error *err)
{
	if (qv_generator_fill(NULL, run->work, size, err) != 0)
		return -1;
	run->work[0] |= (uint8_t)!run->work[0];
	for (size_t i = 0; i < size; i++)
		run->work[i] ^= share[i];
	return 0;
}

static int send_message(struct qv_relay_send *send, uint32_t next, const struct qv_relay_message *message,
			struct qv_error *err)
{
	struct sender *sender = (struct sender *)send;
	struct run *run = sender->run;
	struct qv_relay_envelope envelope = { .session = run->setup->session };
	const uint8_t *share = message->share;
	name_ends(run, &envelope);
	envelope.head = message->head;
	envelope.head_size = message->head_size;
	size_t envelope_size = qv_relay_envelope_size(&envelope), key_size = hop_key_size(message->share_size);
	struct flight *flight = malloc(sizeof *flight + envelope_size + message->share_size + HOP_MAC_SIZE + key_size);
	if (!flight)
		return no_memory(err);
	*flight = (struct flight){ .from = sender->self,
				   .to = next,
				   .link = qv_topology_find_link(run->setup->topology, sender->self, next),
				   .altered = marked(run, sender->self, SIMULATION_ALTERS),
				   .envelope_size = envelope_size,
				   .share_size = message->share_size };
	flight->sealed = flight->bytes + envelope_size;
	flight->key = flight->sealed + message->share_size + HOP_MAC_SIZE;
	if (flight->link == QV_TOPOLOGY_NONE || message->share_size != run->size) {
		free_flight(flight);
		return qv_fail(err, QV_E_INTERNAL,
			       "the module sends to a KME without a link, or a share of another size");
	}
	int result = flight->altered ? spoil(run, share, run->size, err) : 0;
	if (flight->altered)
		share = run->work;
	if (result == 0)
		result = qv_relay_envelope_write(&envelope, flight->bytes, envelope_size, err) < 0 ? -1 : 0;
	if (result == 0 && run->setup->plain)
		memset(flight->key, 0, key_size);
	else if (result == 0)
		result = qv_generator_fill(NULL, flight->key, key_size, err);
	/* Who is compromised knows what it made, altered or not. */
	if (result == 0 && marked(run, sender->self, QV_TOPOLOGY_COMPROMISED))
		result = see(run, message->share, err);
	if (result == 0 && flight->altered && marked(run, sender->self, QV_TOPOLOGY_COMPROMISED))
		result = see(run, share, err);
	if (result != 0) {
		free_flight(flight);
		return -1;
	}
	if (run->setup->plain)
		memcpy(flight->sealed, share, run->size);
	else
		hop_seal(flight->key, flight->bytes, envelope_size, share, run->size, flight->sealed);
	run->result->link_messages[flight->link]++;
	run->result->link_bytes[flight->link] += run->setup->plain ? 0 : key_size;
	run->result->key_bytes += run->setup->plain ? 0 : key_size;
	run->result->messages++;
	*run->last = flight;
	run->last = &flight->next;
	return 0;
}

static void tell(struct run *run, const struct flight *flight, enum simulation_fate fate,
		 const struct qv_relay_message *message, bool seen, const struct qv_error *why)
{
	struct simulation_watch *watch = run->setup->watch;
	const struct simulation_step step = { flight->from, flight->to, flight->link, fate, message, seen, why };
	if (watch && watch->step)
		watch->step(watch, &step);
}

static struct qv_relay_node *node_of(struct run *run, uint32_t kme, struct qv_error *err)
{
	if (!run->nodes[kme])
		run->nodes[kme] = run->setup->class->begin(run->setup->plan, kme, &run->setup->session, err);
	return run->nodes[kme];
}

static int hand_over(struct run *run, const struct flight *flight, const struct qv_relay_message *message,
		     struct qv_error *err)
{
	struct sender sender = { .send = { send_message }, .run = run, .self = flight->to };
	struct qv_relay_node *node = node_of(run, flight->to, err);
	if (!node)
		return -1;
	bool seen = marked(run, flight->to, QV_TOPOLOGY_COMPROMISED) ||
		    run->setup->links[flight->link] & QV_TOPOLOGY_COMPROMISED;
	if (seen && see(run, message->share, err) != 0)
		return -1;
	struct qv_error why = QV_ERROR_INIT;
	int progress = run->setup->class->receive(node, NULL, flight->from, message, &sender.send, &why);
	if (progress < 0 && why.code != QV_E_PROTOCOL) {
		*err = why;
		return -1;
	}
	run->done[flight->to] = progress == QV_RELAY_DONE;
	run->result->refused += progress < 0;
	enum simulation_fate fate = flight->altered ? SIMULATION_ALTERED : SIMULATION_ARRIVED;
	tell(run, flight, progress < 0 ? SIMULATION_REFUSED : fate, message, seen, &why);
	return 0;
}

static int land(struct run *run, struct flight *flight, struct qv_error *err)
{
	struct qv_relay_envelope envelope;
	struct qv_relay_message message = { .share_size = flight->share_size };
	bool down = run->setup->links[flight->link] & QV_TOPOLOGY_DOWN || marked(run, flight->to, QV_TOPOLOGY_DOWN);
	run->result->altered += flight->altered;
	if (down) {
		run->result->lost++;
		tell(run, flight, SIMULATION_LOST, NULL, false, NULL);
		return 0;
	}
	if (qv_relay_envelope_read(&envelope, flight->bytes, flight->envelope_size, err) < 0)
		return -1;
	message.head = envelope.head;
	message.head_size = envelope.head_size;
	message.share = flight->sealed;
	/* In its place: the pad is undone byte by byte. */
	if (!run->setup->plain && hop_open(flight->key, flight->bytes, flight->envelope_size, flight->sealed,
					   flight->share_size, flight->sealed, err) != 0)
		return -1;
	return hand_over(run, flight, &message, err);
}

static int land_all(struct run *run, struct qv_error *err)
{
	int result = 0;
	while (run->first && result == 0) {
		struct flight *flight = run->first;
		run->first = flight->next;
		if (!run->first)
			run->last = &run->first;
		result = land(run, flight, err);
		free_flight(flight);
	}
	return result;
}

static int by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* All KMEs that lead to the destination, the farthest first; their numbers are in the lower halves. */
static size_t sort_by_distance(const struct run *run, const struct qv_route_plan *routes, uint64_t *keys)
{
	size_t count = 0;
	for (uint32_t kme = 0; kme < qv_topology_kmes(run->setup->topology); kme++) {
		uint32_t distance = qv_route_distance(routes, kme);
		if (distance != QV_TOPOLOGY_NONE && kme != run->setup->from && kme != run->setup->to)
			keys[count++] = (uint64_t)(UINT32_MAX - distance) << 32 | kme;
	}
	qsort(keys, count, sizeof *keys, by_key);
	return count;
}

/* Nothing moves any more: those that still wait go on with what they have, those far from the destination first. */
static int expire_all(struct run *run, struct qv_error *err)
{
	const struct simulation_setup *setup = run->setup;
	struct qv_route_plan *routes = qv_route_plan_new(setup->topology, setup->from, setup->to, NULL, err);
	uint64_t *keys = calloc(qv_topology_kmes(setup->topology), sizeof *keys);
	int result = !routes ? -1 : keys ? 0 : no_memory(err);
	size_t count = result == 0 ? sort_by_distance(run, routes, keys) : 0;
	for (size_t i = 0; i < count && result == 0; i++) {
		uint32_t kme = (uint32_t)keys[i];
		struct sender sender = { .send = { send_message }, .run = run, .self = kme };
		if (run->nodes[kme] && !run->done[kme] &&
		    (setup->class->expire(run->nodes[kme], NULL, &sender.send, err) < 0 || land_all(run, err) != 0))
			result = -1;
	}
	free(keys);
	qv_route_plan_free(routes);
	return result;
}

struct listener {
	struct qv_relay_report report;
	struct run *run;
};

static void hear_wrong(struct qv_relay_report *report, const uint32_t *kmes, size_t count)
{
	struct run *run = ((struct listener *)report)->run;
	struct simulation_watch *watch = run->setup->watch;
	run->result->wrong++;
	if (watch && watch->wrong)
		watch->wrong(watch, kmes, count);
}

static int finish(struct run *run, struct qv_error *err)
{
	struct simulation_result *result = run->result;
	struct listener listener = { .report = { hear_wrong }, .run = run };
	struct qv_relay_node *node = node_of(run, run->setup->to, err);
	if (!node)
		return -1;
	if (run->setup->class->rebuild(node, run->work, run->size, &listener.report, &result->why) == 0)
		result->outcome =
			memcmp(run->work, run->keys, run->size) == 0 ? SIMULATION_DELIVERED : SIMULATION_WRONG;
	else if (result->why.code == QV_E_NO_KEY)
		result->outcome = SIMULATION_MISSED;
	else if (result->why.code == QV_E_PROTOCOL)
		result->outcome = SIMULATION_CONTRADICTED;
	else {
		*err = result->why;
		return -1;
	}
	if (run->seen) {
		result->rank = span_rank(run->seen);
		result->weighed = run->size >= result->rank + WEIGH_MARGIN;
		result->learned = result->weighed && span_holds(run->seen, run->keys);
	}
	return 0;
}

static int go(struct run *run, struct qv_error *err)
{
	const struct simulation_setup *setup = run->setup;
	struct sender sender = { .send = { send_message }, .run = run, .self = setup->from };
	struct qv_relay_node *node = node_of(run, setup->from, err);
	if (!node || qv_generator_fill(NULL, run->keys, run->size, err) != 0 ||
	    setup->class->split(node, NULL, run->keys, run->size, &sender.send, err) != 0)
		return -1;
	return land_all(run, err) != 0 || expire_all(run, err) != 0 || finish(run, err) != 0 ? -1 : 0;
}

static int open_run(struct run *run, struct qv_error *err)
{
	uint32_t kmes = qv_topology_kmes(run->setup->topology), links = qv_topology_links(run->setup->topology);
	run->last = &run->first;
	run->size = (size_t)run->setup->session.keys * run->setup->session.key_bytes;
	run->nodes = calloc(kmes, sizeof(struct qv_relay_node *));
	run->done = calloc(kmes, 1);
	run->keys = malloc(run->size);
	run->work = malloc(run->size);
	run->seen = run->setup->weigh ? span_new(run->size) : NULL;
	run->result->link_messages = calloc((size_t)links + 1, sizeof(uint64_t));
	run->result->link_bytes = calloc((size_t)links + 1, sizeof(uint64_t));
	bool whole = run->nodes && run->done && run->keys && run->work && run->result->link_messages &&
		     run->result->link_bytes && (run->seen || !run->setup->weigh);
	return whole ? 0 : no_memory(err);
}

int simulation_run(const struct simulation_setup *setup, struct simulation_result *result, struct qv_error *err)
{
	struct run run = { .setup = setup, .result = result };
	*result = (struct simulation_result){ .why = QV_ERROR_INIT };
	if (qv_relay_session_check(&setup->session, err) != 0)
		return -1;
	int outcome = open_run(&run, err);
	if (outcome == 0)
		outcome = go(&run, err);
	while (run.first) {
		struct flight *flight = run.first;
		run.first = flight->next;
		free_flight(flight);
	}
	for (uint32_t kme = 0; run.nodes && kme < qv_topology_kmes(setup->topology); kme++)
		setup->class->end(run.nodes[kme]);
	if (run.keys)
		qv_wipe(run.keys, run.size);
	if (run.work)
		qv_wipe(run.work, run.size);
	span_free(run.seen);
	free(run.nodes);
	free(run.done);
	free(run.keys);
	free(run.work);
	if (outcome != 0)
		simulation_clear(result);
	return outcome;
}

void simulation_clear(struct simulation_result *result)
{
	free(result->link_messages);
	free(result->link_bytes);
	result->link_messages = result->link_bytes = NULL;
}

const char *simulation_outcome_name(enum simulation_outcome outcome)
{
	static const char *const names[] = { "delivered", "missed", "contradicted", "wrong" };
	return names[outcome];
}
