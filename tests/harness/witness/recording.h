/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound with the time at which it was heard, as the sinks of the tests write it: a line "qv-sound RATE CHANNELS START-NS"
 * and samples, 16 bits in host order, of which the n-th was heard n/RATE after START-NS (CLOCK_MONOTONIC). Where
 * nothing was played there are samples of 0.
 */
#ifndef WITNESS_RECORDING_H
#define WITNESS_RECORDING_H

#include <stdint.h>
#include <stdio.h>

struct recording {
	FILE *file;
	int rate, channels;
	int64_t start_ns; /* 0: nothing yet */
	uint64_t frames;
};

/* Puts samples where they were heard; silence fills what lies between. 0, or -1 with errno. */
int recording_put(struct recording *recording, int64_t at_ns, const int16_t *samples, size_t frames);

#endif
