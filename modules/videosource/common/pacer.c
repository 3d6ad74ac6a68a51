/* SPDX-License-Identifier: Apache-2.0 */
#include "pacer.h"

void pacer_init(struct pacer *pacer, const struct qv_host *host, int fps_num, int fps_den)
{
	*pacer = (struct pacer){
		.clock = host->clock,
		.cancel_fd = host->cancel_fd,
		.fps_num = fps_num,
		.fps_den = fps_den,
	};
}

/* Whole seconds and the rest apart, so that no product leaves 64 bits. */
static int64_t instant(const struct pacer *pacer, uint64_t index)
{
	uint64_t ticks = index * (uint64_t)pacer->fps_den, rate = (uint64_t)pacer->fps_num;
	return pacer->start_ns + (int64_t)(ticks / rate) * QV_NS_PER_SECOND +
	       (int64_t)(ticks % rate * (uint64_t)QV_NS_PER_SECOND / rate);
}

static uint64_t newest_index(const struct pacer *pacer, int64_t now)
{
	int64_t elapsed = now - pacer->start_ns;
	if (elapsed < 0)
		return 0;
	uint64_t seconds = (uint64_t)(elapsed / QV_NS_PER_SECOND), rest = (uint64_t)(elapsed % QV_NS_PER_SECOND);
	uint64_t rate = (uint64_t)pacer->fps_num, den = (uint64_t)pacer->fps_den;
	uint64_t guess = seconds * rate / den;
	guess += (seconds * rate % den * (uint64_t)QV_NS_PER_SECOND + rest * rate) / (den * (uint64_t)QV_NS_PER_SECOND);
	while (guess > 0 && instant(pacer, guess) > now)
		guess--;
	while (instant(pacer, guess + 1) <= now)
		guess++;
	return guess;
}

int pacer_wait(struct pacer *pacer, int timeout_ms, uint64_t *index, int64_t *instant_ns, struct qv_error *err)
{
	int64_t now = qv_clock_now(pacer->clock);
	if (!pacer->started) {
		pacer->started = true;
		pacer->start_ns = now;
	}
	uint64_t newest = newest_index(pacer, now);
	uint64_t due = newest > pacer->next ? newest : pacer->next;
	int64_t wait = instant(pacer, due) - now;
	bool in_time = timeout_ms < 0 || wait <= timeout_ms * QV_NS_PER_MS;
	if (!in_time)
		wait = timeout_ms * QV_NS_PER_MS;
	/* Also without a wait: a source that is always late must still see the cancel descriptor. */
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + (wait > 0 ? wait : 0);
	if (qv_clock_sleep_until(deadline, pacer->cancel_fd, err) != 0)
		return -1;
	if (!in_time)
		return 0;
	pacer->next = due + 1;
	*index = due;
	*instant_ns = instant(pacer, due);
	return 1;
}
