/* SPDX-License-Identifier: Apache-2.0 */
#include "redundancy.h"

#include <qvisio/rtp_flow.h>

#define RISE       0.25 /* of what is new, each look */
#define FALL       0.01
#define LEAST      0.002  /* share lost that is worth it */
#define RESIDUAL   0.0005 /* share of groups that may need to be asked for */
#define MOST       0.5    /* repair packets to a packet, but one is always possible */
#define GIVEN_UP   0.2    /* of the encoder's rate, and four times the loss */
#define QUEUE_NS   (30 * INT64_C(1000000))
#define GROUP_STEP 0.1
#define USED_STEP  0.1
#define USED_MORE  1.1 /* may be used soon */
#define ROUND      0.3 /* of a repair packet may be too much */

void redundancy_look(struct redundancy *redundancy, double loss, int64_t queue_ns, uint32_t octets)
{
	double rate = (double)(octets - redundancy->octets) * 8 * 1000000000 / REDUNDANCY_LOOK_NS;
	redundancy->used += (rate - redundancy->used) * USED_STEP;
	redundancy->octets = octets;
	redundancy->loss += (loss - redundancy->loss) * (loss > redundancy->loss ? RISE : FALL);
	redundancy->waits = queue_ns > QUEUE_NS;
}

void redundancy_group(struct redundancy *redundancy, unsigned packets)
{
	if (redundancy->group == 0)
		redundancy->group = packets;
	redundancy->group += (packets - redundancy->group) * GROUP_STEP;
}

/* The share of groups of so many packets of which more than `repairs` are lost. */
static double residual(double loss, unsigned packets, unsigned repairs)
{
	double exactly = 1, all = 0;
	for (unsigned i = 0; i < packets; i++)
		exactly *= 1 - loss;
	for (unsigned lost = 0; lost <= repairs; lost++) {
		all += exactly;
		exactly *= (double)(packets - lost) / (lost + 1) * loss / (1 - loss);
	}
	return 1 - all;
}

/* Without a look at what they cost. */
static unsigned wanted(const struct redundancy *redundancy, unsigned packets)
{
	double loss = redundancy->loss < MOST ? redundancy->loss : MOST;
	unsigned most = packets < 2 ? 1 : (unsigned)((packets + 1) * MOST), repairs = 0;
	if (loss < LEAST || packets == 0)
		return 0;
	most = most < QV_RTP_REPAIRS_MAX ? most : QV_RTP_REPAIRS_MAX;
	while (repairs < most && residual(loss, packets + repairs, repairs) > RESIDUAL)
		repairs++;
	return repairs;
}

static unsigned affordable(const struct redundancy *redundancy, unsigned packets)
{
	unsigned repairs = wanted(redundancy, packets);
	while (repairs > 0 && repairs > redundancy->allowed * packets + ROUND)
		repairs--;
	return repairs;
}

double redundancy_part(const struct redundancy *redundancy)
{
	unsigned packets = (unsigned)(redundancy->group + 0.5);
	return packets ? (double)affordable(redundancy, packets) / packets : 0;
}

int64_t redundancy_share(struct redundancy *redundancy, int64_t room, int64_t most, bool adaptive)
{
	double soon = USED_MORE * redundancy->used < (double)most ? USED_MORE * redundancy->used : (double)most;
	double spare = soon > 0 ? (double)room / soon - 1 : 0;
	double given_up = GIVEN_UP + 4 * redundancy->loss;
	if (!adaptive)
		given_up = 0;
	else if (given_up > MOST)
		given_up = MOST;
	redundancy->allowed = spare > given_up ? spare : given_up;
	int64_t rate = (int64_t)((double)room / (1 + redundancy_part(redundancy)));
	return rate < most ? rate : most;
}

unsigned redundancy_repairs(const struct redundancy *redundancy, unsigned packets)
{
	return redundancy->waits ? 0 : affordable(redundancy, packets);
}
