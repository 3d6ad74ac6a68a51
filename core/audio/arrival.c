/* SPDX-License-Identifier: Apache-2.0 */
#include "arrival.h"

#define SPAN_NS   (INT64_C(1000000000) / 2)
#define DETOUR_NS (5 * ARRIVAL_BIN_NS) /* a least transit that has risen by so much is that of another way */
#define SECOND_NS INT64_C(1000000000)
#define MANY      (15 * ARRIVAL_RECENT) /* packets that make the last seconds tell something */
#define REMEMBER  0.9975                /* from one packet to the next: eight seconds of packets of 20 ms */

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
	if (now - arrival->second_began >= SECOND_NS) {
		arrival->second = (arrival->second + 1) % ARRIVAL_RECENT;
		arrival->second_began = now;
		arrival->recent[arrival->second].latest = 0;
		arrival->recent[arrival->second].count = 0;
	}
	if (late > arrival->recent[arrival->second].latest)
		arrival->recent[arrival->second].latest = late;
	arrival->recent[arrival->second].count++;
}

/* How late the latest of the last seconds was; more than any, if they were too few. */
static int64_t latest_of_recent(const struct arrival *arrival)
{
	int64_t latest = 0;
	unsigned count = 0;
	for (int i = 0; i < ARRIVAL_RECENT; i++) {
		const int64_t late = arrival->recent[i].latest;
		if (arrival->recent[i].count == 0)
			return INT64_MAX;
		latest = late > latest ? late : latest;
		count += arrival->recent[i].count;
	}
	return count >= MANY ? latest : INT64_MAX;
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
	int64_t recent = latest_of_recent(arrival);
	for (int i = 0; i < ARRIVAL_BINS && arrival->packets > 0; i++) {
		sum += arrival->weight[i];
		if (sum >= quantile || recent < (i + 1) * ARRIVAL_BIN_NS)
			return (i + 1) * ARRIVAL_BIN_NS;
	}
	return arrival->packets > 0 ? ARRIVAL_BINS * ARRIVAL_BIN_NS : 0;
}
