/* SPDX-License-Identifier: Apache-2.0 */
/* Time. All media times are nanoseconds of CLOCK_MONOTONIC. Safe on any thread. */
#ifndef QVISIO_CLOCK_H
#define QVISIO_CLOCK_H

#include <stdint.h>

#include <qvisio/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_NS_PER_SECOND INT64_C(1000000000)
#define QV_NS_PER_MS     INT64_C(1000000)

/* A source of time, so that tests can supply their own. */
struct qv_clock {
	int64_t (*now)(const struct qv_clock *clock); /* ns, monotonic */
};

/* CLOCK_MONOTONIC itself. */
extern const struct qv_clock qv_clock_monotonic;

int64_t qv_clock_now(const struct qv_clock *clock);

/*
 * Sleeps until `deadline_ns` of CLOCK_MONOTONIC or until `cancel_fd` (or -1) is readable.
 * 0 at the deadline, -1 with QV_E_CANCELLED.
 */
int qv_clock_sleep_until(int64_t deadline_ns, int cancel_fd, struct qv_error *err);

/*
 * Waits for `events` (poll(2)) on `fd`, at most `timeout_ms` (-1: for ever), or until `cancel_fd` (or -1) is readable.
 * 1 ready (also on POLLERR and POLLHUP: the next call on fd tells), 0 timeout, -1 QV_E_CANCELLED or QV_E_IO.
 */
int qv_wait_fd(int fd, short events, int timeout_ms, int cancel_fd, struct qv_error *err);

/*
 * From now on both of the above, on this thread, are also cancelled when `fd` is readable (-1: no more), whatever else
 * they are given: so a thread gives up one call of a module whose host lives on. Returns what was set before, to be set
 * again after. A module that waits by other means polls qv_cancel_here() beside its host's descriptor.
 */
int qv_cancel_also(int fd);
int qv_cancel_here(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
