/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/clock.h>

#include <errno.h>
#include <poll.h>
#include <time.h>

static int64_t monotonic_now(const struct qv_clock *clock)
{
	(void)clock;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * QV_NS_PER_SECOND + now.tv_nsec;
}

const struct qv_clock qv_clock_monotonic = { .now = monotonic_now };

static _Thread_local int cancel_here = -1;

int qv_cancel_also(int fd)
{
	int before = cancel_here;
	cancel_here = fd;
	return before;
}

int qv_cancel_here(void)
{
	return cancel_here;
}

int64_t qv_clock_now(const struct qv_clock *clock)
{
	return clock->now(clock);
}

/* poll(2) with an absolute deadline, so that signals do not lengthen the wait; INT64_MAX waits for ever. */
static int poll_until(struct pollfd *fds, nfds_t count, int64_t deadline_ns, struct qv_error *err)
{
	for (;;) {
		struct timespec wait, *limit = NULL;
		if (deadline_ns != INT64_MAX) {
			int64_t left = deadline_ns - monotonic_now(NULL);
			if (left < 0)
				left = 0;
			wait.tv_sec = (time_t)(left / QV_NS_PER_SECOND);
			wait.tv_nsec = (long)(left % QV_NS_PER_SECOND);
			limit = &wait;
		}
		int ready = ppoll(fds, count, limit, NULL);
		if (ready >= 0)
			return ready;
		if (errno != EINTR)
			return qv_fail_errno(err, QV_E_IO, errno, "waiting for a descriptor");
	}
}

int qv_clock_sleep_until(int64_t deadline_ns, int cancel_fd, struct qv_error *err)
{
	struct pollfd cancel[] = { { .fd = cancel_fd, .events = POLLIN }, { .fd = cancel_here, .events = POLLIN } };
	int ready = poll_until(cancel, 2, deadline_ns, err);
	if (ready > 0)
		return qv_fail(err, QV_E_CANCELLED, "cancelled");
	return ready;
}

int qv_wait_fd(int fd, short events, int timeout_ms, int cancel_fd, struct qv_error *err)
{
	struct pollfd fds[] = { { .fd = fd, .events = events },
				{ .fd = cancel_fd, .events = POLLIN },
				{ .fd = cancel_here, .events = POLLIN } };
	int64_t deadline = timeout_ms < 0 ? INT64_MAX : monotonic_now(NULL) + timeout_ms * QV_NS_PER_MS;
	int ready = poll_until(fds, 3, deadline, err);
	if (ready <= 0)
		return ready;
	if (fds[1].revents || fds[2].revents)
		return qv_fail(err, QV_E_CANCELLED, "cancelled");
	if (fds[0].revents & POLLNVAL)
		return qv_fail(err, QV_E_INTERNAL, "waiting for descriptor %d, which is not open", fd);
	return 1;
}
