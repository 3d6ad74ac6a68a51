/* SPDX-License-Identifier: Apache-2.0 */
/* Sample time on the clock, for sources that have no device to pace them. Compiled into each module that uses it. */
#ifndef AUDIOSOURCE_PACE_H
#define AUDIOSOURCE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include <qvisio/module.h>

struct pace {
	const struct qv_clock *clock;
	int cancel_fd;
	int rate;
	bool free_running; /* never waits */
	bool started;
	int64_t start_ns; /* when sample 0 is heard; valid once started */
};

struct pace pace_make(const struct qv_host *host, int rate, bool free_running);

/* Sample 0 is now, if it was not before: the reader may start long after open. */
void pace_start(struct pace *pace);

/* When sample `position` is heard. Exact to 1 ns at any position: nothing accumulates. */
int64_t pace_time(const struct pace *pace, uint64_t position);

/* The sample heard first at or after `time_ns`; 0 for times before the start. */
uint64_t pace_position(const struct pace *pace, int64_t time_ns);

/*
 * Waits until all samples before `position` were heard, at most `timeout_ms` (negative: for ever).
 * 1 heard, 0 not yet, -1 with QV_E_CANCELLED or QV_E_IO.
 */
int pace_wait(const struct pace *pace, uint64_t position, int timeout_ms, struct qv_error *err);

/* How long ago the samples before `position` were all heard: what a reader is late. Never for one that runs free. */
int64_t pace_late(const struct pace *pace, uint64_t position);

/* A reader that is later than this was stopped or starved, and gets no burst of old sound. */
#define PACE_LATE_MAX_NS QV_NS_PER_SECOND

#endif
