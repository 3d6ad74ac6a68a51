/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one test and all that it starts for at most QV_TEST_LIMIT seconds: limited PROGRAM [ARG…]. A test that does not
   end is shown (every process, and its stacks where gdb is installed), fails, and is ended; so is what a test leaves behind,
   which would keep its output open. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT = 600, GRACE = 5, MOST = 256 };

struct family {
	pid_t pids[MOST];
	size_t count;
};

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double limit_of(const char *text)
{
	char *end = NULL;
	double limit = text ? strtod(text, &end) : 0;
	return text && end != text && !*end && limit > 0 ? limit : LIMIT;
}

static void add_children(struct family *family, pid_t pid);

static void add_children_of_thread(struct family *family, pid_t pid, const char *thread)
{
	char path[320];
	snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)pid, thread);
	FILE *file = fopen(path, "re");
	int child = 0;
	size_t first = family->count;
	while (file && family->count < MOST && fscanf(file, "%d", &child) == 1)
		family->pids[family->count++] = child;
	if (file)
		fclose(file);
	for (size_t i = first, past = family->count; i < past; i++)
		add_children(family, family->pids[i]);
}

/* Parents stand before their children. */
static void add_children(struct family *family, pid_t pid)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *threads = opendir(path);
	for (struct dirent *thread; threads && (thread = readdir(threads));)
		if (thread->d_name[0] != '.')
			add_children_of_thread(family, pid, thread->d_name);
	if (threads)
		closedir(threads);
}

static struct family descendants(void)
{
	struct family family = { .count = 0 };
	add_children(&family, getpid());
	return family;
}

static void say_command(pid_t pid)
{
	char path[64];
	char line[512] = "";
	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = file >= 0 ? read(file, line, sizeof line - 1) : 0;
	if (file >= 0)
		close(file);
	for (ssize_t i = 0; i + 1 < length; i++)
		if (!line[i] || line[i] == '\n')
			line[i] = ' ';
	printf("# limited: process %d: %s\n", (int)pid, length > 0 ? line : "(ended)");
	fflush(stdout);
}

static void say_stacks(pid_t pid)
{
	char command[128];
	snprintf(command, sizeof command,
		 "timeout -s KILL 20 gdb -nx -batch -p %d -ex 'thread apply all bt 16' 2>/dev/null", (int)pid);
	FILE *gdb = popen(command, "re");
	char line[512];
	while (gdb && fgets(line, sizeof line, gdb))
		if (line[0] == '#' || strncmp(line, "Thread", 6) == 0)
			printf("#   %s", line);
	if (gdb)
		pclose(gdb);
	fflush(stdout);
}

static void show_all(void)
{
	struct family family = descendants();
	for (size_t i = 0; i < family.count; i++) {
		say_command(family.pids[i]);
		say_stacks(family.pids[i]);
	}
}

/* Takes back the children that have ended; true once `test` is among them. */
static bool reap(pid_t test, int *status)
{
	bool ended = false;
	int result;
	for (pid_t pid; (pid = waitpid(-1, &result, WNOHANG)) > 0;)
		if (pid == test) {
			*status = result;
			ended = true;
		}
	return ended;
}

/* The next signal of `set`, or 0 when `deadline` has passed. */
static int await_signal(const sigset_t *set, double deadline)
{
	for (;;) {
		double left = deadline - now();
		if (left <= 0)
			return 0;
		struct timespec time = { (time_t)left, (long)((left - (double)(time_t)left) * 1e9) };
		int got = sigtimedwait(set, NULL, &time);
		if (got > 0)
			return got;
		if (errno != EINTR)
			return 0;
	}
}

static void end_all(const sigset_t *set, int with, double deadline)
{
	int status;
	struct family family = descendants();
	for (size_t i = 0; i < family.count; i++)
		kill(family.pids[i], with);
	for (;;) {
		reap(-1, &status);
		if (descendants().count == 0 || !await_signal(set, deadline))
			return;
	}
}

static void clean_up(const sigset_t *set)
{
	struct family family = descendants();
	if (family.count == 0)
		return;
	end_all(set, SIGTERM, now() + GRACE);
	for (int tries = 0; tries < 10 && descendants().count; tries++)
		end_all(set, SIGKILL, now() + 1);
}

static int exit_status(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	printf("Bail out! ended by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return 128 + WTERMSIG(status);
}

/* A test sees no terminal, no input, and no signal that whoever runs it ignores or blocks. */
static void leave_surroundings(void)
{
	int nothing = open("/dev/null", O_RDONLY);
	if (nothing > STDIN_FILENO) {
		dup2(nothing, STDIN_FILENO);
		close(nothing);
	}
	setsid();
	for (int number = 1; number < SIGRTMIN; number++)
		signal(number, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(char *const argv[])
{
	leave_surroundings();
	execvp(argv[0], argv);
	printf("Bail out! cannot run %s: %s\n", argv[0], strerror(errno));
	fflush(stdout);
	_exit(127);
}

static int watch(pid_t test, const sigset_t *set, double limit)
{
	int status = 0;
	double deadline = now() + limit;
	for (;;) {
		int got = await_signal(set, deadline);
		if (got == SIGCHLD && reap(test, &status))
			return exit_status(status);
		if (got == SIGCHLD)
			continue;
		if (got == 0) {
			printf("# limited: it did not end within %.0f s (QV_TEST_LIMIT)\n", limit);
			show_all();
		}
		printf("Bail out! %s\n", got ? "stopped by a signal" : "it did not end in time");
		return 99;
	}
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: limited PROGRAM [ARG…]\n");
		return 2;
	}
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t test = fork();
	if (test < 0) {
		printf("Bail out! cannot fork: %s\n", strerror(errno));
		return 99;
	}
	if (test == 0)
		become(argv + 1);
	int result = watch(test, &set, limit_of(getenv("QV_TEST_LIMIT")));
	fflush(stdout);
	clean_up(&set);
	return result;
}
