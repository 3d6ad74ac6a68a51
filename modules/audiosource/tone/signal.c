/* SPDX-License-Identifier: Apache-2.0 */
#include "signal.h"

#include <math.h>

static double sine(const struct tone_signal *signal, uint64_t position)
{
	/* Whole seconds first: the product stays small, so the phase of a stream of days is as exact as at its start. */
	uint64_t rate = (uint64_t)signal->rate;
	uint64_t seconds = position / rate;
	double cycles = fmod((double)seconds * signal->frequency, 1.0) +
			(double)(position % rate) / signal->rate * signal->frequency;
	return sin(2 * M_PI * cycles);
}

/* A linear sweep under a Hann window: one sharp peak of its autocorrelation, and no clicks that a codec would smear. */
static double chirp(const struct tone_signal *signal, uint64_t position)
{
	if (position >= signal->length)
		return 0;
	double t = (double)position / signal->rate, whole = (double)signal->length / signal->rate;
	double cycles = signal->frequency * t + (signal->sweep - signal->frequency) * t * t / (2 * whole);
	return sin(2 * M_PI * cycles) * 0.5 * (1 - cos(2 * M_PI * t / whole));
}

int16_t tone_sample(const struct tone_signal *signal, uint64_t position)
{
	switch (signal->kind) {
	case TONE_SINE:
		return (int16_t)lrint(signal->amplitude * sine(signal, position));
	case TONE_CHIRP:
		return (int16_t)lrint(signal->amplitude * chirp(signal, position));
	case TONE_SILENCE:
		break;
	}
	return 0;
}
