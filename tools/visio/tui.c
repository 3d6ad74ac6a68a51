/* SPDX-License-Identifier: Apache-2.0 */
#include "tui.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "control_socket.h"
#include "keys.h"
#include "terminal.h"
#include "tui_view.h"

#define ANSWER_MAX 262144
#define ANSWER_MS  5000
#define LOOK_MS    500

struct tui {
	int fd;
	size_t used;
	json_t *status, *stats;
	char message[600];
	char command[CONTROL_LINE_MAX - 1]; /* that is being typed */
	bool typing;
	char answer[ANSWER_MAX];
};

/* One line into answer, without its end. False: the other visio is gone, or says nothing. */
static bool read_line(struct tui *tui)
{
	tui->used = 0;
	for (;;) {
		struct pollfd fd = { tui->fd, POLLIN, 0 };
		if (tui->used == sizeof tui->answer || poll(&fd, 1, ANSWER_MS) <= 0)
			return false;
		ssize_t got = recv(tui->fd, tui->answer + tui->used, sizeof tui->answer - tui->used, 0);
		if (got <= 0)
			return false;
		tui->used += (size_t)got;
		char *end = memchr(tui->answer, '\n', tui->used);
		if (end) {
			*end = '\0';
			return true;
		}
	}
}

/* A new reference; NULL: the other visio is gone. */
static json_t *ask(struct tui *tui, const char *command)
{
	char line[CONTROL_LINE_MAX + 1];
	int size = snprintf(line, sizeof line, "%s\n", command);
	if (send(tui->fd, line, (size_t)size, MSG_NOSIGNAL) != size || !read_line(tui))
		return NULL;
	json_t *answer = json_loads(tui->answer, 0, NULL);
	return answer ? answer : json_object();
}

static bool look(struct tui *tui)
{
	json_decref(tui->status);
	json_decref(tui->stats);
	tui->status = ask(tui, "status");
	tui->stats = tui->status ? ask(tui, "stats") : NULL;
	return tui->stats;
}

static void draw(const struct tui *tui)
{
	struct tui_view view = {
		.status = tui->status,
		.stats = tui->stats,
		.message = tui->message[0] ? tui->message : NULL,
		.prompt = tui->typing ? tui->command : NULL,
	};
	size_t size;
	terminal_size(&view.columns, &view.rows);
	char *screen = tui_draw(&view, &size);
	if (screen)
		terminal_write(screen, size);
	free(screen);
}

static bool obey(struct tui *tui, const char *command)
{
	json_t *answer = ask(tui, command);
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *file = json_string_value(json_object_get(answer, "file"));
	snprintf(tui->message, sizeof tui->message, "%s: %s", command, error ? error : file ? file : "ok");
	json_decref(answer);
	return answer;
}

/* A key while a command is being typed. */
static bool type(struct tui *tui, int key)
{
	size_t length = strlen(tui->command);
	if (key == 27) {
		tui->typing = false;
	} else if (key == '\r') {
		tui->typing = false;
		/* A stream of events is no answer. */
		return length == 0 || strcmp(tui->command, "events") == 0 || obey(tui, tui->command);
	} else if (key == 127) {
		tui->command[length > 0 ? length - 1 : 0] = '\0';
	} else if (key >= 0x20 && length + 1 < sizeof tui->command) {
		tui->command[length] = (char)key;
		tui->command[length + 1] = '\0';
	}
	return true;
}

/* False: the other visio is gone. */
static bool take_key(struct tui *tui, int key)
{
	if (tui->typing)
		return type(tui, key);
	const char *command = keys_command(key < 128 ? tolower(key) : key);
	tui->message[0] = '\0';
	/* Whom to invite is typed, as numbers are for the window. */
	bool invites = command && strcmp(command, "invite") == 0;
	if (key == ':' || invites) {
		tui->typing = true;
		snprintf(tui->command, sizeof tui->command, "%s", invites ? "invite " : "");
	} else if (command) {
		return obey(tui, command);
	}
	return true;
}

/* True: somebody left. False: the other visio is gone. */
static bool run(struct tui *tui)
{
	while (look(tui)) {
		draw(tui);
		int key = terminal_key(-1, LOOK_MS);
		for (; key; key = terminal_key(-1, 0)) {
			if (key == TERMINAL_KEY_END || (key == 'Q' && !tui->typing))
				return true;
			if (!take_key(tui, key))
				return false;
		}
	}
	return false;
}

int tui_run(const char *path)
{
	struct qv_error err = QV_ERROR_INIT;
	struct tui *tui = calloc(1, sizeof *tui);
	int status = 1;
	if (tui)
		tui->fd = control_socket_connect(path, &err);
	if (!tui || tui->fd < 0) {
		fprintf(stderr, "visio tui: %s\n", tui ? err.message : "no memory");
	} else if (terminal_enter(&err) != 0) {
		fprintf(stderr, "visio tui: %s\n", err.message);
		status = 2;
	} else {
		bool left = run(tui);
		terminal_leave();
		if (!left)
			printf("visio has ended\n");
		status = 0;
	}
	if (tui) {
		json_decref(tui->status);
		json_decref(tui->stats);
		if (tui->fd >= 0)
			close(tui->fd);
	}
	free(tui);
	return status;
}
