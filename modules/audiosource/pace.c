/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

struct pace pace_make(const struct qv_host *host, int rate, bool free_running)
{
	return (struct pace){
		.clock = host->clock, .cancel_fd = host->cancel_fd, .rate = rate, .free_running = free_running
	};
}

void pace_start(struct pace *pace)
{
	if (pace->started)
		return;
	pace->start_ns = qv_clock_now(pace->clock);
	pace->started = true;
}

int64_t pace_time(const struct pace *pace, uint64_t position)
{
	uint64_t rate = (uint64_t)pace->rate, second = (uint64_t)QV_NS_PER_SECOND;
	return pace->start_ns + (int64_t)(position / rate * second + position % rate * second / rate);
}

uint64_t pace_position(const struct pace *pace, int64_t time_ns)
{
	if (time_ns <= pace->start_ns)
		return 0;
	uint64_t since = (uint64_t)(time_ns - pace->start_ns), rate = (uint64_t)pace->rate;
	uint64_t second = (uint64_t)QV_NS_PER_SECOND;
	return since / second * rate + (since % second * rate + second - 1) / second;
}

int pace_wait(const struct pace *pace, uint64_t position, int timeout_ms, struct qv_error *err)
{
	/* A wait that has already ended still sees a cancelled host. */
	int64_t left = pace->free_running ? 0 : pace_time(pace, position) - qv_clock_now(pace->clock);
	if (left < 0)
		left = 0;
	bool whole = timeout_ms < 0 || left <= timeout_ms * QV_NS_PER_MS;
	int64_t wait = whole ? left : timeout_ms * QV_NS_PER_MS;
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	if (qv_clock_sleep_until(now + wait, pace->cancel_fd, err) != 0)
		return -1;
	return whole;
}

int64_t pace_late(const struct pace *pace, uint64_t position)
{
	return pace->free_running ? 0 : qv_clock_now(pace->clock) - pace_time(pace, position);
}
