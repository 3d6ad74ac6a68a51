/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network path with delay, jitter, loss and a rate, between two network namespaces: a process that moves packets
 * between a TUN device in each, because not every kernel has netem.
 *
 *   impairer NAMESPACE-A NAMESPACE-B [delay=MS] [jitter=MS] [loss=FRACTION] [rate=BIT/S] [queue=BYTES] [seed=N]
 *
 * The namespaces are names of ip-netns(8). Their devices are qv0 with 10.99.0.1/30 and 10.99.0.2/30. Every value holds
 * for each direction; the schedule follows from the seed. Prints "ready" once packets pass; SIGTERM prints what passed
 * and ends it. Needs root.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MTU         1500
#define PACKETS_MAX 65536 /* waiting in one direction; a power of two */

struct packet {
	int64_t due_ns;
	uint64_t number; /* keeps packets with the same due time in order */
	uint16_t size;
	uint8_t bytes[MTU];
};

/* One direction: a binary heap by due time. */
struct path {
	int in, out;
	struct packet **heap;
	size_t count;
	int64_t free_ns; /* when the rate lets the next packet start */
	uint64_t passed, lost, full;
};

struct profile {
	double delay_ms, jitter_ms, loss, rate, queue;
	uint64_t random;
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

static double next_fraction(struct profile *profile)
{
	profile->random ^= profile->random << 13;
	profile->random ^= profile->random >> 7;
	profile->random ^= profile->random << 17;
	return (double)(profile->random >> 11) / 9007199254740992.0;
}

static bool earlier(const struct packet *a, const struct packet *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void heap_push(struct path *path, struct packet *packet)
{
	size_t i = path->count++;
	for (; i > 0 && earlier(packet, path->heap[(i - 1) / 2]); i = (i - 1) / 2)
		path->heap[i] = path->heap[(i - 1) / 2];
	path->heap[i] = packet;
}

static struct packet *heap_pop(struct path *path)
{
	struct packet *top = path->heap[0], *last = path->heap[--path->count];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child + 1 < path->count && earlier(path->heap[child + 1], path->heap[child]))
			child++;
		if (child >= path->count || !earlier(path->heap[child], last))
			break;
		path->heap[i] = path->heap[child];
		i = child;
	}
	path->heap[i] = last;
	return top;
}

static void set_due(struct path *path, struct packet *packet, struct profile *profile, int64_t now)
{
	int64_t start = now;
	if (profile->rate > 0) {
		if (path->free_ns < now)
			path->free_ns = now;
		path->free_ns += (int64_t)(packet->size * 8e9 / profile->rate);
		start = path->free_ns;
	}
	double delay = profile->delay_ms + profile->jitter_ms * (2 * next_fraction(profile) - 1);
	packet->due_ns = start + (int64_t)((delay > 0 ? delay : 0) * 1e6);
}

static bool queue_is_full(const struct path *path, const struct profile *profile, int64_t now)
{
	if (path->count == PACKETS_MAX)
		return true;
	return profile->rate > 0 && (double)(path->free_ns - now) * profile->rate / 8e9 > profile->queue;
}

static void take_in(struct path *path, struct profile *profile)
{
	for (;;) {
		struct packet *packet = malloc(sizeof *packet);
		if (!packet)
			die("memory");
		ssize_t size = read(path->in, packet->bytes, MTU);
		if (size <= 0) {
			free(packet);
			return;
		}
		int64_t now = now_ns();
		packet->size = (uint16_t)size;
		packet->number = path->passed + path->lost + path->full;
		if (next_fraction(profile) < profile->loss) {
			path->lost++;
			free(packet);
		} else if (queue_is_full(path, profile, now)) {
			path->full++;
			free(packet);
		} else {
			path->passed++;
			set_due(path, packet, profile, now);
			heap_push(path, packet);
		}
	}
}

static void let_out(struct path *path, int64_t now)
{
	while (path->count > 0 && path->heap[0]->due_ns <= now) {
		struct packet *packet = heap_pop(path);
		/* A full device drops, as a network does. */
		ssize_t written = write(path->out, packet->bytes, packet->size);
		(void)written;
		free(packet);
	}
}

static int64_t next_due(const struct path *paths)
{
	int64_t due = INT64_MAX;
	for (int i = 0; i < 2; i++)
		if (paths[i].count > 0 && paths[i].heap[0]->due_ns < due)
			due = paths[i].heap[0]->due_ns;
	return due;
}

static void relay(struct path *paths, struct profile *profile)
{
	while (!stopped) {
		int64_t now = now_ns(), due = next_due(paths);
		struct timespec wait = { .tv_sec = 3600 };
		if (due != INT64_MAX) {
			int64_t left = due > now ? due - now : 0;
			wait = (struct timespec){ .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
		}
		struct pollfd fds[2] = { { .fd = paths[0].in, .events = POLLIN },
					 { .fd = paths[1].in, .events = POLLIN } };
		if (ppoll(fds, 2, &wait, NULL) < 0 && errno != EINTR)
			die("poll");
		for (int i = 0; i < 2; i++) {
			if (fds[i].revents)
				take_in(&paths[i], profile);
			let_out(&paths[i], now_ns());
		}
	}
}

static void run_ip(const char *space, const char *arguments)
{
	char command[256];
	snprintf(command, sizeof command, "ip -n %s %s", space, arguments);
	if (system(command) != 0)
		die(command);
}

/* A TUN device in a namespace; the descriptor works from any. */
static int open_device(const char *space, const char *address)
{
	char path[300];
	snprintf(path, sizeof path, "/var/run/netns/%s", space);
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) != 0)
		die(path);
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	snprintf(request.ifr_name, sizeof request.ifr_name, "qv0");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
		die("/dev/net/tun");
	if (setns(home, CLONE_NEWNET) != 0)
		die("setns");
	close(home);
	close(there);
	run_ip(space, "link set lo up");
	run_ip(space, address);
	run_ip(space, "link set qv0 mtu 1500 txqueuelen 10000 up");
	return fd;
}

static void parse(struct profile *profile, const char *word)
{
	double seed = 0;
	struct {
		const char *name;
		double *value;
	} names[] = {
		{ "delay", &profile->delay_ms }, { "jitter", &profile->jitter_ms }, { "loss", &profile->loss },
		{ "rate", &profile->rate },      { "queue", &profile->queue },      { "seed", &seed },
	};
	const char *equals = strchr(word, '=');
	for (size_t i = 0; equals && i < sizeof names / sizeof names[0]; i++) {
		char *end;
		if (strncmp(word, names[i].name, (size_t)(equals - word)) != 0 || names[i].name[equals - word] != '\0')
			continue;
		*names[i].value = strtod(equals + 1, &end);
		if (end == equals + 1 || *end)
			break;
		if (seed > 0)
			profile->random = (uint64_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
		return;
	}
	fprintf(stderr, "impairer: \"%s\" is none of delay= jitter= loss= rate= queue= seed=\n", word);
	exit(2);
}

int main(int argc, char **argv)
{
	struct profile profile = { .queue = 256 * 1024, .random = UINT64_C(0x9e3779b97f4a7c15) };
	if (argc < 3) {
		fprintf(stderr, "usage: impairer NAMESPACE-A NAMESPACE-B [name=value…]\n");
		return 2;
	}
	for (int i = 3; i < argc; i++)
		parse(&profile, argv[i]);
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	int a = open_device(argv[1], "addr add 10.99.0.1/30 dev qv0");
	int b = open_device(argv[2], "addr add 10.99.0.2/30 dev qv0");
	struct path paths[2] = { { .in = a, .out = b }, { .in = b, .out = a } };
	for (int i = 0; i < 2; i++)
		if (!(paths[i].heap = calloc(PACKETS_MAX, sizeof *paths[i].heap)))
			die("memory");
	printf("ready\n");
	fflush(stdout);
	relay(paths, &profile);
	for (int i = 0; i < 2; i++)
		printf("%s: %llu passed, %llu lost, %llu over the queue\n", i ? "B to A" : "A to B",
		       (unsigned long long)paths[i].passed, (unsigned long long)paths[i].lost,
		       (unsigned long long)paths[i].full);
	return 0;
}
