/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much faster than here the far source runs, from how the delay of its sound moves away from what it should be: a
 * proportional and integral controller, whose integral comes to be the difference of the two clocks. It is damped
 * critically with a time of 25 s; 200 ppm move the delay by less than 2 ms on the way.
 */
#ifndef QV_AUDIO_DRIFT_H
#define QV_AUDIO_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

struct drift {
	bool begun;
	int64_t last_ns;
	double error_ms;     /* smoothed */
	double integral_ppm; /* the estimate of the clocks' difference */
	double ppm;          /* of correction */
};

/* Notes that the sound is `excess_ns` later than it should be. Returns by how many ppm to play faster. */
double drift_note(struct drift *drift, int64_t now, int64_t excess_ns);

/* The delay was just made shorter by so much in one step. */
void drift_shifted(struct drift *drift, int64_t shorter_ns);

#endif
