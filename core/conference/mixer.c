/* SPDX-License-Identifier: Apache-2.0 */
#include "mixer.h"

#include <stdlib.h>
#include <string.h>

#include "limiter.h"

#define CHANNELS_MAX 8
/* Parts of a fading sample that are lost with each: 2 ms at 48 kHz until it is a fifth. */
#define FADE 64
/* What is left of a level after a block without sound. */
#define DECAY 0.9

struct input {
	int16_t *samples; /* ring */
	size_t first, held;
	int32_t last[CHANNELS_MAX]; /* heard, in 1/256 */
	double level;
};

struct mixer {
	struct qv_audio_format format;
	size_t block, room;
	struct limiter *limiter;
	int32_t *sum;
	struct input inputs[MIXER_INPUTS];
};

struct mixer *mixer_new(const struct qv_audio_format *format, struct qv_error *err)
{
	if (qv_audio_format_check(format, err) != 0)
		return NULL;
	struct mixer *mixer = calloc(1, sizeof *mixer);
	if (!mixer)
		goto no_memory;
	size_t channels = (size_t)format->channels;
	mixer->format = *format;
	mixer->block = (size_t)format->rate * MIXER_BLOCK_MS / 1000;
	mixer->room = (size_t)format->rate * MIXER_INPUT_MS / 1000;
	mixer->limiter = limiter_new(mixer->block, format->channels);
	mixer->sum = calloc(mixer->block * channels, sizeof mixer->sum[0]);
	if (!mixer->limiter || !mixer->sum)
		goto no_memory;
	for (size_t i = 0; i < MIXER_INPUTS; i++)
		if (!(mixer->inputs[i].samples = calloc(mixer->room * channels, sizeof(int16_t))))
			goto no_memory;
	return mixer;
no_memory:
	mixer_free(mixer);
	qv_fail(err, QV_E_NOMEM, "no memory for a mixer");
	return NULL;
}

void mixer_free(struct mixer *mixer)
{
	if (!mixer)
		return;
	for (size_t i = 0; i < MIXER_INPUTS; i++)
		free(mixer->inputs[i].samples);
	limiter_free(mixer->limiter);
	free(mixer->sum);
	free(mixer);
}

size_t mixer_block(const struct mixer *mixer)
{
	return mixer->block;
}

size_t mixer_put(struct mixer *mixer, size_t number, const int16_t *samples, size_t frames)
{
	struct input *input = &mixer->inputs[number];
	size_t channels = (size_t)mixer->format.channels, taken = mixer->room - input->held;
	if (taken > frames)
		taken = frames;
	for (size_t i = 0; i < taken; i++)
		memcpy(input->samples + (input->first + input->held + i) % mixer->room * channels,
		       samples + i * channels, channels * sizeof samples[0]);
	input->held += taken;
	return taken;
}

size_t mixer_held(const struct mixer *mixer, size_t input)
{
	return mixer->inputs[input].held;
}

void mixer_clear(struct mixer *mixer, size_t number)
{
	mixer->inputs[number].held = 0;
	mixer->inputs[number].level = 0;
}

/* Adds a block of an input to the sum, and returns its peak. */
static int add(struct mixer *mixer, struct input *input)
{
	int channels = mixer->format.channels, peak = 0;
	int32_t *sum = mixer->sum;
	for (size_t i = 0; i < mixer->block; i++) {
		const int16_t *sample = input->samples + input->first * (size_t)channels;
		bool dry = input->held == 0;
		for (int channel = 0; channel < channels; channel++) {
			int32_t *last = &input->last[channel];
			*last = dry ? *last - *last / FADE : sample[channel] * 256;
			int32_t value = *last / 256;
			if (abs(value) > peak)
				peak = abs(value);
			*sum++ += value;
		}
		if (dry)
			continue;
		input->first = (input->first + 1) % mixer->room;
		input->held--;
	}
	return peak;
}

void mixer_run(struct mixer *mixer, int16_t *out)
{
	memset(mixer->sum, 0, mixer->block * (size_t)mixer->format.channels * sizeof mixer->sum[0]);
	for (size_t i = 0; i < MIXER_INPUTS; i++) {
		struct input *input = &mixer->inputs[i];
		double level = add(mixer, input) / 32768.0;
		input->level = level > input->level * DECAY ? level : input->level * DECAY;
	}
	limiter_run(mixer->limiter, mixer->sum, out);
}

double mixer_level(const struct mixer *mixer, size_t input)
{
	return mixer->inputs[input].level;
}
