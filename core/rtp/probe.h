/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe of the path: a cluster of packets that leaves faster than the target, and how fast it arrives. A path that
 * carries less spreads the packets out.
 */
#ifndef QV_RTP_PROBE_H
#define QV_RTP_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct probe {
	bool on;        /* being sent, or waited for */
	size_t left;    /* bytes that are still to leave */
	uint16_t first; /* transport-wide number */
	unsigned sent, told;
	size_t sent_bytes, last_size;
	int64_t sent_from, sent_to;
	size_t came_bytes, first_size;
	int64_t came_from, came_to;
};

struct probe_result {
	double sent, came; /* bit/s; 0: too few have come to tell */
};

void probe_start(struct probe *probe, size_t bytes);
void probe_sent(struct probe *probe, uint16_t transport, size_t size, int64_t now);
void probe_came(struct probe *probe, uint16_t transport, size_t size, int64_t arrived);

/* True: all of it has come, or what is missing will not, as packets sent later have. The probe is off then. */
bool probe_done(struct probe *probe, uint16_t told, int64_t now, int64_t rtt, struct probe_result *result);

#endif
