/* SPDX-License-Identifier: Apache-2.0 */
#include "conceal.h"

#include <stdlib.h>
#include <string.h>

#include "stretch.h"

#define KEEP_MS 30 /* two of the longest periods */
#define SOFT_MS 60 /* until nothing is left */
#define JOIN_MS 5

struct conceal {
	struct qv_audio_format format;
	size_t keep;
	int16_t *last;     /* `keep` samples per channel that were heard last */
	int16_t *backward; /* the same, from the last to the first */
	size_t period;     /* 0: nothing is being made up */
	size_t made;       /* samples per channel made up since */
};

struct conceal *conceal_new(const struct qv_audio_format *format, struct qv_error *err)
{
	struct conceal *conceal = calloc(1, sizeof *conceal);
	if (conceal) {
		size_t channels = (size_t)format->channels;
		conceal->format = *format;
		conceal->keep = (size_t)format->rate * KEEP_MS / 1000 + 2;
		conceal->last = calloc(conceal->keep * channels, sizeof *conceal->last);
		conceal->backward = calloc(conceal->keep * channels, sizeof *conceal->backward);
		if (conceal->last && conceal->backward)
			return conceal;
		conceal_free(conceal);
	}
	qv_fail(err, QV_E_NOMEM, "no memory to conceal lost sound");
	return NULL;
}

void conceal_free(struct conceal *conceal)
{
	if (!conceal)
		return;
	free(conceal->last);
	free(conceal->backward);
	free(conceal);
}

static void remember(struct conceal *conceal, const int16_t *samples, size_t frames)
{
	size_t channels = (size_t)conceal->format.channels, keep = conceal->keep;
	if (frames > keep) {
		samples += (frames - keep) * channels;
		frames = keep;
	}
	memmove(conceal->last, conceal->last + frames * channels, (keep - frames) * channels * sizeof *conceal->last);
	memcpy(conceal->last + (keep - frames) * channels, samples, frames * channels * sizeof *conceal->last);
}

/* The period at the end is the one at the start of the same sound backward. */
static void find_period(struct conceal *conceal)
{
	size_t channels = (size_t)conceal->format.channels;
	for (size_t i = 0; i < conceal->keep; i++)
		memcpy(conceal->backward + i * channels, conceal->last + (conceal->keep - 1 - i) * channels,
		       channels * sizeof *conceal->last);
	conceal->period = stretch_period(&conceal->format, conceal->backward, conceal->keep);
	if (conceal->period == 0)
		conceal->period = conceal->keep / 2;
	conceal->made = 0;
}

/* The next sample of what is made up. */
static void extend(struct conceal *conceal, int16_t *sample)
{
	size_t soft = (size_t)conceal->format.rate * SOFT_MS / 1000;
	size_t at = conceal->keep - conceal->period + conceal->made % conceal->period;
	float gain = conceal->made < soft ? 1 - (float)conceal->made / (float)soft : 0;
	for (int c = 0; c < conceal->format.channels; c++)
		sample[c] = (int16_t)(gain * (float)conceal->last[at * (size_t)conceal->format.channels + (size_t)c]);
	conceal->made++;
}

void conceal_make(struct conceal *conceal, int16_t *samples, size_t frames)
{
	if (conceal->period == 0)
		find_period(conceal);
	for (size_t i = 0; i < frames; i++)
		extend(conceal, samples + i * (size_t)conceal->format.channels);
}

void conceal_pass(struct conceal *conceal, int16_t *samples, size_t frames)
{
	size_t join = (size_t)conceal->format.rate * JOIN_MS / 1000, channels = (size_t)conceal->format.channels;
	int16_t made[8];
	for (size_t i = 0; conceal->period && i < join && i < frames; i++) {
		float in = ((float)i + 0.5f) / (float)join;
		extend(conceal, made);
		for (size_t c = 0; c < channels; c++)
			samples[i * channels + c] =
				(int16_t)(in * (float)samples[i * channels + c] + (1 - in) * (float)made[c]);
	}
	conceal->period = 0;
	remember(conceal, samples, frames);
}
