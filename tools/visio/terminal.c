/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

/* The other screen, which has no scroll-back of its own, and no cursor on it; and back. */
#define ENTER "\033[?1049h\033[?25l\033[2J"
#define LEAVE "\033[0m\033[?25h\033[?1049l"

static struct termios before;
static volatile sig_atomic_t entered;
static int signals = -1;
static char typed[64];
static size_t typed_at, typed_count;

static void write_all(const char *text, size_t size)
{
	while (size > 0) {
		ssize_t done = write(STDOUT_FILENO, text, size);
		if (done < 0 && errno == EAGAIN) {
			struct pollfd fd = { STDOUT_FILENO, POLLOUT, 0 };
			poll(&fd, 1, 1000);
		} else if (done < 0 && errno != EINTR) {
			return;
		}
		text += done > 0 ? done : 0;
		size -= done > 0 ? (size_t)done : 0;
	}
}

/* Nothing but what a signal handler may call. */
void terminal_leave(void)
{
	if (!entered)
		return;
	entered = 0;
	write_all(LEAVE, sizeof LEAVE - 1);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

static void crashed(int number)
{
	terminal_leave();
	signal(number, SIG_DFL);
	raise(number);
}

/* Signals that end the program come as a key; after one that it does not survive the terminal is restored first. */
static int watch_signals(struct qv_error *err)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	sigset_t set;
	for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
		signal(crashes[i], crashed);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals >= 0 ? 0 : qv_fail_errno(err, QV_E_IO, errno, "watching for signals");
}

int terminal_enter(struct qv_error *err)
{
	const char *kind = getenv("TERM");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "standard input and output are no terminal; scripts use visio ctl instead");
	if (!kind || strcmp(kind, "") == 0 || strcmp(kind, "dumb") == 0 || strcmp(kind, "unknown") == 0)
		return qv_fail(
			err, QV_E_UNSUPPORTED,
			"a terminal of the kind \"%s\" can place no text; set TERM to what it is, or use visio ctl",
			kind ? kind : "");
	if (watch_signals(err) != 0)
		return -1;
	struct termios raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	entered = 1;
	atexit(terminal_leave);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	write_all(ENTER, sizeof ENTER - 1);
	return 0;
}

void terminal_size(int *columns, int *rows)
{
	struct winsize size;
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
	*columns = known ? size.ws_col : 80;
	*rows = known ? size.ws_row : 24;
}

void terminal_write(const char *text, size_t size)
{
	if (entered)
		write_all(text, size);
}

/* The rest of an arrow or the like: Escape, [ with parameters or O, and a final character (ECMA-48 clause 5.4). */
static int skip_sequence(void)
{
	char kind = typed[typed_at++];
	if (kind == '[')
		while (typed_at < typed_count && (typed[typed_at] < 0x40 || typed[typed_at] > 0x7e))
			typed_at++;
	if ((kind == '[' || kind == 'O') && typed_at < typed_count)
		typed_at++;
	return 0;
}

static int next_typed(void)
{
	unsigned char key = (unsigned char)typed[typed_at++];
	if (key == 27 && typed_at < typed_count)
		return skip_sequence();
	if (key == 3 || key == 4)
		return TERMINAL_KEY_END;
	return key == 8 ? 127 : key == '\n' ? '\r' : key;
}

static int take_signal(void)
{
	struct signalfd_siginfo what;
	if (read(signals, &what, sizeof what) == (ssize_t)sizeof what && what.ssi_signo != SIGWINCH)
		return TERMINAL_KEY_END;
	return 0;
}

int terminal_key(int fd, int timeout_ms)
{
	if (typed_at < typed_count)
		return next_typed();
	struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 }, { signals, POLLIN, 0 }, { fd, POLLIN, 0 } };
	if (poll(fds, 3, timeout_ms) <= 0)
		return 0;
	if (fds[1].revents)
		return take_signal();
	if (!fds[0].revents)
		return 0;
	ssize_t got = read(STDIN_FILENO, typed, sizeof typed);
	if (got <= 0)
		return TERMINAL_KEY_END;
	typed_at = 0;
	typed_count = (size_t)got;
	return next_typed();
}
