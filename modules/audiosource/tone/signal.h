/* SPDX-License-Identifier: Apache-2.0 */
/* What the tone source plays: a pure function of the sample's position. */
#ifndef TONE_SIGNAL_H
#define TONE_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

enum tone_kind { TONE_SINE, TONE_CHIRP, TONE_SILENCE };

struct tone_signal {
	enum tone_kind kind;
	double rate;      /* samples per second */
	double amplitude; /* of the peak, in sample values */
	double frequency; /* Hz; of a chirp: where it starts */
	double sweep;     /* Hz; where a chirp ends */
	uint64_t length;  /* of a chirp, in samples */
};

/* Sample `position` of a sine, or the sample `position` after the start of a chirp (0 outside it). */
int16_t tone_sample(const struct tone_signal *signal, uint64_t position);

#endif
