/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct outcome {
	char text[QV_ERROR_MESSAGE_MAX + 128]; /* first byte: 'P' passed, 'F' failed, 'S' skipped */
	size_t size;
	bool stuck;
	int status; /* of waitpid */
};

static _Noreturn void run_child(struct check *check, const struct check_case *one, const struct qv_log *log)
{
	/* As in every program of ours: a lost connection is an error, not a signal. */
	signal(SIGPIPE, SIG_IGN);
	struct qv_log *named = qv_log_child(log, check->class->name);
	if (pipe2(check->cancel_pipe, O_CLOEXEC) != 0)
		check_fail(check, "no pipe: %s", strerror(errno));
	check->host = (struct qv_host){ .size = sizeof check->host,
					.log = named,
					.clock = &qv_clock_monotonic,
					.cancel_fd = check->cancel_pipe[0] };
	one->run(check);
	qv_log_free(named);
	/* A case passes by coming here, not by the process ending well: the module may have ended it. */
	ssize_t written = write(check->result_fd, "P", 1);
	(void)written;
	/* exit, not _exit: a leak checker that is linked in must have its turn. */
	exit(0);
}

static void collect(int fd, pid_t child, int timeout_ms, struct outcome *outcome)
{
	struct qv_error err;
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	while (outcome->size < sizeof outcome->text - 1) {
		int64_t left = (deadline - qv_clock_now(&qv_clock_monotonic)) / QV_NS_PER_MS;
		if (qv_wait_fd(fd, POLLIN, left > 0 ? (int)left : 0, -1, &err) != 1) {
			outcome->stuck = true;
			kill(child, SIGKILL);
			break;
		}
		ssize_t got = read(fd, outcome->text + outcome->size, sizeof outcome->text - 1 - outcome->size);
		if (got <= 0)
			break;
		outcome->size += (size_t)got;
	}
	while (waitpid(child, &outcome->status, 0) < 0 && errno == EINTR)
		;
}

static int run_case(struct check *check, const struct check_case *one, const struct qv_log *log,
		    struct outcome *outcome)
{
	int result[2];
	*outcome = (struct outcome){ .size = 0 };
	if (pipe2(result, O_CLOEXEC) != 0)
		return -1;
	fflush(NULL);
	pid_t child = fork();
	if (child < 0) {
		close(result[0]);
		close(result[1]);
		return -1;
	}
	if (child == 0) {
		close(result[0]);
		check->result_fd = result[1];
		run_child(check, one, log);
	}
	close(result[1]);
	collect(result[0], child, check->request->timeout_ms, outcome);
	close(result[0]);
	return 0;
}

static bool explain(const struct outcome *outcome, int timeout_ms, FILE *out)
{
	if (outcome->stuck)
		fprintf(out, "# stopped: it did not end within %d ms\n", timeout_ms);
	else if (WIFSIGNALED(outcome->status))
		fprintf(out, "# the module crashed: %s\n", strsignal(WTERMSIG(outcome->status)));
	else if (outcome->text[0] == 'F')
		fprintf(out, "# %s\n", outcome->text + 1);
	else if (WEXITSTATUS(outcome->status) != 0 || !outcome->text[0])
		fprintf(out, "# the module ended the process with status %d\n", WEXITSTATUS(outcome->status));
	else
		return true;
	return false;
}

struct tally {
	FILE *out;
	unsigned number;
	int failed;
};

static int run_cases(struct check *check, const struct check_case *cases, const struct qv_log *log, struct tally *tally)
{
	for (const struct check_case *one = cases; one->name; one++) {
		struct outcome outcome;
		if (run_case(check, one, log, &outcome) != 0)
			return -1;
		bool passed = explain(&outcome, check->request->timeout_ms, tally->out);
		fprintf(tally->out, "%s %u - %s/%s: %s", passed ? "ok" : "not ok", ++tally->number, check->class->kind,
			check->class->name, one->name);
		if (passed && outcome.text[0] == 'S')
			fprintf(tally->out, " # SKIP %s", outcome.text + 1);
		fputc('\n', tally->out);
		tally->failed += !passed;
	}
	return 0;
}

static unsigned count_cases(const struct check_case *cases)
{
	unsigned count = 0;
	while (cases && cases[count].name)
		count++;
	return count;
}

int check_module(const struct qv_loaded *loaded, const struct check_request *request, const struct qv_log *log,
		 FILE *out)
{
	unsigned planned = 0;
	for (size_t i = 0; loaded->classes[i]; i++) {
		const struct check_suite *suite = check_suite_find(loaded->classes[i]->kind);
		planned += count_cases(check_common) + (suite ? count_cases(suite->cases) : 0);
	}
	fprintf(out, "1..%u\n", planned);
	struct tally tally = { .out = out };
	for (size_t i = 0; loaded->classes[i]; i++) {
		struct check check = { .request = request, .loaded = loaded, .class = loaded->classes[i] };
		const struct check_suite *suite = check_suite_find(check.class->kind);
		if (run_cases(&check, check_common, log, &tally) != 0 ||
		    (suite && run_cases(&check, suite->cases, log, &tally) != 0))
			return -1;
	}
	fflush(out);
	return tally.failed;
}
