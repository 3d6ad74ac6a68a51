/* SPDX-License-Identifier: Apache-2.0 */
#include "recording.h"

#include <inttypes.h>

#define SILENCE_MAX_S 60

static int put(struct recording *recording, const int16_t *samples, size_t frames)
{
	size_t count = frames * (size_t)recording->channels;
	recording->frames += frames;
	return fwrite(samples, sizeof *samples, count, recording->file) == count ? 0 : -1;
}

int recording_put(struct recording *recording, int64_t at_ns, const int16_t *samples, size_t frames)
{
	static const int16_t zeros[8 * 256];
	if (recording->start_ns == 0) {
		recording->start_ns = at_ns;
		if (fprintf(recording->file, "qv-sound %d %d %" PRId64 "\n", recording->rate, recording->channels,
			    at_ns) < 0)
			return -1;
	}
	int64_t place = (at_ns - recording->start_ns) / 1000 * recording->rate / 1000000;
	int64_t missing = place - (int64_t)recording->frames;
	/* Rounding is no gap. */
	if (missing <= recording->rate / 2000 || missing > (int64_t)recording->rate * SILENCE_MAX_S)
		missing = 0;
	while (missing > 0) {
		size_t part = missing > 256 ? 256 : (size_t)missing;
		if (put(recording, zeros, part) != 0)
			return -1;
		missing -= (int64_t)part;
	}
	return put(recording, samples, frames) == 0 && fflush(recording->file) == 0 ? 0 : -1;
}
