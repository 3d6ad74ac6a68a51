/* SPDX-License-Identifier: Apache-2.0 */
/* A link that is simulated: seeded, in a time of its own. Packets go in, and come out later, or never. */
#ifndef TEST_RTP_LINK_H
#define TEST_RTP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_MS INT64_C(1000000)

struct link_settings {
	int64_t rate;          /* bit/s; 0: any */
	int64_t delay, jitter; /* ns; jitter is uniform, and reorders */
	int64_t queue;         /* ns that a packet waits at most before it is dropped */
	double loss, repeat;   /* share of the packets */
	bool policed;          /* what is above the rate is dropped by the same rule, but nothing waits */
};

struct link_packet {
	int64_t due, waited; /* waited: in the queue, and for its own time on the link */
	size_t size;
	uint8_t bytes[1500];
};

struct link {
	struct link_settings settings;
	uint32_t random;
	int64_t free_at;
	size_t count, room, lost;
	struct link_packet *packets;
};

double link_random(struct link *link); /* 0 to 1 */
void link_put(struct link *link, const uint8_t *bytes, size_t size, int64_t now);
bool link_take(struct link *link, int64_t now, struct link_packet *packet); /* in the order of `due` */
void link_free(struct link *link);

#endif
