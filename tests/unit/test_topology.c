/* SPDX-License-Identifier: Apache-2.0 */
/* Topologies and routes: files and their errors, numbering, plans, disjoint routes against brute force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <qvisio/route.h>

static struct qv_topology *parse(const char *text)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_topology *topology = qv_topology_parse(text, "net.conf", &err);
	if (!topology)
		fail_msg("%s", err.message);
	return topology;
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

static void test_demo(void **state)
{
	(void)state;
	struct qv_topology *topology = demo();
	assert_int_equal(qv_topology_kmes(topology), 8);
	assert_int_equal(qv_topology_links(topology), 13);
	for (uint32_t i = 0; i < 8; i++) {
		char id[2] = { (char)('1' + i), 0 };
		assert_string_equal(qv_topology_kme(topology, i)->id, id);
		assert_int_equal(qv_topology_find(topology, id), i);
		assert_int_equal(qv_topology_kme(topology, i)->marks, i == 3 || i == 5 ? QV_TOPOLOGY_COMPROMISED : 0);
	}
	const struct qv_topology_link *broken = qv_topology_link(topology, qv_topology_find_link(topology, 7, 6));
	assert_int_equal(broken->marks, QV_TOPOLOGY_DOWN);
	assert_int_equal(broken->capacity, 100000);
	assert_int_equal(qv_topology_find_link(topology, 0, 7), QV_TOPOLOGY_NONE);
	qv_topology_free(topology);
}

static void assert_next(const struct qv_route_plan *plan, uint32_t id, const char *expected)
{
	char text[64] = "";
	struct qv_topology_arcs next = qv_route_next(plan, id - 1);
	for (size_t i = 0; i < next.count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%u ", next.arcs[i].kme + 1);
	assert_string_equal(text, expected);
}

static void test_demo_plan(void **state)
{
	(void)state;
	struct qv_topology *topology = demo();
	struct qv_route_plan *plan = qv_route_plan_new(topology, 0, 7, NULL, NULL);
	assert_non_null(plan);
	assert_next(plan, 1, "2 3 4 ");
	assert_next(plan, 2, "5 6 ");
	assert_next(plan, 3, "5 6 7 ");
	assert_next(plan, 4, "6 7 ");
	assert_next(plan, 5, "8 ");
	assert_next(plan, 6, "8 ");
	assert_next(plan, 7, "8 ");
	assert_next(plan, 8, "");
	assert_int_equal(qv_route_previous(plan, 5).count, 3);
	assert_float_equal(qv_route_paths(plan, 0), 7, 0);
	assert_int_equal(qv_route_distance(plan, 0), 3);
	qv_route_plan_free(plan);
	struct qv_route_options around = { .avoid_down = true };
	plan = qv_route_plan_new(topology, 0, 7, &around, NULL);
	assert_next(plan, 3, "5 6 ");
	assert_next(plan, 4, "6 ");
	qv_route_plan_free(plan);
	struct qv_route_options narrow = { .max_next = 2 };
	plan = qv_route_plan_new(topology, 0, 7, &narrow, NULL);
	assert_next(plan, 1, "2 3 ");
	assert_next(plan, 4, "");
	qv_route_plan_free(plan);
	qv_topology_free(topology);
}

static void test_sideways(void **state)
{
	(void)state;
	struct qv_topology *topology =
		parse("kmes: (\"a\", \"b\", \"c\", \"z\"); links: ({ from = \"a\"; to = [\"b\", \"c\"]; },"
		      "{ from = \"c\"; to = [\"b\", \"z\"]; }, { from = \"b\"; to = \"z\"; });");
	struct qv_route_options options = { .sideways = true };
	struct qv_route_plan *plan = qv_route_plan_new(topology, 0, 3, &options, NULL);
	assert_next(plan, 2, "3 4 ");
	assert_next(plan, 3, "4 ");
	assert_float_equal(qv_route_paths(plan, 0), 3, 0);
	size_t count;
	const uint32_t *order = qv_route_order(plan, &count);
	assert_int_equal(count, 4);
	assert_int_equal(order[1], 1);
	qv_route_plan_free(plan);
	qv_topology_free(topology);
}

static void test_numbers(void **state)
{
	(void)state;
	struct qv_topology *topology = parse("kmes: (10, 9, \"kme-2\", \"kme-10\", \"kme-1\", \"01\", 1); links: ({ "
					     "from = 10; to = 9; one_way = true; });");
	static const char *const order[] = { "01", "1", "9", "10", "kme-1", "kme-2", "kme-10" };
	for (uint32_t i = 0; i < 7; i++)
		assert_string_equal(qv_topology_kme(topology, i)->id, order[i]);
	assert_int_equal(qv_topology_out(topology, 3).count, 1);
	assert_int_equal(qv_topology_out(topology, 2).count, 0);
	assert_int_equal(qv_topology_in(topology, 2).count, 1);
	assert_int_equal(qv_topology_in(topology, 3).count, 0);
	assert_int_equal(qv_topology_find_link(topology, 2, 3), 0);
	qv_topology_free(topology);
}

static void test_file_errors(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} wrong[] = {
		{ "", "net.conf:1: no KMEs" },
		{ "kmes: ();", "net.conf:1: no KMEs" },
		{ "\nkmes = 4;", "net.conf:2: kmes: expected a list" },
		{ "kmes: (1,\n2,\n1);", "net.conf:3: KME \"1\" is there twice, first in line 1" },
		{ "kmes: (1, \"\");", "net.conf:1: a KME ID has 1 to 255 bytes" },
		{ "kmes: (1, true);", "net.conf:1: expected the ID of a KME" },
		{ "kmes: (1, { down = true; });", "net.conf:1: a KME without id" },
		{ "kmes: (1,\n{ id = 2; colour = 3; });", "net.conf:2: \"colour\" is no setting of a KME" },
		{ "kmes: ({ id = 2; position = [1]; });", "net.conf:1: position: expected [x, y]" },
		{ "kmes: ({ id = 2; down = 1; });", "net.conf:1: down: expected true or false" },
		{ "kmes: (1, 2);\nlinks: (\n{ from = 1; to = 3; });", "net.conf:3: a link names KME \"3\"" },
		{ "kmes: (1, 2);\nlinks: ({ from = 1; to = 1; });", "net.conf:2: a link joins KME \"1\" with itself" },
		{ "kmes: (1, 2);\nlinks: ({ from = 1; to = 2; },\n{ from = 2; to = 1; });",
		  "net.conf:3: the link between \"2\" and \"1\" is there twice, first in line 2" },
		{ "kmes: (1, 2);\nlinks: ({ from = 1; });", "net.conf:2: a link without to" },
		{ "kmes: (1, 2);\nlinks: (3);", "net.conf:2: expected a link" },
		{ "kmes: (1, 2);\nlinks: ({ from = 1; to = 2; capacity = -1; });", "net.conf:2: capacity" },
		{ "kmes: (1, 2);\nlinks: ({ from = 1; to = 2; length = 1; });",
		  "net.conf:2: \"length\" is no setting" },
		{ "kmes: (1, 2);\nnodes: ();", "net.conf:2: \"nodes\" is no setting of a topology" },
		{ "kmes: (1, 2);\n  @include \"x\"\n", "net.conf:2: a topology includes no other files" },
		{ "kmes: (1, 2;", "net.conf:1: syntax error" },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		assert_null(qv_topology_parse(wrong[i].text, "net.conf", &err));
		if (strncmp(err.message, wrong[i].message, strlen(wrong[i].message)) != 0)
			fail_msg("expected \"%s\", got \"%s\"", wrong[i].message, err.message);
		assert_int_equal(err.code, QV_E_CONFIG);
	}
	struct qv_error err = QV_ERROR_INIT;
	assert_null(qv_topology_load("/nonexistent/net.conf", &err));
	assert_int_equal(err.code, QV_E_IO);
	assert_null(qv_topology_load("/", &err));
	assert_int_equal(err.code, QV_E_IO);
}

static void assert_no_route(const char *text, const char *from, const char *to, bool avoid, enum qv_code code,
			    const char *message)
{
	struct qv_topology *topology = parse(text);
	struct qv_route_options options = { .avoid_down = avoid };
	uint32_t a = qv_topology_find(topology, from), b = qv_topology_find(topology, to);
	struct qv_error err = QV_ERROR_INIT;
	assert_null(qv_route_plan_new(topology, a, b, &options, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.message, message))
		fail_msg("\"%s\" lacks \"%s\"", err.message, message);
	memset(&err, 0, sizeof err);
	assert_null(qv_disjoint_new(topology, a, b, 0, &options, &err));
	assert_int_equal(err.code, code);
	qv_topology_free(topology);
}

static void test_no_routes(void **state)
{
	(void)state;
	const char *parts = "kmes: (1, 2, 3, 4, 5); links: ({ from = 1; to = 2; }, { from = 3; to = 4; });";
	const char *down = "kmes: (1, { id = 2; down = true; }, 3); links: ({ from = 2; to = [1, 3]; });";
	const char *end = "kmes: (1, { id = 2; down = true; }); links: ({ from = 1; to = 2; });";
	assert_no_route(parts, "1", "1", false, QV_E_INVALID, "both ends");
	assert_no_route(parts, "1", "9", false, QV_E_INVALID, "number");
	assert_no_route(parts, "1", "4", false, QV_E_NOT_FOUND, "parts of the network");
	assert_no_route(parts, "5", "4", false, QV_E_NOT_FOUND, "no link to leave by");
	assert_no_route(parts, "1", "5", false, QV_E_NOT_FOUND, "no link to be reached by");
	assert_no_route(down, "1", "3", true, QV_E_NOT_FOUND, "down");
	assert_no_route(end, "1", "2", true, QV_E_NOT_FOUND, "down");
	struct qv_topology *topology = parse(parts);
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(qv_topology_need(topology, "7", &err), QV_TOPOLOGY_NONE);
	assert_non_null(strstr(err.message, "\"7\""));
	qv_topology_free(topology);
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static struct qv_topology *random_network(uint64_t *random, uint32_t kmes, uint32_t percent)
{
	struct qv_topology *topology = qv_topology_new(NULL);
	for (uint32_t i = 0; i < kmes; i++) {
		char id[16];
		snprintf(id, sizeof id, "%u", i);
		struct qv_topology_kme kme = { .id = id };
		assert_int_equal(qv_topology_add_kme(topology, &kme, NULL), i);
	}
	for (uint32_t i = 0; i < kmes; i++)
		for (uint32_t j = i + 1; j < kmes; j++) {
			bool turned = next_random(random) & 1;
			struct qv_topology_link link = { .from = turned ? j : i, .to = turned ? i : j };
			link.one_way = next_random(random) % 4 == 0;
			link.marks = next_random(random) % 8 == 0 ? QV_TOPOLOGY_DOWN : 0;
			if (next_random(random) % 100 < percent)
				assert_int_equal(qv_topology_add_link(topology, &link, NULL), 0);
		}
	assert_int_equal(qv_topology_finish(topology, NULL), 0);
	return topology;
}

/* Whether `to` can be reached without the KMEs in `cut`, over links that may be used. */
static bool reaches(const struct qv_topology *topology, uint32_t from, uint32_t to, uint32_t cut, bool direct)
{
	uint32_t seen = 1u << from, fresh = seen;
	while (fresh) {
		uint32_t here = (uint32_t)__builtin_ctz(fresh);
		fresh &= fresh - 1;
		struct qv_topology_arcs out = qv_topology_out(topology, here);
		for (size_t i = 0; i < out.count; i++) {
			uint32_t there = out.arcs[i].kme;
			bool down = qv_topology_link(topology, out.arcs[i].link)->marks & QV_TOPOLOGY_DOWN;
			if (down || (cut | seen) >> there & 1 || (here == from && there == to && !direct))
				continue;
			seen |= 1u << there;
			fresh |= 1u << there;
		}
	}
	return seen >> to & 1;
}

/* The fewest KMEs that cut the two apart when their common link is left out (Menger), by trying all sets. */
static unsigned smallest_cut(const struct qv_topology *topology, uint32_t from, uint32_t to)
{
	unsigned smallest = 99;
	for (uint32_t cut = 0; cut < 1u << qv_topology_kmes(topology); cut++) {
		unsigned size = (unsigned)__builtin_popcount(cut);
		if (!(cut >> from & 1) && !(cut >> to & 1) && size < smallest &&
		    !reaches(topology, from, to, cut, false))
			smallest = size;
	}
	return smallest;
}

static void check_disjoint(const struct qv_topology *topology, const struct qv_disjoint *routes, uint32_t from,
			   uint32_t to)
{
	uint32_t used = 0;
	for (size_t i = 0; i < routes->count; i++) {
		size_t start = routes->starts[i], end = routes->starts[i + 1];
		assert_true(end - start >= 2);
		assert_int_equal(routes->hops[start], from);
		assert_int_equal(routes->hops[end - 1], to);
		for (size_t j = start; j + 1 < end; j++) {
			uint32_t link = qv_topology_find_link(topology, routes->hops[j], routes->hops[j + 1]);
			assert_int_not_equal(link, QV_TOPOLOGY_NONE);
			const struct qv_topology_link *found = qv_topology_link(topology, link);
			assert_false(found->marks & QV_TOPOLOGY_DOWN);
			assert_true(!found->one_way || found->from == routes->hops[j]);
			assert_false(j > start && used >> routes->hops[j] & 1);
			if (j > start)
				used |= 1u << routes->hops[j];
		}
	}
}

static void test_disjoint_random(void **state)
{
	(void)state;
	uint64_t random = 7;
	struct qv_route_options options = { .avoid_down = true };
	for (int round = 0; round < 1500; round++) {
		uint32_t kmes = 2 + next_random(&random) % 8;
		struct qv_topology *topology = random_network(&random, kmes, 20 + next_random(&random) % 70);
		uint32_t from = next_random(&random) % kmes, to = (from + 1 + next_random(&random) % (kmes - 1)) % kmes;
		unsigned most = smallest_cut(topology, from, to);
		uint32_t link = qv_topology_find_link(topology, from, to);
		if (link != QV_TOPOLOGY_NONE && !(qv_topology_link(topology, link)->marks & QV_TOPOLOGY_DOWN) &&
		    (!qv_topology_link(topology, link)->one_way || qv_topology_link(topology, link)->from == from))
			most++;
		struct qv_disjoint *routes = qv_disjoint_new(topology, from, to, 0, &options, NULL);
		assert_int_equal(routes ? routes->count : 0, most);
		if (routes) {
			assert_true(routes->most);
			check_disjoint(topology, routes, from, to);
		}
		qv_disjoint_free(routes);
		qv_topology_free(topology);
	}
}

#define GRID_MAX 48

/* A plain maximum flow for comparison: a matrix of what is left on the hops between entries (2v) and exits (2v + 1). */
static uint8_t left[2 * GRID_MAX][2 * GRID_MAX];

static bool push(uint32_t here, uint32_t goal, uint32_t nodes, bool *seen)
{
	if (here == goal)
		return true;
	seen[here] = true;
	for (uint32_t there = 0; there < nodes; there++) {
		if (!left[here][there] || seen[there] || !push(there, goal, nodes, seen))
			continue;
		left[here][there]--;
		left[there][here]++;
		return true;
	}
	return false;
}

static size_t plain_flow(const struct qv_topology *topology, uint32_t from, uint32_t to)
{
	uint32_t kmes = qv_topology_kmes(topology);
	size_t flow = 0;
	memset(left, 0, sizeof left);
	for (uint32_t i = 0; i < kmes; i++) {
		struct qv_topology_arcs out = qv_topology_out(topology, i);
		left[2 * i][2 * i + 1] = 1;
		for (size_t j = 0; j < out.count; j++)
			left[2 * i + 1][2 * out.arcs[j].kme] = 1;
	}
	for (;;) {
		bool seen[2 * GRID_MAX] = { false };
		if (!push(2 * from + 1, 2 * to, 2 * kmes, seen))
			return flow;
		flow++;
	}
}

/* Sparse networks with long routes, where a later route has to push earlier ones aside over several KMEs. */
static void test_disjoint_sparse(void **state)
{
	(void)state;
	uint64_t random = 11;
	for (int round = 0; round < 3000; round++) {
		uint32_t kmes = 10 + next_random(&random) % (GRID_MAX - 10);
		struct qv_topology *topology = random_network(&random, kmes, (280 + next_random(&random) % 150) / kmes);
		size_t most = plain_flow(topology, 0, kmes - 1);
		struct qv_disjoint *routes = qv_disjoint_new(topology, 0, kmes - 1, 0, NULL, NULL);
		assert_int_equal(routes ? routes->count : 0, most);
		qv_disjoint_free(routes);
		qv_topology_free(topology);
	}
}

static void test_plans_random(void **state)
{
	(void)state;
	uint64_t random = 9;
	for (int round = 0; round < 1500; round++) {
		uint32_t kmes = 2 + next_random(&random) % 12;
		struct qv_topology *topology = random_network(&random, kmes, 15 + next_random(&random) % 70);
		struct qv_route_options options = { .avoid_down = true,
						    .sideways = round & 1,
						    .max_next = next_random(&random) % 4 };
		struct qv_error err = QV_ERROR_INIT;
		struct qv_route_plan *plan = qv_route_plan_new(topology, 0, kmes - 1, &options, &err);
		assert_int_equal(plan != NULL, reaches(topology, 0, kmes - 1, 0, true));
		if (plan) {
			size_t count, place[16];
			const uint32_t *order = qv_route_order(plan, &count);
			assert_int_equal(order[0], 0);
			assert_int_equal(order[count - 1], kmes - 1);
			for (size_t i = 0; i < count; i++)
				place[order[i]] = i;
			for (size_t i = 0; i < count; i++) {
				struct qv_topology_arcs next = qv_route_next(plan, order[i]);
				assert_int_equal(next.count == 0, i == count - 1);
				assert_true(!options.max_next || next.count <= options.max_next);
				for (size_t j = 0; j < next.count; j++)
					assert_true(place[next.arcs[j].kme] > i);
			}
		}
		qv_route_plan_free(plan);
		qv_topology_free(topology);
	}
}

/* A ring of many KMEs, added from the back. */
static void test_large(void **state)
{
	(void)state;
	enum { KMES = 200000 };
	struct qv_topology *topology = qv_topology_new(NULL);
	for (uint32_t i = 0; i < KMES; i++) {
		char id[16];
		snprintf(id, sizeof id, "%u", KMES - 1 - i);
		struct qv_topology_kme kme = { .id = id };
		assert_int_equal(qv_topology_add_kme(topology, &kme, NULL), i);
	}
	for (uint32_t i = 0; i < KMES; i++) {
		struct qv_topology_link link = { .from = i, .to = (i + 1) % KMES };
		assert_int_equal(qv_topology_add_link(topology, &link, NULL), 0);
	}
	assert_int_equal(qv_topology_finish(topology, NULL), 0);
	assert_int_equal(qv_topology_find(topology, "123456"), 123456);
	struct qv_disjoint *routes = qv_disjoint_new(topology, 0, KMES / 2, 0, NULL, NULL);
	assert_int_equal(routes->count, 2);
	assert_int_equal(routes->starts[2], KMES + 2);
	qv_disjoint_free(routes);
	struct qv_route_plan *plan = qv_route_plan_new(topology, 0, KMES / 2, NULL, NULL);
	assert_float_equal(qv_route_paths(plan, 0), 2, 0);
	qv_route_plan_free(plan);
	qv_topology_free(topology);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_demo),
		cmocka_unit_test(test_demo_plan),
		cmocka_unit_test(test_sideways),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_file_errors),
		cmocka_unit_test(test_no_routes),
		cmocka_unit_test(test_disjoint_random),
		cmocka_unit_test(test_disjoint_sparse),
		cmocka_unit_test(test_plans_random),
		cmocka_unit_test(test_large),
	};
	return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
