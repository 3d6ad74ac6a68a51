/* SPDX-License-Identifier: Apache-2.0 */
#include "limiter.h"

#include <stdlib.h>
#include <string.h>

#define LARGEST 32767.0f
/* By which the gain may rise in a block. */
#define RELEASE 1.01f

struct limiter {
	size_t frames;
	int channels;
	float gain; /* at the end of what was written */
	float need; /* the most that the waiting block bears */
	int32_t waiting[];
};

struct limiter *limiter_new(size_t frames, int channels)
{
	size_t samples = frames * (size_t)channels;
	struct limiter *limiter = calloc(1, sizeof *limiter + samples * sizeof limiter->waiting[0]);
	if (!limiter)
		return NULL;
	limiter->frames = frames;
	limiter->channels = channels;
	limiter->gain = limiter->need = 1;
	return limiter;
}

void limiter_free(struct limiter *limiter)
{
	free(limiter);
}

static float bearable(const int32_t *samples, size_t count)
{
	int64_t peak = 0;
	for (size_t i = 0; i < count; i++) {
		int64_t size = samples[i] < 0 ? -(int64_t)samples[i] : samples[i];
		if (size > peak)
			peak = size;
	}
	return (float)peak > LARGEST ? LARGEST / (float)peak : 1;
}

static int16_t fitted(float value)
{
	if (value > LARGEST)
		return INT16_MAX;
	return value < -LARGEST ? -INT16_MAX : (int16_t)value;
}

void limiter_run(struct limiter *limiter, const int32_t *in, int16_t *out)
{
	size_t count = limiter->frames * (size_t)limiter->channels;
	float next = bearable(in, count), end = limiter->gain * RELEASE;
	if (end > limiter->need)
		end = limiter->need;
	if (end > next)
		end = next;
	/* Both ends are bearable for the block between them, and so is all on the line. */
	float gain = limiter->gain, step = (end - gain) / (float)limiter->frames;
	const int32_t *sample = limiter->waiting;
	for (size_t i = 0; i < limiter->frames; i++) {
		gain += step;
		for (int channel = 0; channel < limiter->channels; channel++)
			*out++ = fitted((float)*sample++ * gain);
	}
	memcpy(limiter->waiting, in, count * sizeof in[0]);
	limiter->gain = end;
	limiter->need = next;
}
