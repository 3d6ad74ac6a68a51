/* SPDX-License-Identifier: Apache-2.0 */
#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app.h"
#include "control_socket.h"
#include "tui.h"

#define PATH_SIZE 256
/* Of what was logged meanwhile, the end is shown when the terminal is free again. */
#define LOG_SHOWN 4096

/* "": it has ended before. */
static void await_ready(int fd, char path[PATH_SIZE])
{
	size_t used = 0;
	ssize_t got;
	while (used < PATH_SIZE - 1 &&
	       ((got = read(fd, path + used, PATH_SIZE - 1 - used)) > 0 || (got < 0 && errno == EINTR)))
		used += got > 0 ? (size_t)got : 0;
	path[used] = '\0';
}

/* If it has not ended already. */
static void ask_to_quit(const char *path)
{
	int fd = control_socket_connect(path, NULL);
	if (fd < 0)
		return;
	if (send(fd, "quit\n", 5, MSG_NOSIGNAL) == 5)
		shutdown(fd, SHUT_WR);
	char answer[64];
	while (recv(fd, answer, sizeof answer, 0) > 0)
		continue;
	close(fd);
}

static void show_log(int log_fd)
{
	char text[LOG_SHOWN];
	off_t size = lseek(log_fd, 0, SEEK_END), from = size > LOG_SHOWN ? size - LOG_SHOWN : 0;
	ssize_t got = pread(log_fd, text, sizeof text, from);
	const char *begin = text, *line = got > 0 && from > 0 ? memchr(text, '\n', (size_t)got) : NULL;
	if (line)
		begin = line + 1;
	if (got > 0)
		fwrite(begin, 1, (size_t)(text + got - begin), stderr);
}

static int await_end(pid_t visio)
{
	int how;
	while (waitpid(visio, &how, 0) < 0)
		if (errno != EINTR)
			return EXIT_CALL_FAILED;
	return WIFEXITED(how) ? WEXITSTATUS(how) : EXIT_CALL_FAILED;
}

static int be_terminal(pid_t visio, int ready_fd, int log_fd)
{
	char path[PATH_SIZE];
	await_ready(ready_fd, path);
	int shown = path[0] ? tui_run(path) : 0;
	if (path[0])
		ask_to_quit(path);
	int status = await_end(visio);
	show_log(log_fd);
	return status ? status : shown;
}

static void leave_terminal(int log_fd)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* nobody would see it any more */
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nothing >= 0) {
		dup2(nothing, STDIN_FILENO);
		dup2(nothing, STDOUT_FILENO);
		close(nothing);
	}
	dup2(log_fd, STDERR_FILENO);
	close(log_fd);
}

bool front_split(int *ready_fd, int *status)
{
	int ends[2] = { -1, -1 }, log_fd = memfd_create("visio.log", MFD_CLOEXEC);
	*status = EXIT_CALL_FAILED;
	pid_t visio = log_fd >= 0 && pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
	if (visio < 0) {
		fprintf(stderr, "visio: --tui: %s\n", strerror(errno));
		return false;
	}
	close(ends[visio ? 1 : 0]);
	if (visio == 0) {
		leave_terminal(log_fd);
		*ready_fd = ends[1];
		return true;
	}
	*status = be_terminal(visio, ends[0], log_fd);
	close(ends[0]);
	close(log_fd);
	return false;
}

void front_ready(int ready_fd, const char *path)
{
	size_t size = path ? strlen(path) : 0;
	ssize_t told = size > 0 && size < PATH_SIZE ? write(ready_fd, path, size) : 0;
	(void)told;
	close(ready_fd);
}
