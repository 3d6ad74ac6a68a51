/* SPDX-License-Identifier: Apache-2.0 */
/* What filters tell of levels and echo, from the sound before and after them. */
#ifndef AUDIOFILTER_METER_H
#define AUDIOFILTER_METER_H

#include <qvisio/audiofilter.h>

struct meter {
	double keep;            /* of what was, at each block */
	double level;           /* mean square of what came out */
	double played, in, out; /* mean squares while something is played and nobody speaks here */
	double echo_s, block_s; /* time that went into them; of a block */
	double voice;
};

struct meter meter_make(int rate, size_t block_frames);

/* Mean square of a block. */
double meter_power(const int16_t *samples, size_t count);

/* Notes a block by its powers; `voice` is the probability that somebody speaks, NAN: unknown. */
void meter_note(struct meter *meter, double played, double in, double out, double voice);

/* Fills all but the gain, which is NAN. */
void meter_read(const struct meter *meter, struct qv_audiofilter_meters *meters);

#endif
