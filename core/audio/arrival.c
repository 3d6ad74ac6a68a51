/* SPDX-License-Identifier: Apache-2.0 */
#include "arrival.h"

#define SPAN_NS   (INT64_C(1000000000) / 2)
#define DETOUR_NS (5 * ARRIVAL_BIN_NS) /* a least transit that has risen by so much is that of another way */
#define TELLING   4                    /* packets that make a span tell something… */
#define KNOWN     6                    /* …and spans that make the last seconds do so */
#define OFTEN     3                    /* spans that have something late, where it is more than an interruption */
#define REMEMBER  0.9975               /* from one packet to the next: eight seconds of packets of 20 ms */

static void note_least(struct arrival *arrival, int64_t transit_ns, int64_t now)
{
	if (arrival->spans == 0 || now - arrival->span_began >= SPAN_NS) {
		arrival->span = (arrival->span + 1) % ARRIVAL_SPANS;
		arrival->span_began = now;
		arrival->least[arrival->span] = transit_ns;
		if (arrival->spans < ARRIVAL_SPANS)
			arrival->spans++;
	}
	int64_t *least = &arrival->least[arrival->span];
	if (transit_ns < *least)
		*least = transit_ns;
}

int64_t arrival_least(const struct arrival *arrival)
{
	int64_t least = arrival->least[arrival->span];
	for (unsigned i = 0; i < arrival->spans; i++) {
		int64_t other = arrival->least[(arrival->span + ARRIVAL_SPANS - i) % ARRIVAL_SPANS];
		least = other < least ? other : least;
	}
	return least;
}

static void note_recent(struct arrival *arrival, int64_t late, int64_t now)
{
	if (now - arrival->recent_began >= SPAN_NS) {
		arrival->last = (arrival->last + 1) % ARRIVAL_RECENT;
		arrival->recent_began = now;
		arrival->recent[arrival->last].latest = 0;
		arrival->recent[arrival->last].count = 0;
	}
	if (late > arrival->recent[arrival->last].latest)
		arrival->recent[arrival->last].latest = late;
	arrival->recent[arrival->last].count++;
}

/* How late the latest packet was in OFTEN of the last spans; more than any, if they tell too little. */
static int64_t late_often(const struct arrival *arrival)
{
	int64_t latest[OFTEN] = { 0 }; /* the largest first */
	unsigned telling = 0;
	for (int i = 0; i < ARRIVAL_RECENT; i++) {
		if (arrival->recent[i].count < TELLING)
			continue;
		telling++;
		int64_t late = arrival->recent[i].latest;
		for (int k = 0; k < OFTEN; k++) {
			if (late <= latest[k])
				continue;
			int64_t less = latest[k];
			latest[k] = late;
			late = less;
		}
	}
	return telling >= KNOWN ? latest[OFTEN - 1] : INT64_MAX;
}

/* On another way the packets are late by what they are later than the least there. */
static void move_base(struct arrival *arrival, int64_t least)
{
	if (arrival->packets > 0 && least - arrival->base >= DETOUR_NS) {
		int64_t bins = (least - arrival->base) / ARRIVAL_BIN_NS;
		for (int i = 1; i < ARRIVAL_BINS; i++) {
			double weight = arrival->weight[i];
			arrival->weight[i] = 0;
			arrival->weight[i > bins ? i - bins : 0] += weight;
		}
		arrival->base = least;
	}
	if (arrival->packets == 0 || least < arrival->base)
		arrival->base = least;
}

int64_t arrival_note(struct arrival *arrival, int64_t transit_ns, int64_t now)
{
	note_least(arrival, transit_ns, now);
	int64_t least = arrival_least(arrival), late = transit_ns - least;
	move_base(arrival, least);
	if (late >= ARRIVAL_BINS * ARRIVAL_BIN_NS)
		return late;
	note_recent(arrival, late, now);
	/* The first packets count alike, so that a few of them already say something. */
	arrival->packets++;
	double kept = 1 - 1 / (double)arrival->packets;
	kept = kept < REMEMBER ? kept : REMEMBER;
	for (int i = 0; i < ARRIVAL_BINS; i++)
		arrival->weight[i] *= kept;
	arrival->weight[late / ARRIVAL_BIN_NS] += 1 - kept;
	return late;
}

int64_t arrival_quantile(const struct arrival *arrival, double quantile)
{
	double sum = 0;
	int64_t often = late_often(arrival);
	for (int i = 0; i < ARRIVAL_BINS && arrival->packets > 0; i++) {
		sum += arrival->weight[i];
		if (sum >= quantile || often < (i + 1) * ARRIVAL_BIN_NS)
			return (i + 1) * ARRIVAL_BIN_NS;
	}
	return arrival->packets > 0 ? ARRIVAL_BINS * ARRIVAL_BIN_NS : 0;
}
