/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How irregularly packets arrive. Each one's transit (arrival minus its place in the stream, on two clocks that need not
 * agree) is compared with the least of the last seconds; what it is later by goes into a histogram that forgets, and
 * the delay that all but few packets stay under is read from that. It reads no clock and has no lock.
 */
#ifndef QV_AUDIO_ARRIVAL_H
#define QV_AUDIO_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

#define ARRIVAL_BINS   200
#define ARRIVAL_BIN_NS (2 * INT64_C(1000000))
#define ARRIVAL_SPANS  8
#define ARRIVAL_RECENT 20 /* spans of half a second */

struct arrival {
	double weight[ARRIVAL_BINS]; /* of the packets that were that late; together 1 */
	uint64_t packets;
	int64_t least[ARRIVAL_SPANS]; /* transit of each span of time, a ring */
	unsigned span, spans;
	int64_t span_began;
	int64_t base; /* the least transit that the histogram's lateness is of */
	struct {
		int64_t latest;
		unsigned count;
	} recent[ARRIVAL_RECENT]; /* of each span of time, a ring */
	unsigned last;
	int64_t recent_began;
};

/*
 * Notes a packet and returns how much later it is than the quickest, at least 0. One later than the histogram reaches is
 * an interruption, which no delay makes good, and does not count in it.
 */
int64_t arrival_note(struct arrival *arrival, int64_t transit_ns, int64_t now);

/* The least transit of the last seconds; only after a packet was noted. */
int64_t arrival_least(const struct arrival *arrival);

/*
 * What a share of `quantile` of the packets is late by at most; 0 before the first. No more than what some packet was late
 * by in three of the last twenty half-seconds: what came less often was an interruption, or is over, as is a network
 * that was worse before.
 */
int64_t arrival_quantile(const struct arrival *arrival, double quantile);

#endif
