/* SPDX-License-Identifier: Apache-2.0 */
#include "drift.h"

#include <math.h>

#define SMOOTH_S     1.0
#define PPM_PER_MS   80.0
#define PPM_PER_MS_S 1.6 /* PPM_PER_MS² / 4000: critical damping */
#define PPM_MAX      1000.0
#define LINEAR_MS    12.0 /* a larger error is not the clocks' */
#define PAUSE_NS     INT64_C(1000000000)

double drift_note(struct drift *drift, int64_t now, int64_t excess_ns)
{
	double excess_ms = (double)excess_ns / 1e6, seconds = (double)(now - drift->last_ns) / 1e9;
	/* After a pause the delay is a new one, and the clocks are the same. */
	if (!drift->begun || now - drift->last_ns > PAUSE_NS || seconds < 0) {
		drift->begun = true;
		drift->error_ms = excess_ms;
		seconds = 0;
	}
	drift->last_ns = now;
	drift->error_ms += (excess_ms - drift->error_ms) * (1 - exp(-seconds / SMOOTH_S));
	if (fabs(drift->error_ms) < LINEAR_MS)
		drift->integral_ppm += PPM_PER_MS_S * drift->error_ms * seconds;
	drift->integral_ppm = fmax(-PPM_MAX, fmin(PPM_MAX, drift->integral_ppm));
	drift->ppm = fmax(-PPM_MAX, fmin(PPM_MAX, drift->integral_ppm + PPM_PER_MS * drift->error_ms));
	return drift->ppm;
}

void drift_shifted(struct drift *drift, int64_t shorter_ns)
{
	drift->error_ms -= (double)shorter_ns / 1e6;
}
