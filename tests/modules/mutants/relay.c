/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/relay.h>

#include "mutant.h"

static struct qv_relay_class __mutant;
static struct qv_relay_class __good;

static int wrong_rebuild(struct qv_relay_node *node, uint8_t *keys, size_t size, struct qv_relay_report *report,
			 struct qv_error *err)
{
	int result = __good.rebuild(node, keys, size, report, err);
	if (result == 0)
		keys[size - 1] ^= 1;
	return result;
}

static int dirty_rebuild(struct qv_relay_node *node, uint8_t *keys, size_t size, struct qv_relay_report *report,
			 struct qv_error *err)
{
	int result = __good.rebuild(node, keys, size, report, err);
	if (result != 0)
		keys[0] = 1;
	return result;
}

static int silent_rebuild(struct qv_relay_node *node, uint8_t *keys, size_t size, struct qv_relay_report *report,
			  struct qv_error *err)
{
	(void)err;
	return __good.rebuild(node, keys, size, report, NULL);
}

/* The last byte of each key is left as it is. */
static int short_rebuild(struct qv_relay_node *node, uint8_t *keys, size_t size, struct qv_relay_report *report,
			 struct qv_error *err)
{
	int result = __good.rebuild(node, keys, size, report, err);
	if (result == 0 && size > 4096)
		keys[4096] = 0;
	return result;
}

static int credulous_receive(struct qv_relay_node *node, struct qv_generator *generator, uint32_t from,
			     const struct qv_relay_message *message, struct qv_relay_send *send, struct qv_error *err)
{
	int result = __good.receive(node, generator, from, message, send, err);
	return result < 0 ? QV_RELAY_WAITING : result;
}

static int restless_receive(struct qv_relay_node *node, struct qv_generator *generator, uint32_t from,
			    const struct qv_relay_message *message, struct qv_relay_send *send, struct qv_error *err)
{
	int result = __good.receive(node, generator, from, message, send, err);
	return result == QV_RELAY_DONE ? QV_RELAY_WAITING : result;
}

/* Hears what a node sends, and sends something else. */
struct bender {
	struct qv_relay_send send;
	struct qv_relay_send *real;
	const uint8_t *instead; /* of the share */
	bool stray, same;
};

static int bend(struct qv_relay_send *send, uint32_t next, const struct qv_relay_message *message, struct qv_error *err)
{
	static const uint8_t __zeros[QV_RELAY_BYTES_MAX];
	const struct bender *bender = (const struct bender *)send;
	struct qv_relay_message sent = *message;
	if (bender->instead)
		sent.share = bender->instead;
	if (bender->same)
		sent.share = __zeros;
	return bender->real->message(bender->real, bender->stray ? 7 - next : next, &sent, err);
}

static int bent_split(struct qv_relay_node *node, struct qv_generator *generator, const uint8_t *keys, size_t size,
		      struct qv_relay_send *send, struct qv_error *err)
{
	struct bender bender = { .send = { bend }, .real = send };
	bender.instead = mutation("PLAIN") ? keys : NULL;
	bender.stray = mutation("STRAY");
	bender.same = mutation("SAME");
	return __good.split(node, generator, keys, size, &bender.send, err);
}

static int eager_split(struct qv_relay_node *node, struct qv_generator *generator, const uint8_t *keys, size_t size,
		       struct qv_relay_send *send, struct qv_error *err)
{
	int result = __good.split(node, generator, keys, size, send, err);
	return result != 0 && err->code == QV_E_INVALID ? 0 : result;
}

static const struct qv_relay_facts *bent_facts(const struct qv_relay_plan *plan)
{
	static struct qv_relay_facts __facts[64];
	static unsigned __asked;
	struct qv_relay_facts *facts = &__facts[__asked++ % 64]; /* those of other plans stay as they are */
	*facts = *__good.facts(plan);
	if (mutation("DIGEST"))
		memset(facts->digest, 0, sizeof facts->digest);
	if (mutation("COUNT"))
		facts->messages++;
	if (mutation("TOLERANCE"))
		facts->tolerance++;
	return facts;
}

static void one_way_load(const struct qv_relay_plan *plan, double *messages)
{
	__good.load(plan, messages);
	double first = messages[0];
	messages[0] = messages[1];
	messages[1] = first;
}

static struct qv_relay_plan *silent_plan(struct qv_relay *relay, const struct qv_topology *topology, uint32_t from,
					 uint32_t to, struct qv_error *err)
{
	(void)err;
	return __good.plan(relay, topology, from, to, NULL);
}

static struct qv_relay_node *roomy_begin(const struct qv_relay_plan *plan, uint32_t self,
					 const struct qv_relay_session *session, struct qv_error *err)
{
	struct qv_relay_session some = *session;
	if (some.keys == 0)
		some.keys = 1;
	return __good.begin(plan, self, &some, err);
}

static void hopeful_judge(const struct qv_relay_plan *plan, const struct qv_relay_state *state, void *scratch,
			  struct qv_relay_verdict *verdict)
{
	__good.judge(plan, state, scratch, verdict);
	verdict->delivered = UINT64_MAX;
}

static void lane_judge(const struct qv_relay_plan *plan, const struct qv_relay_state *state, void *scratch,
		       struct qv_relay_verdict *verdict)
{
	__good.judge(plan, state, scratch, verdict);
	verdict->delivered &= ~UINT64_C(0x20);
}

__attribute__((constructor)) static void load(void)
{
	__good = *qv_relay_class(original_class());
	__mutant = __good;
	if (mutation("KEYS"))
		__mutant.rebuild = wrong_rebuild;
	if (mutation("DIRTY"))
		__mutant.rebuild = dirty_rebuild;
	if (mutation("NO_ERROR"))
		__mutant.rebuild = silent_rebuild;
	if (mutation("SHORT"))
		__mutant.rebuild = short_rebuild;
	if (mutation("CREDULOUS"))
		__mutant.receive = credulous_receive;
	if (mutation("RESTLESS"))
		__mutant.receive = restless_receive;
	if (mutation("PLAIN") || mutation("STRAY") || mutation("SAME"))
		__mutant.split = bent_split;
	if (mutation("TWICE"))
		__mutant.split = eager_split;
	if (mutation("DIGEST") || mutation("COUNT") || mutation("TOLERANCE"))
		__mutant.facts = bent_facts;
	if (mutation("LOAD"))
		__mutant.load = one_way_load;
	if (mutation("NO_REASON"))
		__mutant.plan = silent_plan;
	if (mutation("ROOMY"))
		__mutant.begin = roomy_begin;
	if (mutation("HOPEFUL"))
		__mutant.judge = hopeful_judge;
	if (mutation("LANES"))
		__mutant.judge = lane_judge;
}

MUTANT_MODULE
