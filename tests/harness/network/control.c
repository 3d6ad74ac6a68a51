/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

void control_open(struct control *control, struct network *network, const char *path)
{
	*control = (struct control){ .network = network, .listener = -1 };
	if (!path)
		return;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (strlen(path) < sizeof address.sun_path)
		memcpy(address.sun_path, path, strlen(path) + 1);
	if (control->listener < 0 || !address.sun_path[0] ||
	    bind(control->listener, (struct sockaddr *)(void *)&address, sizeof address) != 0 ||
	    listen(control->listener, 16) != 0) {
		fprintf(stderr, "impairer: control socket %s: %s\n", path, strerror(errno));
		exit(1);
	}
}

/* "path=1-2": only from the first node to the second. */
static bool parse_path(const char *word, int nodes, int *from, int *to)
{
	char end;
	if (sscanf(word, "path=%d-%d%c", from, to, &end) != 2)
		return false;
	return *from >= 1 && *to >= 1 && *from <= nodes && *to <= nodes;
}

/* All or nothing: the words are tried on a copy first. */
static bool apply(struct network *network, const char *words)
{
	char copy[256], *rest = NULL;
	int from = 0, to = 0;
	struct profile trial = { 0 };
	for (int pass = 0; pass < 2; pass++) {
		snprintf(copy, sizeof copy, "%s", words);
		for (char *word = strtok_r(copy, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
			if (strncmp(word, "path=", 5) == 0) {
				if (!parse_path(word, network->nodes, &from, &to))
					return false;
				continue;
			}
			if (pass == 0 && !profile_parse(&trial, word))
				return false;
			for (int i = 0; pass == 1 && i < network->nodes; i++)
				for (int j = 0; j < network->nodes; j++)
					if (from == 0 || (i == from - 1 && j == to - 1))
						profile_parse(&network->paths[i][j].profile, word);
		}
	}
	return true;
}

static const char *take_change(struct control *control, const char *line, int64_t now_ns)
{
	static struct network trial;
	double after = 0;
	int used = 0;
	if (sscanf(line, "after=%lf %n", &after, &used) != 1)
		used = 0;
	trial.nodes = control->network->nodes;
	if (after < 0 || after > 3600 || !apply(&trial, line + used))
		return "error: want [after=S] [path=FROM-TO] and values";
	if (used == 0) {
		apply(control->network, line);
		return "ok";
	}
	if (control->count == CHANGES_MAX)
		return "error: too many changes wait";
	struct change *change = &control->changes[control->count++];
	change->due_ns = now_ns + (int64_t)(after * 1e9);
	snprintf(change->words, sizeof change->words, "%s", line + used);
	return "ok";
}

static void print_counts(const struct network *network, FILE *out)
{
	for (int i = 0; i < network->nodes; i++)
		for (int j = 0; j < network->nodes; j++) {
			const struct counts *c = &network->paths[i][j].counts;
			if (i != j)
				fprintf(out, "%d-%d %llu %llu %llu %llu %llu %llu;", i + 1, j + 1,
					(unsigned long long)c->passed, (unsigned long long)c->bytes,
					(unsigned long long)c->lost, (unsigned long long)c->full,
					(unsigned long long)c->duplicated, (unsigned long long)c->reordered);
		}
}

void control_serve(struct control *control, int64_t now_ns)
{
	char line[256], answer[4096] = "error: no line";
	int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	/* Whoever connects and says nothing must not hold up the packets. */
	struct timeval patience = { .tv_usec = 20000 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	ssize_t size = recv(fd, line, sizeof line - 1, 0);
	if (size > 0) {
		line[size] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "counts") == 0) {
			FILE *out = fmemopen(answer, sizeof answer, "w");
			if (out) {
				print_counts(control->network, out);
				fclose(out);
			}
		} else {
			snprintf(answer, sizeof answer, "%s", take_change(control, line, now_ns));
		}
	}
	size_t length = strlen(answer);
	if (length < sizeof answer)
		answer[length++] = '\n';
	if (send(fd, answer, length, MSG_NOSIGNAL) < 0)
		perror("impairer: control socket");
	close(fd);
}

void control_run_due(struct control *control, int64_t now_ns)
{
	for (int i = 0; i < control->count;) {
		if (control->changes[i].due_ns > now_ns) {
			i++;
			continue;
		}
		apply(control->network, control->changes[i].words);
		memmove(&control->changes[i], &control->changes[i + 1],
			(size_t)(--control->count - i) * sizeof control->changes[0]);
	}
}

int64_t control_next_due(const struct control *control)
{
	int64_t due = INT64_MAX;
	for (int i = 0; i < control->count; i++)
		if (control->changes[i].due_ns < due)
			due = control->changes[i].due_ns;
	return due;
}
