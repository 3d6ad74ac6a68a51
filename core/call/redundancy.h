/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many repair packets a group of packets gets: by what is lost, so that asking for what is missing is the exception,
 * and by what the path carries. None where nothing is lost. Reads no clock.
 */
#ifndef QV_CALL_REDUNDANCY_H
#define QV_CALL_REDUNDANCY_H

#include <stdbool.h>
#include <stdint.h>

struct redundancy {
	double loss;    /* share of the packets, remembered for a while */
	double allowed; /* repair packets to a packet */
	double used;    /* bit/s of pictures */
	uint32_t octets;
	double group; /* mean size of the groups, in packets; 0: there was none */
	bool waits;   /* packets queue on the path: more of them would not help now */
};

#define REDUNDANCY_LOOK_NS (100 * INT64_C(1000000))

/* What the path is like, and how many octets of pictures were sent so far, each REDUNDANCY_LOOK_NS. */
void redundancy_look(struct redundancy *redundancy, double loss, int64_t queue_ns, uint32_t octets);

/* There was a group of so many packets. */
void redundancy_group(struct redundancy *redundancy, unsigned packets);

/*
 * The rate for the encoder, where the path has `room` for its pictures and it gives at most `most` (bit/s): what it does
 * not use is spare, and used first; where there is none, the encoder gives up a part, if it can (`adaptive`).
 */
int64_t redundancy_share(struct redundancy *redundancy, int64_t room, int64_t most, bool adaptive);

/* Repair packets to a packet of pictures, about. */
double redundancy_part(const struct redundancy *redundancy);

/* For a group of so many packets. */
unsigned redundancy_repairs(const struct redundancy *redundancy, unsigned packets);

#endif
