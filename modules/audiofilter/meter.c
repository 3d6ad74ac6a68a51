/* SPDX-License-Identifier: Apache-2.0 */
#include "meter.h"

#include <math.h>

#define WINDOW_S    0.3 /* time constant of the means */
#define ECHO_MIN_S  0.5 /* before which they say nothing of the echo */
#define FULL_SCALE  (32768.0 * 32768.0)
#define PLAYED_MIN  1e4 /* mean square, -50 dBFS: less makes no echo worth measuring */
#define VOICE_MAX   0.5
#define POWER_FLOOR 1e-3

struct meter meter_make(int rate, size_t block_frames)
{
	double seconds = (double)block_frames / rate;
	return (struct meter){ .keep = exp(-seconds / WINDOW_S), .block_s = seconds, .voice = NAN };
}

double meter_power(const int16_t *samples, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += (double)samples[i] * samples[i];
	return sum / (double)count;
}

static void follow(const struct meter *meter, double *mean, double value)
{
	*mean = meter->keep * *mean + (1 - meter->keep) * value;
}

void meter_note(struct meter *meter, double played, double in, double out, double voice)
{
	follow(meter, &meter->level, out);
	meter->voice = voice;
	if (played < PLAYED_MIN || voice > VOICE_MAX)
		return;
	follow(meter, &meter->played, played);
	follow(meter, &meter->in, in);
	follow(meter, &meter->out, out);
	meter->echo_s += meter->block_s;
}

static double decibels(double over, double under)
{
	return 10 * log10((over + POWER_FLOOR) / (under + POWER_FLOOR));
}

void meter_read(const struct meter *meter, struct qv_audiofilter_meters *meters)
{
	double level = decibels(meter->level, FULL_SCALE);
	bool heard = meter->echo_s >= ECHO_MIN_S;
	*meters = (struct qv_audiofilter_meters){
		.level_dbfs = level > -120 ? level : -120,
		.voice = meter->voice,
		.gain_db = NAN,
		.echo_return_loss_db = heard ? decibels(meter->played, meter->in) : NAN,
		.echo_enhancement_db = heard ? decibels(meter->in, meter->out) : NAN,
	};
}
