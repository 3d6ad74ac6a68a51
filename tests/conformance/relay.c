/* SPDX-License-Identifier: Apache-2.0 */
/* Kind relay: keys go from end to end of networks in which every KME runs the module. */
#include "relay.h"

#include <stdlib.h>
#include <string.h>

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	struct qv_relay *relays[2] = { NULL, NULL };
	int result = 0;
	for (unsigned i = 0; i < count && result == 0; i++) {
		relays[i] = qv_relay_class(check->class)->open(&check->host, options, err);
		result = relays[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < 2; i++)
		qv_relay_class(check->class)->close(relays[i]);
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_relay_class(class)->close(NULL);
	qv_relay_class(class)->plan_free(NULL);
	qv_relay_class(class)->end(NULL);
}

static void must_rebuild(struct relay_net *net)
{
	struct qv_error err = QV_ERROR_INIT;
	REQUIRE(net->check, relay_rebuild(net, &err) == 0, "all messages came, and still: %s", err.message);
}

static void arrives_in(struct check *check, const char *topology, const char *from, const char *to)
{
	struct relay_net net;
	relay_open(check, &net, topology, from, to);
	const struct qv_relay_facts *facts = net.class->facts(net.plan);
	double *load = calloc(2 * (size_t)qv_topology_links(net.topology), sizeof *load);
	REQUIRE(check, load, "no memory");
	net.class->load(net.plan, load);
	relay_run(&net, 3, 32);
	must_rebuild(&net);
	must_rebuild(&net);
	REQUIRE(check, net.progress[net.to] == QV_RELAY_DONE, "all messages came, and the destination is not done");
	REQUIRE(check, facts->messages >= (double)net.messages && facts->messages <= (double)net.messages,
		"the plan says %.0f messages, there were %zu", facts->messages, net.messages);
	for (uint32_t i = 0; i < 2 * qv_topology_links(net.topology); i++)
		REQUIRE(check, load[i] >= net.load[i] && load[i] <= net.load[i],
			"the plan says %.0f messages over a link, there were %.0f", load[i], net.load[i]);
	REQUIRE(check, facts->text[0] && memchr(facts->text, 0, sizeof facts->text), "a plan without a text");
	free(load);
	relay_close(&net);
}

static void arrives(struct check *check)
{
	arrives_in(check, relay_demonstration, "1", "8");
	arrives_in(check, relay_demonstration, "8", "1");
	arrives_in(check, relay_demonstration, "1", "6");
	arrives_in(check, relay_layers, "0", "10");
}

static void any_size(struct check *check)
{
	static const struct {
		uint16_t keys, key_bytes;
	} sizes[] = { { 1, 1 }, { 7, 13 }, { 128, 32 }, { 2048, 32 }, { 1, 65535 } };
	struct relay_net net;
	relay_open(check, &net, relay_demonstration, "1", "8");
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		relay_run(&net, sizes[i].keys, sizes[i].key_bytes);
		must_rebuild(&net);
	}
	static const struct qv_relay_session wrong[] = { { 0, 32, 0 }, { 1, 0, 0 }, { 2049, 1, 0 }, { 2048, 33, 0 } };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		struct qv_relay_node *node = net.class->begin(net.plan, net.to, &wrong[i], &err);
		REQUIRE(check, !node, "a session of %u keys of %u bytes begins", wrong[i].keys, wrong[i].key_bytes);
		check_error_filled(check, "begin", &err);
	}
	relay_close(&net);
}

static void is_shared(struct check *check)
{
	struct relay_net net;
	struct qv_error err = QV_ERROR_INIT;
	relay_open(check, &net, relay_demonstration, "1", "8");
	bool private = net.class->facts(net.plan)->privacy > 0;
	relay_run(&net, 1, 32);
	REQUIRE(check, !private || net.plain == 0,
		"a share is the keys themselves, though one KME is to learn nothing");
	struct qv_secret *first = qv_secret_copy(qv_secret_bytes(net.first_share), 32, &err);
	relay_run(&net, 1, 32);
	REQUIRE(check, first && !qv_secret_equal(first, net.first_share), "two sessions have an equal first share");
	qv_secret_free(first);
	relay_close(&net);
}

static void refuses(struct check *check)
{
	struct relay_net net;
	relay_open(check, &net, relay_layers, "0", "10");
	net.repeat = true;
	relay_run(&net, 2, 16);
	must_rebuild(&net);
	relay_close(&net);
}

static void digests(struct check *check)
{
	struct relay_net one, same, back, other;
	relay_open(check, &one, relay_demonstration, "1", "8");
	relay_open(check, &same, relay_demonstration, "1", "8");
	relay_open(check, &back, relay_demonstration, "8", "1");
	relay_open(check, &other, relay_demonstration, "1", "6");
	const uint8_t *digest = one.class->facts(one.plan)->digest;
	REQUIRE(check, memcmp(digest, same.class->facts(same.plan)->digest, QV_RELAY_DIGEST_SIZE) == 0,
		"the same plan made twice has two digests");
	REQUIRE(check, memcmp(digest, back.class->facts(back.plan)->digest, QV_RELAY_DIGEST_SIZE) != 0,
		"the way back has the same digest");
	REQUIRE(check, memcmp(digest, other.class->facts(other.plan)->digest, QV_RELAY_DIGEST_SIZE) != 0,
		"the plan to another destination has the same digest");
	relay_close(&one);
	relay_close(&same);
	relay_close(&back);
	relay_close(&other);
}

static void no_plan(struct relay_net *net, const char *topology, uint32_t from, uint32_t to, enum qv_code code)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_topology *network = qv_topology_parse(topology, "conformance", &err);
	REQUIRE(net->check, network, "%s", err.message);
	struct qv_relay_plan *plan = net->class->plan(net->relay, network, from, to, &err);
	REQUIRE(net->check, !plan, "a plan where there can be none");
	check_error_filled(net->check, "plan", &err);
	REQUIRE(net->check, err.code == code, "no plan is possible, with %s where %s was expected: %s",
		qv_code_name(err.code), qv_code_name(code), err.message);
	qv_topology_free(network);
}

static void impossible(struct check *check)
{
	struct relay_net net;
	static const char parts[] = "kmes: (1, 2, 3, 4); links: ({ from = 1; to = 2; }, { from = 3; to = 4; });";
	static const char way[] =
		"kmes: (1, 2, 3); links: ({ from = 1; to = 2; }, { from = 3; to = 2; one_way = true; });";
	relay_open(check, &net, relay_demonstration, "1", "8");
	no_plan(&net, parts, 0, 0, QV_E_INVALID);
	no_plan(&net, parts, 0, 4, QV_E_INVALID);
	no_plan(&net, parts, 0, 3, QV_E_NOT_FOUND);
	no_plan(&net, way, 0, 2, QV_E_NOT_FOUND);
	relay_close(&net);
}

static void roles(struct check *check)
{
	struct relay_net net;
	struct qv_error err = QV_ERROR_INIT;
	uint8_t keys[32] = { 0 };
	struct qv_relay_send none = { NULL };
	relay_open(check, &net, relay_demonstration, "1", "8");
	relay_run(&net, 1, 32);
	REQUIRE(check, net.class->split(net.nodes[net.from], NULL, keys, sizeof keys, &none, &err) == -1,
		"the origin splits twice");
	check_error_filled(check, "split", &err);
	REQUIRE(check, net.class->split(net.nodes[net.to], NULL, keys, sizeof keys, &none, &err) == -1,
		"the destination splits");
	REQUIRE(check, net.class->rebuild(net.nodes[net.from], keys, sizeof keys, NULL, &err) == -1,
		"the origin rebuilds");
	check_error_filled(check, "rebuild", &err);
	relay_close(&net);
}

/* Which of the KMEs between the ends are down is a bit set. */
static bool arrives_without(struct relay_net *net, uint32_t set)
{
	struct qv_error err = QV_ERROR_INIT;
	for (uint32_t i = 0; i < RELAY_KMES_MAX; i++)
		net->down[i] = set >> i & 1;
	relay_run(net, 1, 32);
	return relay_rebuild(net, &err) == 0;
}

static uint64_t judge_down(const struct relay_net *net, uint32_t set)
{
	struct qv_relay_marks kmes[RELAY_KMES_MAX] = { { 0 } }, links[64] = { { 0 } };
	struct qv_relay_verdict verdict;
	const struct qv_relay_state state = { kmes, links };
	void *scratch = malloc(net->class->facts(net->plan)->scratch + 1);
	REQUIRE(net->check, scratch && qv_topology_links(net->topology) <= 64, "no memory");
	for (uint32_t i = 0; i < RELAY_KMES_MAX; i++)
		kmes[i].down = set >> i & 1 ? 0xf0 : 0;
	net->class->judge(net->plan, &state, scratch, &verdict);
	REQUIRE(net->check, (verdict.delivered & 0xf) == 0xf,
		"judged by itself, keys do not arrive though nothing is down");
	uint64_t lanes = verdict.delivered >> 4 & 0xf;
	REQUIRE(net->check, lanes == 0 || lanes == 0xf, "equal states are judged differently");
	free(scratch);
	return lanes;
}

static void losses(struct check *check)
{
	struct relay_net net;
	relay_open(check, &net, relay_demonstration, "1", "8");
	uint32_t tolerance = net.class->facts(net.plan)->tolerance;
	for (uint32_t set = 0; set < 1u << 8; set++) {
		if (set & (1u << net.from | 1u << net.to))
			continue;
		bool arrived = arrives_without(&net, set);
		REQUIRE(check, arrived || (uint32_t)__builtin_popcount(set) > tolerance,
			"the plan says that any %u KMEs may be lost, but the set %#x may not", tolerance, set);
		if (net.class->judge)
			REQUIRE(check, arrived == (judge_down(&net, set) != 0),
				"without the set %#x of KMEs the keys %s, and are judged otherwise", set,
				arrived ? "arrive" : "do not arrive");
	}
	relay_close(&net);
}

static const struct check_case cases[] = {
	{ "keys arrive, with the messages that the plan says", arrives },
	{ "keys of any size and number arrive", any_size },
	{ "shares are not the keys, and never the same", is_shared },
	{ "messages that are damaged, repeated or come from elsewhere are refused", refuses },
	{ "equal plans have equal digests, others have others", digests },
	{ "where there is no route there is no plan", impossible },
	{ "only the origin splits, once, and only the destination rebuilds", roles },
	{ "what is lost costs keys as the plan says, or an error", losses },
	{ NULL, NULL },
};

const struct check_suite check_relay = { "relay", open_close, close_null, cases, NULL };
