/* SPDX-License-Identifier: Apache-2.0 */
/* One direction between two nodes: what happens to each packet, following from a profile and a seed. */
#ifndef NETWORK_PATH_H
#define NETWORK_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODES_MAX 6

struct profile {
	double delay_ms, jitter_ms; /* jitter: uniform, up to so much more, without reordering */
	double loss, burst;         /* share of packets lost; mean length of a run of them (1: independent) */
	double reorder, held_ms;    /* share of packets held back for so long, while others overtake them */
	double duplicate;           /* share of packets that come twice */
	double rate, queue;         /* bit/s (0: unlimited), bytes that may wait for it */
	bool down;                  /* nothing passes */
	bool no_udp;                /* no UDP passes */
};

struct counts {
	uint64_t passed, bytes, lost, full, duplicated, reordered;
};

struct path {
	struct profile profile;
	struct counts counts;
	uint64_t random;
	bool in_burst;
	int64_t free_ns; /* when the rate lets the next packet start */
	int64_t last_ns; /* when the packet before leaves */
};

/* What becomes of a packet. */
struct fate {
	enum { FATE_PASSES, FATE_LOST, FATE_FULL } what;
	int64_t due_ns, copy_due_ns; /* copy: 0 for none */
	int64_t queued_ns;           /* that it waits for the rate */
};

void path_init(struct path *path, const struct profile *profile, uint64_t seed);
struct fate path_take(struct path *path, size_t size, bool udp, int64_t now_ns);

/* Takes "name=value" into a profile. False: no such name, or no value in its range. */
bool profile_parse(struct profile *profile, const char *word);

extern const char profile_usage[];

#endif
