/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resampler of calls against speexdsp's at quality 5 (80 taps; ours has 64), in one process and in turn: the cost of
 * a second of sound, and how far below a tone the error of each is. Times are of this thread's processor.
 */
#include "../bench.h"

#include <math.h>
#include <speex/speex_resampler.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../core/audio/resampler.h"

#define QUALITY  5
#define ROUNDS   41
#define SECONDS  10
#define BLOCK_MS 10
#define TONE     1000.0
#define LEVEL    20000.0

struct bench_data {
	int from, to;
	struct resampler *ours;
	SpeexResamplerState *theirs;
	int16_t *in, *out;
	size_t made;
};

static double ours(struct bench_data *data)
{
	size_t block = (size_t)data->from * BLOCK_MS / 1000, count = (size_t)SECONDS * 1000 / BLOCK_MS;
	double start = bench_cpu();
	data->made = 0;
	for (size_t i = 0; i < count; i++)
		data->made += resampler_run(data->ours, data->in + i * block, block, data->out + data->made);
	return (bench_cpu() - start) * 1e6 / SECONDS;
}

static double theirs(struct bench_data *data)
{
	size_t block = (size_t)data->from * BLOCK_MS / 1000, count = (size_t)SECONDS * 1000 / BLOCK_MS;
	double start = bench_cpu();
	data->made = 0;
	for (size_t i = 0; i < count; i++) {
		spx_uint32_t in = (spx_uint32_t)block, out = (spx_uint32_t)(data->to / 10);
		if (speex_resampler_process_int(data->theirs, 0, data->in + i * block, &in, data->out + data->made,
						&out) != 0)
			return -1;
		data->made += out;
	}
	return (bench_cpu() - start) * 1e6 / SECONDS;
}

/* What is left of the output when the tone, of whatever phase and level, is taken out of it; dB below the tone. */
static double error_db(const struct bench_data *data)
{
	size_t from = (size_t)data->to, count = (size_t)data->to * 4; /* whole periods, away from the start */
	double s = 0, c = 0, left = 0, step = 2 * M_PI * TONE / data->to;
	for (size_t i = 0; i < count; i++) {
		s += data->out[from + i] * sin(step * (double)i);
		c += data->out[from + i] * cos(step * (double)i);
	}
	s *= 2 / (double)count;
	c *= 2 / (double)count;
	for (size_t i = 0; i < count; i++) {
		double error = data->out[from + i] - s * sin(step * (double)i) - c * cos(step * (double)i);
		left += error * error;
	}
	return 10 * log10((s * s + c * c) / 2 / (left / (double)count + 1e-9));
}

static bool run(int from, int to)
{
	struct qv_audio_format in = { from, 1 }, out = { to, 1 };
	struct bench_data data = { .from = from, .to = to };
	size_t frames = (size_t)from * SECONDS;
	int error = 0;
	data.ours = resampler_new(&in, &out, NULL);
	data.theirs = speex_resampler_init(1, (spx_uint32_t)from, (spx_uint32_t)to, QUALITY, &error);
	data.in = calloc(frames, sizeof *data.in);
	data.out = calloc((size_t)to * (SECONDS + 1), sizeof *data.out);
	bool done = data.ours && data.theirs && data.in && data.out;
	for (size_t i = 0; done && i < frames; i++)
		data.in[i] = (int16_t)lrint(LEVEL * sin(2 * M_PI * TONE * (double)i / from));
	char what[80];
	snprintf(what, sizeof what, "resampling %d to %d Hz, a second", from, to);
	struct bench_pair pair = { what, "us", "speexdsp, quality 5", ours, theirs, &data, ROUNDS, 0 };
	done = done && bench_run(&pair);
	if (done) {
		ours(&data);
		double mine = error_db(&data);
		theirs(&data);
		printf("  error of a tone: %.1f dB down, speexdsp %.1f dB\n", mine, error_db(&data));
	}
	resampler_free(data.ours);
	if (data.theirs)
		speex_resampler_destroy(data.theirs);
	free(data.in);
	free(data.out);
	return done;
}

int main(void)
{
	static const int rates[][2] = { { 44100, 48000 }, { 48000, 44100 }, { 48000, 16000 }, { 16000, 48000 } };
	bench_header();
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
		if (!run(rates[i][0], rates[i][1]))
			return 1;
	return 0;
}
