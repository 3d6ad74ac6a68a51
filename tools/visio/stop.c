/* SPDX-License-Identifier: Apache-2.0 */
#include "stop.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A signal handler can reach nothing but static storage. */
static volatile int stop_fd = -1;

static void on_signal(int number)
{
	(void)number;
	int saved = errno;
	uint64_t one = 1;
	/* Nothing can be done here if it fails; the second signal ends the process. */
	ssize_t written = write(stop_fd, &one, sizeof one);
	(void)written;
	errno = saved;
}

int stop_descriptor(unsigned seconds, struct qv_error *err)
{
	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0)
		return qv_fail_errno(err, QV_E_IO, errno, "making an event descriptor");
	struct sigaction once = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigemptyset(&once.sa_mask);
	sigaction(SIGINT, &once, NULL);
	sigaction(SIGTERM, &once, NULL);
	sigaction(SIGALRM, &once, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	if (seconds > 0)
		alarm(seconds);
	return stop_fd;
}
