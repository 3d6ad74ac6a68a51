/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demonstration network, whole: a key split at KME 1, relayed by all others and rebuilt at KME 8, in memory and without
 * transport encryption.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/loader.h>
#include <qvisio/relay.h>

#include "../bench.h"

#define KMES_MAX 64
#define ROUND    2000 /* sessions */
#define ROUNDS   15
#define GOAL_US  12.0

struct session {
	struct qv_relay_send send;
	const struct qv_relay_class *class;
	struct qv_relay_plan *plan;
	struct qv_relay_node *nodes[KMES_MAX];
	uint32_t self; /* who is sending */
	bool failed;
};

/* Straight into the next node, which sends from within. */
static int hand_over(struct qv_relay_send *send, uint32_t next, const struct qv_relay_message *message,
		     struct qv_error *err)
{
	struct session *session = (struct session *)send;
	uint32_t from = session->self;
	session->self = next;
	int progress = session->class->receive(session->nodes[next], NULL, from, message, send, err);
	session->self = from;
	session->failed |= progress < 0;
	return progress < 0 ? -1 : 0;
}

static bool run_once(struct session *session, uint32_t kmes, const uint8_t *keys, const struct qv_relay_session *size)
{
	uint8_t rebuilt[64];
	size_t bytes = (size_t)size->keys * size->key_bytes;
	session->self = 0;
	for (uint32_t i = 0; i < kmes; i++)
		session->nodes[i] = session->class->begin(session->plan, i, size, NULL);
	bool good = session->class->split(session->nodes[0], NULL, keys, bytes, &session->send, NULL) == 0 &&
		    session->class->rebuild(session->nodes[kmes - 1], rebuilt, bytes, NULL, NULL) == 0 &&
		    memcmp(rebuilt, keys, bytes) == 0;
	for (uint32_t i = 0; i < kmes; i++)
		session->class->end(session->nodes[i]);
	return good && !session->failed;
}

/* Median microseconds of one session, or -1. */
static double measure(struct session *session, uint32_t kmes)
{
	double rounds[ROUNDS];
	const struct qv_relay_session size = { 1, 32, 0 };
	uint8_t keys[32];
	if (qv_generator_fill(NULL, keys, sizeof keys, NULL) != 0)
		return -1;
	for (int round = -1; round < ROUNDS; round++) {
		double start = bench_cpu();
		for (int i = 0; i < ROUND; i++)
			if (!run_once(session, kmes, keys, &size))
				return -1;
		if (round >= 0)
			rounds[round] = (bench_cpu() - start) / ROUND * 1e6;
	}
	return bench_median(rounds, ROUNDS);
}

static struct qv_topology *demonstration(void)
{
	return qv_topology_parse(
		"kmes: (1, 2, 3, 4, 5, 6, 7, 8); links: ({ from = 1; to = [2, 3, 4]; }, { from = 2; to = [5, 6]; },"
		"{ from = 3; to = [5, 6, 7]; }, { from = 4; to = [6, 7]; }, { from = 8; to = [5, 6, 7]; });",
		"demonstration", NULL);
}

struct opened {
	const struct qv_relay_class *class;
	struct qv_relay *relay;
};

static bool open_module(struct qv_loader *loader, const char *name, struct opened *opened)
{
	static const char *const assignments[] = { "max_messages=1000000", NULL };
	const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };
	const struct qv_class *class = qv_loader_get(loader, "relay", name, NULL);
	opened->class = qv_relay_class(class);
	if (!opened->class)
		return false;
	bool recursive = strcmp(name, "recursive") == 0;
	struct qv_options *options =
		qv_options_from_strings(assignments + !recursive, class->options, class->option_size, "bench", NULL);
	opened->relay = opened->class->open(&host, options, NULL);
	qv_options_free(options);
	return opened->relay != NULL;
}

static bool time_demonstration(const struct opened *opened)
{
	struct session session = { .send = { hand_over }, .class = opened->class };
	struct qv_topology *topology = demonstration();
	session.plan = topology ? opened->class->plan(opened->relay, topology, 0, 7, NULL) : NULL;
	double us = session.plan ? measure(&session, 8) : -1;
	bool held = strcmp(opened->class->head.name, "recursive") != 0 || us <= GOAL_US;
	if (us >= 0)
		printf("demonstration, %-12s %8.2f us%s\n", opened->class->head.name, us,
		       strcmp(opened->class->head.name, "recursive") != 0 ? ""
		       : held                                             ? "   goal 12.00 met"
									  : "   goal 12.00 MISSED");
	opened->class->plan_free(session.plan);
	qv_topology_free(topology);
	return us >= 0;
}

int main(void)
{
	static const char *const names[] = { "recursive", "disjoint", "redistribute" };
	struct qv_loader *loader = qv_loader_new(NULL, NULL, NULL);
	struct opened opened[3];
	bool good = loader != NULL;
	for (int i = 0; i < 3 && good; i++)
		good = open_module(loader, names[i], &opened[i]) && time_demonstration(&opened[i]);
	for (int i = 0; i < 3 && good; i++)
		opened[i].class->close(opened[i].relay);
	qv_loader_free(loader);
	return good ? 0 : 1;
}
