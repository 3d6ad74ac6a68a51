/* SPDX-License-Identifier: Apache-2.0 */
#include "arrival.h"

#define SPAN_NS   (INT64_C(1000000000) / 2)
#define DETOUR_NS (5 * ARRIVAL_BIN_NS) /* a least transit that has risen by so much is that of another way */
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
	for (int i = 0; i < ARRIVAL_BINS && arrival->packets > 0; i++) {
		sum += arrival->weight[i];
		if (sum >= quantile)
			return (i + 1) * ARRIVAL_BIN_NS;
	}
	return arrival->packets > 0 ? ARRIVAL_BINS * ARRIVAL_BIN_NS : 0;
}
