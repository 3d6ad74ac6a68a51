/* SPDX-License-Identifier: Apache-2.0 */
#include "stretch.h"

#include <math.h>
#include <string.h>

#define COARSE_RATE 8000
#define COARSE_MAX  512 /* samples that are compared: 64 ms at COARSE_RATE */
#define ALIKE       0.85
#define QUIET       40.0 /* root of the mean square below which any join is unheard */

size_t stretch_room(const struct qv_audio_format *format)
{
	return (size_t)format->rate * STRETCH_MOST_US / 1000000 + 1;
}

/* Every so many samples that COARSE_RATE is left, their mean over channels. */
static size_t thin_out(const struct qv_audio_format *format, const int16_t *samples, size_t frames, size_t step,
		       float *out)
{
	size_t count = frames / step, channels = (size_t)format->channels;
	count = count < COARSE_MAX ? count : COARSE_MAX;
	for (size_t i = 0; i < count; i++) {
		float sum = 0;
		for (size_t j = i * step * channels; j < (i + 1) * step * channels; j++)
			sum += samples[j];
		out[i] = sum / (float)(step * channels);
	}
	return count;
}

/* How alike the first `lag` samples and the next `lag` are, from -1 to 1. */
static double likeness(const float *x, size_t lag)
{
	double both = 0, first = 1e-3, second = 1e-3;
	for (size_t i = 0; i < lag; i++) {
		both += (double)x[i] * x[i + lag];
		first += (double)x[i] * x[i];
		second += (double)x[i + lag] * x[i + lag];
	}
	return both / sqrt(first * second);
}

static double fine_likeness(const struct qv_audio_format *format, const int16_t *x, size_t lag)
{
	double both = 0, first = 1e-3, second = 1e-3;
	const int16_t *y = x + lag * (size_t)format->channels;
	for (size_t i = 0; i < lag * (size_t)format->channels; i++) {
		both += (double)x[i] * y[i];
		first += (double)x[i] * x[i];
		second += (double)y[i] * y[i];
	}
	return both / sqrt(first * second);
}

static bool quiet(const struct qv_audio_format *format, const int16_t *samples, size_t frames)
{
	double sum = 0;
	size_t count = frames * (size_t)format->channels;
	for (size_t i = 0; i < count; i++)
		sum += (double)samples[i] * samples[i];
	return sum < QUIET * QUIET * (double)count;
}

/* The length by which the start repeats itself best; 0: it does not. */
static size_t find_period(const struct qv_audio_format *format, const int16_t *samples, size_t frames, size_t limit,
			  bool eager, double *alike)
{
	size_t step = format->rate > COARSE_RATE ? (size_t)(format->rate / COARSE_RATE) : 1;
	size_t rate = (size_t)format->rate, best = 0;
	size_t least = rate * STRETCH_LEAST_US / 1000000, most = rate * STRETCH_MOST_US / 1000000;
	float coarse[COARSE_MAX];
	size_t count = thin_out(format, samples, frames, step, coarse);
	most = frames / 2 < most ? frames / 2 : most;
	most = limit < most ? limit : most;
	*alike = -2;
	for (size_t lag = least / step > 0 ? least / step : 1; lag <= most / step && 2 * lag <= count; lag++) {
		double here = likeness(coarse, lag);
		if (here > *alike) {
			*alike = here;
			best = lag;
		}
	}
	if (best == 0)
		return 0;
	size_t from = best * step > least + step ? best * step - step : least, to = best * step + step;
	*alike = -2;
	for (size_t lag = from; lag <= to && lag <= most; lag++) {
		double here = fine_likeness(format, samples, lag);
		if (here > *alike) {
			*alike = here;
			best = lag;
		}
	}
	if (*alike == -2)
		return 0;
	return eager || *alike >= ALIKE || quiet(format, samples, frames) ? best : 0;
}

size_t stretch_period(const struct qv_audio_format *format, const int16_t *samples, size_t frames)
{
	double alike;
	return find_period(format, samples, frames, SIZE_MAX, true, &alike);
}

/* From `a` to `b` over `frames`; what is not alike is added by its power, so that it becomes no weaker between. */
static void fade(const struct qv_audio_format *format, const int16_t *a, const int16_t *b, size_t frames, double alike,
		 int16_t *out)
{
	for (size_t i = 0; i < frames; i++) {
		float in = ((float)i + 0.5f) / (float)frames, gone = 1 - in;
		if (alike < 0.5) {
			in = sqrtf(in);
			gone = sqrtf(gone);
		}
		for (int c = 0; c < format->channels; c++) {
			size_t at = i * (size_t)format->channels + (size_t)c;
			float sum = gone * (float)a[at] + in * (float)b[at];
			out[at] = sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : (int16_t)lrintf(sum);
		}
	}
}

size_t stretch_shorten(const struct qv_audio_format *format, int16_t *samples, size_t frames, size_t most, bool eager)
{
	double alike;
	size_t lag = find_period(format, samples, frames, most, eager, &alike), channels = (size_t)format->channels;
	if (lag == 0)
		return frames;
	fade(format, samples, samples + lag * channels, lag, alike, samples);
	memmove(samples + lag * channels, samples + 2 * lag * channels,
		(frames - 2 * lag) * channels * sizeof samples[0]);
	return frames - lag;
}

size_t stretch_lengthen(const struct qv_audio_format *format, int16_t *samples, size_t frames, bool eager)
{
	double alike;
	size_t lag = find_period(format, samples, frames, SIZE_MAX, eager, &alike), channels = (size_t)format->channels;
	if (lag == 0)
		return frames;
	/* Period one, then the second fading into the first again, then the second. */
	memmove(samples + 2 * lag * channels, samples + lag * channels, (frames - lag) * channels * sizeof samples[0]);
	fade(format, samples + 2 * lag * channels, samples, lag, alike, samples + lag * channels);
	return frames + lag;
}
