/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the path's queue grows: draft-ietf-rmcat-gcc-02 section 5, with a linear regression for its filter. */
#ifndef QV_RTP_TREND_H
#define QV_RTP_TREND_H

#include <stdbool.h>
#include <stdint.h>

#define TREND_POINTS 20

enum trend_state { TREND_NORMAL, TREND_OVERUSE, TREND_UNDERUSE };

/* A burst: packets sent within 5 ms. */
struct trend_burst {
	int64_t first_sent, sent, arrived; /* ns; the last of it */
};

struct trend {
	struct trend_burst before, now;
	int bursts;
	double sum, smoothed; /* ms of delay against the first burst */
	struct {
		double at, delay; /* ms */
	} points[TREND_POINTS];
	unsigned count;
	int64_t first_arrival;
	double slope, threshold; /* ms */
	double over_ms;          /* how long it has been over the threshold */
	int64_t adapted;
	enum trend_state state;
};

void trend_start(struct trend *trend);
void trend_add(struct trend *trend, int64_t sent, int64_t arrived);

#endif
