/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay modules, simulated: the demonstration network, complete layered networks, altered shares up to their bounds
 * and past them, and random networks with random adversaries, where simulation and judgement must agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <qvisio/loader.h>

#include "simulation.h"

#define KMES_MAX  40
#define LINKS_MAX 400

static struct qv_loader *loader;

/* A module, a plan in a network, and marks. */
struct trial {
	const struct qv_relay_class *class;
	struct qv_options *options;
	struct qv_relay *relay;
	struct qv_topology *topology;
	struct qv_relay_plan *plan;
	uint32_t from, to;
	uint8_t kmes[KMES_MAX], links[LINKS_MAX];
	struct simulation_result result;
};

/* What a trial looks like: ends and options; the topology becomes the trial's. */
static bool open_trial(struct trial *trial, const char *module, const char *const *assignments,
		       struct qv_topology *topology, uint32_t from, uint32_t to, struct qv_error *err)
{
	static const char *const none[] = { NULL };
	const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };
	memset(trial, 0, sizeof *trial);
	const struct qv_class *class = qv_loader_get(loader, "relay", module, err);
	trial->class = qv_relay_class(class);
	if (!class || !trial->class) {
		fail_msg("%s", err->message);
		return false;
	}
	trial->options = qv_options_from_strings(assignments ? assignments : none, class->options, class->option_size,
						 "test", err);
	trial->relay = trial->options ? trial->class->open(&host, trial->options, err) : NULL;
	if (!trial->relay)
		fail_msg("%s", err->message);
	trial->topology = topology;
	trial->from = from;
	trial->to = to;
	assert_true(qv_topology_kmes(topology) <= KMES_MAX && qv_topology_links(topology) <= LINKS_MAX);
	trial->plan = trial->class->plan(trial->relay, topology, from, to, err);
	return trial->plan != NULL;
}

static void close_trial(struct trial *trial)
{
	simulation_clear(&trial->result);
	trial->class->plan_free(trial->plan);
	trial->class->close(trial->relay);
	qv_options_free(trial->options);
	qv_topology_free(trial->topology);
}

static void must_open(struct trial *trial, const char *module, const char *const *assignments,
		      struct qv_topology *topology, uint32_t from, uint32_t to)
{
	struct qv_error err = QV_ERROR_INIT;
	if (!open_trial(trial, module, assignments, topology, from, to, &err))
		fail_msg("%s: %s", module, err.message);
}

static void simulate(struct trial *trial, uint16_t keys, bool weigh, uint8_t attempt)
{
	struct qv_error err = QV_ERROR_INIT;
	simulation_clear(&trial->result);
	const struct simulation_setup setup = { .class = trial->class,
						.plan = trial->plan,
						.topology = trial->topology,
						.from = trial->from,
						.to = trial->to,
						.session = { keys, 32, attempt },
						.kmes = trial->kmes,
						.links = trial->links,
						.weigh = weigh };
	if (simulation_run(&setup, &trial->result, &err) != 0)
		fail_msg("%s: %s", trial->class->head.name, err.message);
}

static struct qv_topology *demo(void)
{
	char path[1024];
	struct qv_error err = QV_ERROR_INIT;
	snprintf(path, sizeof path, "%s/etc/relay-demo.conf", getenv("QV_SOURCE") ? getenv("QV_SOURCE") : ".");
	struct qv_topology *topology = qv_topology_load(path, &err);
	if (!topology)
		fail_msg("%s", err.message);
	return topology;
}

/* KMEs of the demonstration by their numbers there. */
static void mark(struct trial *trial, const char *ids, uint8_t marks)
{
	for (; *ids; ids++)
		trial->kmes[*ids - '1'] |= marks;
}

static void assert_learned(struct trial *trial, const char *compromised, bool learned)
{
	memset(trial->kmes, 0, sizeof trial->kmes);
	mark(trial, compromised, QV_TOPOLOGY_COMPROMISED);
	simulate(trial, 4, true, 0);
	assert_true(trial->result.weighed);
	if (trial->result.learned != learned)
		fail_msg("%s: %s %s", trial->class->head.name, compromised, learned ? "must learn" : "must not learn");
}

static void test_demonstration(void **state)
{
	(void)state;
	struct trial trial;
	must_open(&trial, "recursive", NULL, demo(), 0, 7);
	mark(&trial, "46", QV_TOPOLOGY_COMPROMISED);
	trial.links[qv_topology_find_link(trial.topology, 6, 7)] = QV_TOPOLOGY_DOWN;
	simulate(&trial, 4, true, 0);
	assert_int_equal(trial.result.outcome, SIMULATION_DELIVERED);
	assert_false(trial.result.learned);
	assert_int_equal(trial.result.messages, 17);
	assert_int_equal(trial.result.lost, 2);
	assert_int_equal(trial.result.key_bytes, 17 * (4 * 32 + 32));
	trial.links[qv_topology_find_link(trial.topology, 6, 7)] = 0;
	/* By hand: who holds two of the three shares of the origin, or what 5, 6 and 7 got of them. */
	static const char *const learn[] = { "23", "24", "34", "56", "67" };
	for (int a = '2'; a <= '7'; a++)
		for (int b = a + 1; b <= '7'; b++) {
			const char pair[] = { (char)a, (char)b, 0 };
			bool learned = false;
			for (size_t i = 0; i < sizeof learn / sizeof learn[0]; i++)
				learned |= strcmp(pair, learn[i]) == 0;
			assert_learned(&trial, pair, learned);
		}
	for (int a = '2'; a <= '7'; a++)
		assert_learned(&trial, (const char[]){ (char)a, 0 }, false);
	close_trial(&trial);
}

/* `layers` times `width` KMEs between the ends, all linked with all of the next layer. */
static struct qv_topology *layered(uint32_t width, uint32_t layers)
{
	struct qv_topology *topology = qv_topology_new(NULL);
	uint32_t kmes = width * layers + 2;
	for (uint32_t i = 0; i < kmes; i++) {
		char id[16];
		snprintf(id, sizeof id, "%u", i);
		struct qv_topology_kme kme = { .id = id };
		qv_topology_add_kme(topology, &kme, NULL);
	}
	for (uint32_t layer = 0; layer <= layers; layer++)
		for (uint32_t i = 0; i < (layer == 0 ? 1 : width); i++)
			for (uint32_t j = 0; j < (layer == layers ? 1 : width); j++) {
				struct qv_topology_link link = { .from = layer == 0 ? 0 : 1 + (layer - 1) * width + i,
								 .to = 1 + layer * width + j };
				assert_int_equal(qv_topology_add_link(topology, &link, NULL), 0);
			}
	assert_int_equal(qv_topology_finish(topology, NULL), 0);
	return topology;
}

/* Messages as the theory has them. */
static double expected_messages(const char *module, uint32_t width, uint32_t layers)
{
	double w = width, paths = 1, sum = 0;
	if (strcmp(module, "disjoint") == 0)
		return w * (layers + 1);
	if (strcmp(module, "redistribute") == 0)
		return 2 * w + (layers - 1) * w * w;
	for (uint32_t i = 0; i < layers; i++) {
		paths *= w;
		sum += paths;
	}
	return sum + paths;
}

static const char *const modules[] = { "recursive", "disjoint", "redistribute" };

static void test_layered(void **state)
{
	(void)state;
	for (size_t m = 0; m < 3; m++)
		for (uint32_t width = 2; width <= 5; width++)
			for (uint32_t layers = 1; layers <= 5; layers++) {
				struct trial trial;
				must_open(&trial, modules[m], NULL, layered(width, layers), 0, width * layers + 1);
				simulate(&trial, 2, false, 0);
				if (trial.result.outcome != SIMULATION_DELIVERED)
					fail_msg("%s, %u x %u: %s", modules[m], width, layers,
						 trial.result.why.message);
				assert_float_equal((double)trial.result.messages,
						   expected_messages(modules[m], width, layers), 0);
				assert_float_equal(trial.class->facts(trial.plan)->messages,
						   (double)trial.result.messages, 0);
				assert_int_equal(trial.result.refused, 0);
				close_trial(&trial);
			}
}

/* In each layer of width 5 two KMEs may be lost, or compromised without learning anything. */
static void test_layered_tolerance(void **state)
{
	(void)state;
	static const char *const per_layer[] = { "recursive", "redistribute" };
	for (size_t m = 0; m < 2; m++) {
		struct trial trial;
		must_open(&trial, per_layer[m], NULL, layered(5, 3), 0, 16);
		for (uint32_t layer = 0; layer < 3; layer++) {
			trial.kmes[1 + layer * 5 + layer] = QV_TOPOLOGY_DOWN;
			trial.kmes[1 + layer * 5 + 4] = QV_TOPOLOGY_DOWN;
		}
		simulate(&trial, 1, false, 0);
		assert_int_equal(trial.result.outcome, SIMULATION_DELIVERED);
		for (uint32_t i = 0; i < 17; i++)
			trial.kmes[i] = trial.kmes[i] ? QV_TOPOLOGY_COMPROMISED : 0;
		simulate(&trial, 64, true, 0);
		assert_true(trial.result.weighed);
		assert_false(trial.result.learned);
		trial.kmes[1] = trial.kmes[2] = trial.kmes[3] = QV_TOPOLOGY_COMPROMISED;
		simulate(&trial, 64, true, 0);
		assert_true(trial.result.weighed && trial.result.learned);
		close_trial(&trial);
	}
}

/* One layer of 7: threshold 4 with recursive, 3 with disjoint asked to put up with 2 altered. */
static void test_altered(void **state)
{
	(void)state;
	static const char *const two[] = { "altered=2", NULL };
	static const struct {
		const char *module;
		const char *const *options;
		unsigned corrected;
	} cases[] = { { "recursive", NULL, 1 }, { "redistribute", NULL, 1 }, { "disjoint", two, 2 } };
	for (size_t i = 0; i < 3; i++)
		for (unsigned wrong = 0; wrong <= 7; wrong++) {
			struct trial trial;
			must_open(&trial, cases[i].module, cases[i].options, layered(7, 1), 0, 8);
			for (uint32_t j = 0; j < wrong; j++)
				trial.kmes[1 + j * 3 % 7] = SIMULATION_ALTERS | QV_TOPOLOGY_COMPROMISED;
			simulate(&trial, 2, false, 0);
			assert_int_equal(trial.result.outcome,
					 wrong <= cases[i].corrected ? SIMULATION_DELIVERED : SIMULATION_CONTRADICTED);
			assert_int_equal(trial.result.wrong, wrong <= cases[i].corrected ? wrong : 0);
			close_trial(&trial);
		}
}

/* An altered sub-share inside a fold spoils the sharing; another attempt takes other contributors. */
static void test_attempts(void **state)
{
	(void)state;
	struct trial trial;
	unsigned delivered = 0;
	must_open(&trial, "redistribute", NULL, layered(5, 2), 0, 11);
	trial.kmes[2] = SIMULATION_ALTERS | QV_TOPOLOGY_COMPROMISED;
	for (uint8_t attempt = 0; attempt < 5; attempt++) {
		simulate(&trial, 2, false, attempt);
		assert_true(trial.result.outcome == SIMULATION_DELIVERED ||
			    trial.result.outcome == SIMULATION_CONTRADICTED);
		delivered += trial.result.outcome == SIMULATION_DELIVERED;
	}
	assert_int_equal(delivered, 2);
	close_trial(&trial);
}

static void test_disjoint_limits(void **state)
{
	(void)state;
	static const struct {
		const char *options[4];
		const char *message; /* NULL: it can be done */
		uint32_t privacy, tolerance;
	} cases[] = {
		{ { "privacy=2", NULL }, NULL, 2, 2 },
		{ { "privacy=4", NULL }, NULL, 4, 0 },
		{ { "privacy=5", NULL }, "takes 6 disjoint routes; from KME \"0\" to \"11\" there are 5", 0, 0 },
		{ { "altered=2", NULL }, NULL, 0, 4 },
		{ { "altered=1", "lost=1", NULL }, NULL, 1, 3 },
		{ { "privacy=2", "altered=1", "lost=1", NULL }, "a privacy of 1 is possible", 0, 0 },
		{ { "altered=3", NULL }, "a privacy of 4 is possible with none altered or lost", 0, 0 },
		{ { "routes=3", NULL }, NULL, 1, 1 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct trial trial;
		struct qv_error err = QV_ERROR_INIT;
		bool possible = open_trial(&trial, "disjoint", cases[i].options, layered(5, 2), 0, 11, &err);
		assert_int_equal(possible, cases[i].message == NULL);
		if (possible) {
			assert_int_equal(trial.class->facts(trial.plan)->privacy, cases[i].privacy);
			assert_int_equal(trial.class->facts(trial.plan)->tolerance, cases[i].tolerance);
		} else if (!cases[i].message || !strstr(err.message, cases[i].message) || err.code != QV_E_UNSUPPORTED)
			fail_msg("\"%s\" lacks \"%s\"", err.message, cases[i].message ? cases[i].message : "");
		close_trial(&trial);
	}
}

static void test_recursive_limit(void **state)
{
	(void)state;
	static const char *const few[] = { "max_messages=1000", NULL };
	struct trial trial;
	struct qv_error err = QV_ERROR_INIT;
	assert_false(open_trial(&trial, "recursive", few, layered(5, 5), 0, 26, &err));
	assert_int_equal(err.code, QV_E_UNSUPPORTED);
	assert_non_null(strstr(err.message, "7030 messages"));
	close_trial(&trial);
}

static uint32_t next_random(uint64_t *random)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*random >> 33);
}

static struct qv_topology *random_network(uint64_t *random)
{
	struct qv_topology *topology = qv_topology_new(NULL);
	uint32_t kmes = 3 + next_random(random) % 7, percent = 30 + next_random(random) % 50;
	for (uint32_t i = 0; i < kmes; i++) {
		char id[16];
		snprintf(id, sizeof id, "%u", i);
		struct qv_topology_kme kme = { .id = id };
		qv_topology_add_kme(topology, &kme, NULL);
	}
	for (uint32_t i = 0; i < kmes; i++)
		for (uint32_t j = i + 1; j < kmes; j++) {
			struct qv_topology_link link = { .from = i, .to = j };
			link.one_way = next_random(random) % 8 == 0;
			if (next_random(random) % 100 < percent)
				qv_topology_add_link(topology, &link, NULL);
		}
	assert_int_equal(qv_topology_finish(topology, NULL), 0);
	return topology;
}

/* The module's judgement of the marks in one lane. */
static struct qv_relay_verdict judge(const struct trial *trial)
{
	struct qv_relay_marks kmes[KMES_MAX] = { { 0 } }, links[LINKS_MAX] = { { 0 } };
	struct qv_relay_verdict verdict;
	const struct qv_relay_state state = { kmes, links };
	for (uint32_t i = 0; i < KMES_MAX; i++) {
		kmes[i].down = trial->kmes[i] & QV_TOPOLOGY_DOWN ? 1u << 5 : 0;
		kmes[i].compromised = trial->kmes[i] & QV_TOPOLOGY_COMPROMISED ? 1u << 5 : 0;
	}
	for (uint32_t i = 0; i < LINKS_MAX; i++) {
		links[i].down = trial->links[i] & QV_TOPOLOGY_DOWN ? 1u << 5 : 0;
		links[i].compromised = trial->links[i] & QV_TOPOLOGY_COMPROMISED ? 1u << 5 : 0;
	}
	void *scratch = malloc(trial->class->facts(trial->plan)->scratch + 1);
	assert_non_null(scratch);
	trial->class->judge(trial->plan, &state, scratch, &verdict);
	free(scratch);
	return verdict;
}

static void compare(struct trial *trial, uint64_t seed)
{
	struct qv_relay_verdict verdict = judge(trial);
	simulate(trial, 8, true, 0);
	assert_true(trial->result.weighed);
	bool delivered = trial->result.outcome == SIMULATION_DELIVERED;
	if (delivered != (verdict.delivered >> 5 & 1) || trial->result.learned != (verdict.learned >> 5 & 1))
		fail_msg("%s, network of seed %llu: simulated %d %d, judged %d %d: %s", trial->class->head.name,
			 (unsigned long long)seed, delivered, trial->result.learned, (int)(verdict.delivered >> 5 & 1),
			 (int)(verdict.learned >> 5 & 1), trial->result.why.message);
	assert_true(delivered || trial->result.outcome == SIMULATION_MISSED);
}

/* Random networks; in each all sets of one and two compromised KMEs, and random mixtures of everything. */
static void test_random(void **state)
{
	(void)state;
	unsigned tried[3] = { 0 };
	for (uint64_t seed = 1; seed <= 700; seed++)
		for (size_t m = 0; m < 3; m++) {
			uint64_t random = seed * 77;
			struct trial trial;
			struct qv_error err = QV_ERROR_INIT;
			struct qv_topology *topology = random_network(&random);
			uint32_t kmes = qv_topology_kmes(topology), links = qv_topology_links(topology);
			if (!open_trial(&trial, modules[m], NULL, topology, 0, kmes - 1, &err)) {
				assert_true(err.code == QV_E_NOT_FOUND || err.code == QV_E_UNSUPPORTED);
				close_trial(&trial);
				continue;
			}
			for (int round = 0; round < 4; round++) {
				memset(trial.kmes, 0, sizeof trial.kmes);
				memset(trial.links, 0, sizeof trial.links);
				for (uint32_t i = 1; i + 1 < kmes; i++)
					trial.kmes[i] =
						next_random(&random) % 3 ? 0 : (uint8_t)(1 + next_random(&random) % 3);
				for (uint32_t i = 0; i < links && round % 2; i++)
					trial.links[i] = next_random(&random) % 6 ? 0 : QV_TOPOLOGY_DOWN;
				for (uint32_t i = 0; i < links && round == 3; i++)
					trial.links[i] |= next_random(&random) % 6 ? 0 : QV_TOPOLOGY_COMPROMISED;
				compare(&trial, seed);
				tried[m]++;
			}
			close_trial(&trial);
		}
	for (size_t m = 0; m < 3; m++)
		assert_true(tried[m] > 1000);
}

/* All adversary sets of small networks: what the facts say of any so many KMEs is so, and one more is not. */
static void test_all_sets(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++)
		for (size_t m = 0; m < 3; m++) {
			uint64_t random = seed * 1009;
			struct trial trial;
			struct qv_error err = QV_ERROR_INIT;
			struct qv_topology *topology = random_network(&random);
			uint32_t kmes = qv_topology_kmes(topology), between = kmes - 2;
			if (kmes > 8 || !open_trial(&trial, modules[m], NULL, topology, 0, kmes - 1, &err)) {
				if (kmes > 8)
					qv_topology_free(topology);
				else
					close_trial(&trial);
				continue;
			}
			const struct qv_relay_facts *facts = trial.class->facts(trial.plan);
			unsigned learns = between + 1, stops = learns; /* the smallest sets that do */
			for (uint32_t set = 1; set < 1u << between; set++) {
				unsigned size = (unsigned)__builtin_popcount(set);
				for (uint32_t i = 0; i < between; i++)
					trial.kmes[i + 1] = set >> i & 1 ? QV_TOPOLOGY_COMPROMISED : 0;
				simulate(&trial, 8, true, 0);
				assert_int_equal(trial.result.outcome, SIMULATION_DELIVERED);
				learns = trial.result.learned && size < learns ? size : learns;
				for (uint32_t i = 0; i < between; i++)
					trial.kmes[i + 1] = set >> i & 1 ? QV_TOPOLOGY_DOWN : 0;
				simulate(&trial, 1, false, 0);
				stops = trial.result.outcome != SIMULATION_DELIVERED && size < stops ? size : stops;
			}
			/* KMEs without a part count in no plan: with nothing that learns, all between may be compromised. */
			if (learns <= between)
				assert_int_equal(facts->privacy, learns - 1);
			if (stops <= between)
				assert_int_equal(facts->tolerance, stops - 1);
			close_trial(&trial);
		}
}

/* Messages that no plan expects: refused, and the session goes on. */
struct hostile {
	struct qv_relay_send send;
	unsigned sent;
};

static int count_message(struct qv_relay_send *send, uint32_t next, const struct qv_relay_message *message,
			 struct qv_error *err)
{
	(void)next;
	(void)message;
	(void)err;
	((struct hostile *)send)->sent++;
	return 0;
}

static void test_hostile(void **state)
{
	(void)state;
	for (size_t m = 0; m < 3; m++) {
		struct trial trial;
		must_open(&trial, modules[m], NULL, layered(3, 2), 0, 7);
		const struct qv_relay_session session = { 1, 32, 0 };
		uint64_t random = 3;
		for (uint32_t self = 1; self <= 7; self++) {
			struct qv_error err = QV_ERROR_INIT;
			struct hostile hostile = { .send = { count_message } };
			struct qv_relay_node *node = trial.class->begin(trial.plan, self, &session, &err);
			assert_non_null(node);
			unsigned taken = 0;
			for (int i = 0; i < 20000; i++) {
				uint8_t head[8], share[33] = { 0 };
				for (size_t j = 0; j < sizeof head; j++)
					head[j] = next_random(&random) % 3 ? 0 : (uint8_t)(next_random(&random) % 12);
				const struct qv_relay_message message = { head, next_random(&random) % 9, share,
									  32u + (next_random(&random) % 20 == 0) };
				int progress = trial.class->receive(node, NULL, next_random(&random) % 9, &message,
								    &hostile.send, &err);
				assert_true(progress >= 0 || err.code == QV_E_PROTOCOL);
				taken += progress >= 0;
			}
			/* As many as the plan expects there, however many were sent. */
			assert_true(taken <= 9 && hostile.sent <= 27);
			trial.class->end(node);
		}
		close_trial(&trial);
	}
}

static int open_loader(void **state)
{
	(void)state;
	loader = qv_loader_new(NULL, NULL, NULL);
	return loader ? 0 : -1;
}

static int close_loader(void **state)
{
	(void)state;
	qv_loader_free(loader);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_demonstration),     cmocka_unit_test(test_layered),
		cmocka_unit_test(test_layered_tolerance), cmocka_unit_test(test_altered),
		cmocka_unit_test(test_attempts),          cmocka_unit_test(test_disjoint_limits),
		cmocka_unit_test(test_recursive_limit),   cmocka_unit_test(test_random),
		cmocka_unit_test(test_all_sets),          cmocka_unit_test(test_hostile),
	};
	return cmocka_run_group_tests_name("relay", tests, open_loader, close_loader);
}
