/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to a node of a relay module: the first byte chooses the KME, then each message is the number of its sender, the
 * size of its head, the head, and a byte that its share is filled with. Linked with each module in turn.
 */
#include "../fuzz.h"

#include <qvisio/config.h>
#include <qvisio/relay.h>

#include <stdlib.h>
#include <string.h>

const char *const fuzz_corpus = "fuzz/modules/corpus/relay_message";

#define KEY_BYTES 16
#define SENT_MAX  1000 /* more than any node of this network may send */

/* 0; 1 to 3; 4 to 6; 7: complete but for the link from 1 to 6. */
static const char network[] =
	"kmes: (0, 1, 2, 3, 4, 5, 6, 7); links: ({ from = 0; to = [1, 2, 3]; }, { from = 1; to = [4, 5]; },"
	"{ from = 2; to = [4, 5, 6]; }, { from = 3; to = [4, 5, 6]; }, { from = 7; to = [4, 5, 6]; });";

struct counter {
	struct qv_relay_send send;
	unsigned count;
};

static int count_message(struct qv_relay_send *send, uint32_t next, const struct qv_relay_message *message,
			 struct qv_error *err)
{
	struct counter *counter = (struct counter *)send;
	(void)err;
	if (next > 7 || message->share_size != KEY_BYTES || message->head_size > QV_RELAY_HEAD_MAX ||
	    ++counter->count > SENT_MAX)
		abort();
	return 0;
}

static void feed(const struct qv_relay_class *class, struct qv_relay_node *node, const uint8_t *data, size_t size)
{
	struct counter counter = { .send = { count_message } };
	struct qv_error err = QV_ERROR_INIT;
	uint8_t share[KEY_BYTES], keys[KEY_BYTES];
	while (size >= 3) {
		size_t head_size = data[1] < size - 3 ? data[1] : size - 3;
		memset(share, data[2 + head_size], sizeof share);
		const struct qv_relay_message message = { data + 2, head_size, share, sizeof share };
		if (class->receive(node, NULL, data[0], &message, &counter.send, &err) < 0 && err.code != QV_E_PROTOCOL)
			abort();
		data += head_size + 3;
		size -= head_size + 3;
		class->rebuild(node, keys, sizeof keys, NULL, NULL);
	}
	if (class->expire(node, NULL, &counter.send, &err) < 0)
		abort();
	class->rebuild(node, keys, sizeof keys, NULL, NULL);
}

/* One plan serves all inputs: making it takes longer than anything that is done with it. */
static const struct qv_relay_plan *plan_once(const struct qv_relay_class *class)
{
	static const char *const none[] = { NULL };
	static const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };
	static struct qv_relay *relay;
	static struct qv_topology *topology;
	static struct qv_relay_plan *plan;
	if (plan)
		return plan;
	struct qv_options *options =
		qv_options_from_strings(none, class->head.options, class->head.option_size, "fuzz", NULL);
	relay = class->open(&host, options, NULL);
	qv_options_free(options);
	topology = qv_topology_parse(network, "network", NULL);
	if (!relay || !topology)
		abort();
	plan = class->plan(relay, topology, 0, 7, NULL);
	return plan;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct qv_relay_class *class = qv_relay_class(qv_module.classes[0]);
	const struct qv_relay_session session = { 1, KEY_BYTES, 0 };
	if (size < 1)
		return 0;
	const struct qv_relay_plan *plan = plan_once(class);
	struct qv_relay_node *node = plan ? class->begin(plan, 1 + data[0] % 7, &session, NULL) : NULL;
	if (!node)
		abort();
	feed(class, node, data + 1, size - 1);
	class->end(node);
	return 0;
}
