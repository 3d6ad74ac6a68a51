/* SPDX-License-Identifier: Apache-2.0 */
#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define CONTROL(letter) ((letter) - '@')
#define DELETE          0x7f

static void show(int terminal, const char *text)
{
	(void)!write(terminal, text, strlen(text));
}

/* The next byte typed; -1 when a signal came instead, or the terminal is gone. */
static int next_byte(int terminal, int signals)
{
	struct pollfd watched[2] = { { .fd = terminal, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
	unsigned char byte;
	for (;;) {
		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			return -1;
		if (watched[1].revents)
			return -1;
		if (watched[0].revents)
			return read(terminal, &byte, 1) == 1 ? byte : -1;
	}
}

/* The line's length; -1 when it was given up. What is too long is read to its end and then refused. */
static ssize_t read_line(int terminal, int signals, uint8_t *line, size_t max)
{
	size_t length = 0;
	for (;;) {
		int byte = next_byte(terminal, signals);
		switch (byte) {
		case '\r':
		case '\n':
			return (ssize_t)length;
		case -1:
		case CONTROL('C'):
		case CONTROL('D'):
			return -1;
		case CONTROL('U'):
			length = 0;
			break;
		case DELETE:
		case '\b':
			length -= length > 0;
			break;
		default:
			if (length < max)
				line[length] = (uint8_t)byte;
			length += length <= max;
		}
	}
}

static struct qv_secret *ask(int terminal, int signals, const char *question, size_t max, struct qv_error *err)
{
	struct qv_secret *room = qv_secret_new(max, err), *line = NULL;
	if (!room)
		return NULL;
	show(terminal, question);
	ssize_t length = read_line(terminal, signals, qv_secret_edit(room), max);
	show(terminal, "\r\n");
	if (length < 0)
		qv_fail(err, QV_E_CANCELLED, "given up at the terminal");
	else if (length == 0 || (size_t)length > max)
		qv_fail(err, QV_E_INVALID, "what was typed is %s", length ? "too long" : "empty");
	else
		line = qv_secret_copy(qv_secret_bytes(room), (size_t)length, err);
	qv_secret_free(room);
	return line;
}

/* Typed bytes come one by one and are not shown; signals are taken as bytes, so that nothing ends us in this state. */
static struct qv_secret *ask_unseen(int terminal, int signals, const char *question, size_t max, struct qv_error *err)
{
	struct termios before, unseen;
	if (tcgetattr(terminal, &before) != 0) {
		qv_fail_errno(err, QV_E_IO, errno, "the terminal");
		return NULL;
	}
	unseen = before;
	unseen.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
	unseen.c_cc[VMIN] = 1;
	unseen.c_cc[VTIME] = 0;
	if (tcsetattr(terminal, TCSAFLUSH, &unseen) != 0) {
		qv_fail_errno(err, QV_E_IO, errno, "the terminal");
		return NULL;
	}
	struct qv_secret *line = ask(terminal, signals, question, max, err);
	tcsetattr(terminal, TCSAFLUSH, &before);
	return line;
}

struct qv_secret *prompt_secret(const char *question, size_t max, struct qv_error *err)
{
	sigset_t ending;
	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	struct qv_secret *line = NULL;
	int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal < 0) {
		qv_fail_errno(err, QV_E_IO, errno, "there is no terminal to ask on");
		return NULL;
	}
	int signals = signalfd(-1, &ending, SFD_CLOEXEC);
	if (signals < 0)
		qv_fail_errno(err, QV_E_IO, errno, "signals cannot be awaited");
	else
		line = ask_unseen(terminal, signals, question, max, err);
	if (signals >= 0)
		close(signals);
	close(terminal);
	return line;
}
