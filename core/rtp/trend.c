/* SPDX-License-Identifier: Apache-2.0 */
#include "trend.h"

#include <string.h>

#define BURST_NS       INT64_C(5000000)
#define SMOOTHING      0.9
#define GAIN           4.0
#define DELTAS_MAX     60
#define THRESHOLD_MS   12.5
#define THRESHOLD_MIN  6.0
#define THRESHOLD_MAX  600.0
#define RISE           0.0087 /* a millisecond, where the trend is over the threshold */
#define FALL           0.039
#define OVER_MS        10.0
#define MS(ns)         ((double)(ns) / 1e6)
#define STEP_MAX_MS    100.0
#define FAR_MS         15.0 /* a trend so far over is a spike that must not move the threshold */
#define RESTART_GAP_NS INT64_C(3000000000)

void trend_start(struct trend *trend)
{
	*trend = (struct trend){ .threshold = THRESHOLD_MS };
}

static double fit(const struct trend *trend)
{
	double at = 0, delay = 0, above = 0, below = 0;
	for (unsigned i = 0; i < trend->count; i++) {
		at += trend->points[i].at / trend->count;
		delay += trend->points[i].delay / trend->count;
	}
	for (unsigned i = 0; i < trend->count; i++) {
		double x = trend->points[i].at - at;
		above += x * (trend->points[i].delay - delay);
		below += x * x;
	}
	return below > 0 ? above / below : 0;
}

static void adapt(struct trend *trend, double size, int64_t now)
{
	double step = trend->adapted ? MS(now - trend->adapted) : 0;
	trend->adapted = now;
	if (size > trend->threshold + FAR_MS)
		return;
	if (step > STEP_MAX_MS)
		step = STEP_MAX_MS;
	trend->threshold += (size < trend->threshold ? FALL : RISE) * (size - trend->threshold) * step;
	if (trend->threshold < THRESHOLD_MIN)
		trend->threshold = THRESHOLD_MIN;
	if (trend->threshold > THRESHOLD_MAX)
		trend->threshold = THRESHOLD_MAX;
}

static void detect(struct trend *trend, double slope, double sent_ms, int64_t now)
{
	int deltas = trend->bursts < DELTAS_MAX ? trend->bursts : DELTAS_MAX;
	double size = deltas * slope * GAIN;
	if (size > trend->threshold) {
		trend->over_ms += sent_ms;
		if (trend->over_ms > OVER_MS && slope >= trend->slope)
			trend->state = TREND_OVERUSE;
	} else {
		trend->over_ms = 0;
		trend->state = size < -trend->threshold ? TREND_UNDERUSE : TREND_NORMAL;
	}
	trend->slope = slope;
	adapt(trend, size < 0 ? -size : size, now);
}

static void take_burst(struct trend *trend)
{
	double sent_ms = MS(trend->now.sent - trend->before.sent);
	double delay = MS(trend->now.arrived - trend->before.arrived) - sent_ms;
	if (trend->bursts == 0)
		trend->first_arrival = trend->now.arrived;
	trend->bursts++;
	trend->sum += delay;
	trend->smoothed = SMOOTHING * trend->smoothed + (1 - SMOOTHING) * trend->sum;
	if (trend->count == TREND_POINTS)
		memmove(trend->points, trend->points + 1, --trend->count * sizeof trend->points[0]);
	trend->points[trend->count].at = MS(trend->now.arrived - trend->first_arrival);
	trend->points[trend->count++].delay = trend->smoothed;
	if (trend->count == TREND_POINTS)
		detect(trend, fit(trend), sent_ms, trend->now.arrived);
}

void trend_add(struct trend *trend, int64_t sent, int64_t arrived)
{
	struct trend_burst *now = &trend->now;
	if (now->first_sent && sent - now->sent > RESTART_GAP_NS) {
		double threshold = trend->threshold;
		trend_start(trend);
		trend->threshold = threshold;
	}
	if (now->first_sent && sent < now->first_sent)
		return; /* reordered across bursts */
	bool same = now->first_sent && sent - now->first_sent <= BURST_NS;
	if (!same) {
		if (trend->before.first_sent)
			take_burst(trend);
		trend->before = *now;
		*now = (struct trend_burst){ .first_sent = sent, .sent = sent, .arrived = arrived };
		return;
	}
	if (sent > now->sent)
		now->sent = sent;
	if (arrived > now->arrived)
		now->arrived = arrived;
}
