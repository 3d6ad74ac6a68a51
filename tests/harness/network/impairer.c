/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network between up to six network namespaces, with delay, jitter, loss, reordering, duplication, a rate and outages: a
 * process that moves packets between TUN devices, because not every kernel has netem.
 *
 *   impairer nodes=N [seed=N] [control=SOCKET] [log=FILE] [name=value…]
 *
 * Node n has the address 10.99.0.n/24 on its device qv0 and is entered by the process id that is printed. Further
 * addresses of that network are found by the packets that come from them. Values hold for each direction of each pair until
 * changed through the control socket; the schedule follows from the seed. The log has a line for each packet: its time in
 * ns, from, to, bytes, ns waited for the rate, and passed, lost or full.
 * Prints "ready user=0|1 PID…" (user=1: the namespaces belong to a user namespace); SIGTERM ends it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "nodes.h"
#include "path.h"

#define MTU         1500
#define PACKETS_MAX 65536 /* that wait */
#define BATCH       64    /* packets of one node before the others' turn */

struct packet {
	int64_t due_ns;
	uint64_t number; /* keeps packets with the same due time in order */
	int to;
	uint16_t size;
	uint8_t bytes[MTU];
};

struct impairer {
	struct network network;
	struct control control;
	struct node nodes[NODES_MAX];
	int8_t owner[256];    /* node of 10.99.0.x, or -1 */
	struct packet **heap; /* binary, by due time */
	size_t count;
	uint64_t taken;
	FILE *log;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static void die(const char *what)
{
	fprintf(stderr, "impairer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool earlier(const struct packet *a, const struct packet *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void heap_push(struct impairer *it, struct packet *packet)
{
	size_t i = it->count++;
	for (; i > 0 && earlier(packet, it->heap[(i - 1) / 2]); i = (i - 1) / 2)
		it->heap[i] = it->heap[(i - 1) / 2];
	it->heap[i] = packet;
}

static struct packet *heap_pop(struct impairer *it)
{
	struct packet *top = it->heap[0], *last = it->heap[--it->count];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child + 1 < it->count && earlier(it->heap[child + 1], it->heap[child]))
			child++;
		if (child >= it->count || !earlier(it->heap[child], last))
			break;
		it->heap[i] = it->heap[child];
		i = child;
	}
	it->heap[i] = last;
	return top;
}

static void keep(struct impairer *it, const uint8_t *bytes, size_t size, int to, int64_t due_ns)
{
	if (it->count == PACKETS_MAX)
		return;
	struct packet *packet = malloc(sizeof *packet);
	if (!packet)
		die("memory");
	*packet = (struct packet){ .due_ns = due_ns, .number = it->taken++, .to = to, .size = (uint16_t)size };
	memcpy(packet->bytes, bytes, size);
	heap_push(it, packet);
}

/* IPv4 (RFC 791) between addresses of the network; where the packet goes, or -1. */
static int route(struct impairer *it, int from, const uint8_t *bytes, size_t size)
{
	static const uint8_t prefix[3] = { 10, 99, 0 };
	if (size < 20 || bytes[0] >> 4 != 4 || memcmp(bytes + 12, prefix, 3) != 0 || memcmp(bytes + 16, prefix, 3) != 0)
		return -1;
	it->owner[bytes[15]] = (int8_t)from;
	return it->owner[bytes[19]];
}

static void take_in(struct impairer *it, int from)
{
	uint8_t bytes[MTU];
	for (int i = 0; i < BATCH; i++) {
		ssize_t size = read(it->nodes[from].fd, bytes, sizeof bytes);
		if (size <= 0)
			return;
		int to = route(it, from, bytes, (size_t)size);
		if (to < 0 || to == from)
			continue;
		int64_t now = now_ns();
		struct fate fate = path_take(&it->network.paths[from][to], (size_t)size, bytes[9] == IPPROTO_UDP, now);
		if (fate.what == FATE_PASSES)
			keep(it, bytes, (size_t)size, to, fate.due_ns);
		if (fate.copy_due_ns > 0)
			keep(it, bytes, (size_t)size, to, fate.copy_due_ns);
		static const char *const words[] = { "passed", "lost", "full" };
		if (it->log)
			fprintf(it->log, "%lld %d %d %zd %lld %s\n", (long long)now, from + 1, to + 1, size,
				(long long)fate.queued_ns, words[fate.what]);
	}
}

static void let_out(struct impairer *it)
{
	while (it->count > 0 && it->heap[0]->due_ns <= now_ns()) {
		struct packet *packet = heap_pop(it);
		/* A full device drops, as a network does. */
		ssize_t written = write(it->nodes[packet->to].fd, packet->bytes, packet->size);
		(void)written;
		free(packet);
	}
}

static struct timespec until_due(const struct impairer *it)
{
	int64_t due = control_next_due(&it->control), left;
	if (it->count > 0 && it->heap[0]->due_ns < due)
		due = it->heap[0]->due_ns;
	if (due == INT64_MAX)
		return (struct timespec){ .tv_sec = 3600 };
	left = due - now_ns();
	if (left < 0)
		left = 0;
	return (struct timespec){ .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
}

static void relay(struct impairer *it)
{
	struct pollfd fds[NODES_MAX + 1] = { { .fd = it->control.listener, .events = POLLIN } };
	int nodes = it->network.nodes;
	for (int i = 0; i < nodes; i++)
		fds[i + 1] = (struct pollfd){ .fd = it->nodes[i].fd, .events = POLLIN };
	while (!stopped) {
		struct timespec wait = until_due(it);
		if (ppoll(fds, (nfds_t)nodes + 1, &wait, NULL) < 0) {
			if (errno != EINTR)
				die("poll");
			continue;
		}
		control_run_due(&it->control, now_ns());
		if (fds[0].revents)
			control_serve(&it->control, now_ns());
		for (int i = 0; i < nodes; i++)
			if (fds[i + 1].revents)
				take_in(it, i);
		let_out(it);
	}
}

static void usage(const char *word)
{
	fprintf(stderr, "impairer: \"%s\" is none of nodes=1…%d seed=N control=SOCKET log=FILE %s\n", word, NODES_MAX,
		profile_usage);
	exit(2);
}

struct arguments {
	int nodes;
	unsigned long long seed;
	const char *control, *log;
	struct profile profile;
};

static void parse(struct arguments *arguments, const char *word)
{
	char end;
	if (sscanf(word, "nodes=%d%c", &arguments->nodes, &end) == 1 && arguments->nodes >= 1 &&
	    arguments->nodes <= NODES_MAX)
		return;
	if (sscanf(word, "seed=%llu%c", &arguments->seed, &end) == 1)
		return;
	if (strncmp(word, "control=", 8) == 0)
		arguments->control = word + 8;
	else if (strncmp(word, "log=", 4) == 0)
		arguments->log = word + 4;
	else if (!profile_parse(&arguments->profile, word))
		usage(word);
}

static void set_up(struct impairer *it, const struct arguments *arguments)
{
	it->network.nodes = arguments->nodes;
	for (int i = 0; i < arguments->nodes; i++)
		for (int j = 0; j < arguments->nodes; j++)
			path_init(&it->network.paths[i][j], &arguments->profile,
				  arguments->seed * 64 + (uint64_t)(i * NODES_MAX + j));
	memset(it->owner, -1, sizeof it->owner);
	for (int i = 0; i < arguments->nodes; i++)
		it->owner[i + 1] = (int8_t)i;
	it->heap = calloc(PACKETS_MAX, sizeof *it->heap);
	if (!it->heap)
		die("memory");
	if (arguments->log && !(it->log = fopen(arguments->log, "we")))
		die(arguments->log);
	control_open(&it->control, &it->network, arguments->control);
}

int main(int argc, char **argv)
{
	static struct impairer it;
	struct arguments arguments = { .nodes = 2, .seed = 1, .profile = { .queue = 64 * 1024.0, .held_ms = 10 } };
	for (int i = 1; i < argc; i++)
		parse(&arguments, argv[i]);
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	set_up(&it, &arguments);
	bool own = nodes_make(it.nodes, arguments.nodes);
	printf("ready user=%d", own);
	for (int i = 0; i < arguments.nodes; i++)
		printf(" %d", (int)it.nodes[i].holder);
	printf("\n");
	fflush(stdout);
	relay(&it);
	if (it.log)
		fclose(it.log);
	while (it.count > 0)
		free(heap_pop(&it));
	free(it.heap);
	return 0;
}
