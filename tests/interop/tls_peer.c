/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_peer client|server MODULE [--name value …] [option=value …]
 *
 * Opens a TLS module with the options given, makes sessions with whatever peer is there, and prints what happened.
 * SIGUSR1 raises the host's cancel descriptor.
 */
#include "tls_peer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qvisio/loader.h>

static int cancel_pipe[2];

static void cancel(int number)
{
	(void)number;
	if (write(cancel_pipe[1], "x", 1) < 0)
		_exit(3);
}

static bool take_text(struct peer *peer, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **value;
	} texts[] = { { "--psk", &peer->psk_file },
		      { "--identity", &peer->identity },
		      { "--host", &peer->host },
		      { "--say", &peer->say },
		      { "--expect", &peer->expect } };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (strcmp(name, texts[i].name) == 0) {
			*texts[i].value = value;
			return true;
		}
	return false;
}

static int number(const char *text)
{
	char *end;
	errno = 0;
	long value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < 0 || value > INT_MAX) {
		fprintf(stderr, "tls_peer: \"%s\" is no number\n", text);
		exit(2);
	}
	return (int)value;
}

static bool take_number(struct peer *peer, const char *name, const char *value)
{
	if (strcmp(name, "--port") == 0)
		peer->port = number(value);
	else if (strcmp(name, "--send") == 0)
		peer->send = (size_t)number(value);
	else if (strcmp(name, "--lines") == 0)
		peer->lines = number(value);
	else if (strcmp(name, "--sessions") == 0)
		peer->sessions = number(value);
	else if (strcmp(name, "--cut") == 0)
		peer->cut = number(value) != 0;
	else if (strcmp(name, "--linger") == 0)
		peer->linger = number(value) != 0;
	else
		return false;
	return true;
}

/* Fills `peer`; what is left are the module's options. Returns how many, or -1. */
static int take_arguments(struct peer *peer, char **argv, const char **options, int room)
{
	int count = 0;
	for (; *argv; argv++) {
		if (strncmp(*argv, "--", 2) == 0) {
			if (!argv[1] || (!take_text(peer, argv[0], argv[1]) && !take_number(peer, argv[0], argv[1])))
				return -1;
			argv++;
		} else if (count < room) {
			options[count++] = *argv;
		} else {
			return -1;
		}
	}
	return count;
}

static int run(struct peer *peer, const char *role, const char *module, const char *const *assignments,
	       const struct qv_log *log, struct qv_error *err)
{
	int result = -1;
	struct qv_options *options = NULL;
	struct qv_loader *loader = qv_loader_new(NULL, log, err);
	const struct qv_class *class = loader ? qv_loader_get(loader, "tls", module, err) : NULL;
	if (class)
		options = qv_options_from_strings(assignments, class->options, class->option_size, "tls_peer", err);
	struct qv_host host = {
		.size = sizeof host, .log = log, .clock = &qv_clock_monotonic, .cancel_fd = cancel_pipe[0]
	};
	if (options) {
		peer->class = qv_tls_class(class);
		peer->tls = peer->class->open(&host, options, err);
		/* Options are a module's during open only: what it kept of them by mistake is gone now. */
		qv_options_free(options);
	}
	if (peer->tls) {
		result = strcmp(role, "server") == 0 ? peer_server(peer) : peer_client(peer);
		peer->class->close(peer->tls);
	}
	qv_loader_free(loader);
	return result;
}

int main(int argc, char **argv)
{
	struct peer peer = { .host = "localhost" };
	const char *options[32] = { NULL };
	if (argc < 3 || take_arguments(&peer, argv + 3, options, 31) < 0) {
		fprintf(stderr, "usage: tls_peer client|server MODULE [--name value …] [option=value …]\n");
		return 2;
	}
	if (pipe(cancel_pipe) != 0)
		return 3;
	signal(SIGUSR1, cancel);
	struct qv_log *log = qv_log_new("tls_peer", QV_LOG_DEBUG, QV_LOG_TEXT, 2);
	struct qv_error err = QV_ERROR_INIT;
	int result = run(&peer, argv[1], argv[2], options, log, &err);
	if (result != 0)
		report_end("failed", 0, 0, &err);
	qv_log_free(log);
	return result == 0 ? 0 : 1;
}
