/* SPDX-License-Identifier: Apache-2.0 */
#include "resampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK      1024
#define PHASES     256 /* between them the filter is interpolated: the error is 90 dB down */
#define TAPS       64
#define TAPS_EQUAL 32 /* between equal rates nothing folds back, and less is held back */
#define ROLL_OFF   0.92
#define KAISER     8.0
#define ONE        (UINT64_C(1) << 32)

typedef float lanes __attribute__((vector_size(16), aligned(4), may_alias));

struct resampler {
	int in, out, channels; /* `channels`: the fewer of both, which are filtered */
	double ratio;          /* rate of the input by that of the output */
	size_t taps;           /* a multiple of 4 */
	float *table;          /* PHASES + 1 rows of taps */
	uint64_t step;         /* input samples to an output sample, 32.32 */
	uint64_t at;           /* of the next output sample in history, 32.32 */
	size_t held;           /* samples in history */
	float *history;        /* a row of taps + CHUNK for each channel */
};

/* The modified Bessel function of the first kind, of order 0. */
static double bessel(double x)
{
	double sum = 1, term = 1;
	for (int k = 1; term > sum * 1e-12; k++) {
		term *= (x / (2 * k)) * (x / (2 * k));
		sum += term;
	}
	return sum;
}

static double kernel(double x, double half, double cutoff)
{
	if (fabs(x) >= half)
		return 0;
	double window = bessel(KAISER * sqrt(1 - x / half * (x / half))) / bessel(KAISER);
	double angle = M_PI * x * cutoff;
	return window * cutoff * (fabs(angle) < 1e-9 ? 1 : sin(angle) / angle);
}

/* Every phase passes a constant unchanged. */
static void fill_table(struct resampler *resampler, double cutoff)
{
	size_t taps = resampler->taps, half = taps / 2;
	for (size_t phase = 0; phase <= PHASES; phase++) {
		float *row = resampler->table + phase * taps;
		double sum = 0, centre = (double)half - 1 + (double)phase / PHASES;
		for (size_t i = 0; i < taps; i++)
			sum += kernel((double)i - centre, (double)half, cutoff);
		for (size_t i = 0; i < taps; i++)
			row[i] = (float)(kernel((double)i - centre, (double)taps / 2, cutoff) / sum);
	}
}

void resampler_reset(struct resampler *resampler)
{
	/* Before the first sample there was silence, so that the first output is where the first input is. */
	resampler->held = resampler->taps / 2 - 1;
	resampler->at = 0;
	memset(resampler->history, 0, (resampler->taps + CHUNK) * (size_t)resampler->channels * sizeof(float));
}

struct resampler *resampler_new(const struct qv_audio_format *from, const struct qv_audio_format *to,
				struct qv_error *err)
{
	if (qv_audio_format_check(from, err) != 0 || qv_audio_format_check(to, err) != 0)
		return NULL;
	struct resampler *resampler = calloc(1, sizeof *resampler);
	if (resampler) {
		double ratio = (double)from->rate / to->rate, wider = ratio > 1 ? ratio : 1;
		bool equal = from->rate == to->rate;
		resampler->in = from->channels;
		resampler->out = to->channels;
		resampler->channels = from->channels < to->channels ? from->channels : to->channels;
		resampler->ratio = ratio;
		resampler->taps = equal ? TAPS_EQUAL : ((size_t)(TAPS * wider) + 3) / 4 * 4;
		resampler->table = calloc((PHASES + 1) * resampler->taps, sizeof(float));
		resampler->history = calloc((resampler->taps + CHUNK) * (size_t)resampler->channels, sizeof(float));
		if (resampler->table && resampler->history) {
			fill_table(resampler, equal ? 1 : ROLL_OFF / wider);
			resampler_drift(resampler, 0);
			resampler_reset(resampler);
			return resampler;
		}
		resampler_free(resampler);
	}
	qv_fail(err, QV_E_NOMEM, "no memory for a resampler");
	return NULL;
}

void resampler_free(struct resampler *resampler)
{
	if (!resampler)
		return;
	free(resampler->table);
	free(resampler->history);
	free(resampler);
}

void resampler_drift(struct resampler *resampler, double ppm)
{
	double bounded = fmax(-RESAMPLER_DRIFT_MAX_PPM, fmin(RESAMPLER_DRIFT_MAX_PPM, ppm));
	resampler->step = (uint64_t)llround(resampler->ratio * (1 + bounded / 1e6) * (double)ONE);
}

size_t resampler_room(const struct resampler *resampler, size_t frames)
{
	return (size_t)((double)(frames + resampler->taps) / resampler->ratio * (1 + RESAMPLER_DRIFT_MAX_PPM / 1e6)) +
	       2;
}

double resampler_held(const struct resampler *resampler)
{
	size_t half = resampler->taps / 2;
	return (double)resampler->held - ((double)half - 1) - (double)resampler->at / (double)ONE;
}

size_t resampler_lag(const struct resampler *resampler)
{
	size_t half = resampler->taps / 2;
	return (size_t)ceil(((double)half + 1) / resampler->ratio);
}

/* The dot product of `x` with the filter between two rows. */
static float filter(const float *x, const float *row, size_t taps, float between)
{
	const float *next = row + taps;
	lanes low = { 0 }, high = { 0 };
	if (between == 0) {
		for (size_t i = 0; i < taps; i += 4)
			low += *(const lanes *)(x + i) * *(const lanes *)(row + i);
		return low[0] + low[1] + (low[2] + low[3]);
	}
	for (size_t i = 0; i < taps; i += 4) {
		lanes value = *(const lanes *)(x + i);
		low += value * *(const lanes *)(row + i);
		high += value * *(const lanes *)(next + i);
	}
	float a = low[0] + low[1] + (low[2] + low[3]), b = high[0] + high[1] + (high[2] + high[3]);
	return a + between * (b - a);
}

static int16_t to_sample(float value)
{
	if (!(value > INT16_MIN))
		return INT16_MIN;
	return value < INT16_MAX ? (int16_t)lrintf(value) : INT16_MAX;
}

static float *row_of(const struct resampler *resampler, int channel)
{
	return resampler->history + (size_t)channel * (resampler->taps + CHUNK);
}

/* Channels beyond those of the output are folded into these. */
static void append(struct resampler *resampler, const int16_t *in, size_t frames)
{
	for (int c = 0; c < resampler->channels; c++) {
		float *row = row_of(resampler, c) + resampler->held;
		int folded = (resampler->in - c + resampler->channels - 1) / resampler->channels;
		for (size_t i = 0; i < frames; i++) {
			int sum = 0;
			for (int from = c; from < resampler->in; from += resampler->channels)
				sum += in[i * (size_t)resampler->in + (size_t)from];
			row[i] = (float)sum / (float)folded;
		}
	}
	resampler->held += frames;
}

static void spread(const struct resampler *resampler, int16_t *out)
{
	for (int c = resampler->channels; c < resampler->out; c++)
		out[c] = resampler->channels == 1 ? out[0] : 0;
}

static size_t produce(struct resampler *resampler, int16_t *out)
{
	size_t made = 0, taps = resampler->taps;
	for (; (resampler->at >> 32) + taps <= resampler->held; made++, out += resampler->out) {
		uint64_t at = resampler->at, fraction = at & (ONE - 1);
		size_t whole = (size_t)(at >> 32);
		const float *row = resampler->table + (fraction >> 24) * taps;
		float between = (float)(fraction & 0xffffff) / (float)0x1000000;
		for (int c = 0; c < resampler->channels; c++) {
			const float *x = row_of(resampler, c) + whole;
			out[c] = fraction == 0 && resampler->taps == TAPS_EQUAL
					 ? to_sample(x[taps / 2 - 1])
					 : to_sample(filter(x, row, taps, between));
		}
		spread(resampler, out);
		resampler->at += resampler->step;
	}
	return made;
}

static void forget_used(struct resampler *resampler)
{
	size_t used = (size_t)(resampler->at >> 32);
	if (used > resampler->held)
		used = resampler->held;
	for (int c = 0; c < resampler->channels; c++) {
		float *row = row_of(resampler, c);
		memmove(row, row + used, (resampler->held - used) * sizeof *row);
	}
	resampler->held -= used;
	resampler->at -= (uint64_t)used << 32;
}

size_t resampler_run(struct resampler *resampler, const int16_t *in, size_t frames, int16_t *out)
{
	size_t made = 0;
	while (frames > 0) {
		size_t part = frames < CHUNK ? frames : CHUNK;
		append(resampler, in, part);
		made += produce(resampler, out + made * (size_t)resampler->out);
		forget_used(resampler);
		in += part * (size_t)resampler->in;
		frames -= part;
	}
	return made;
}
