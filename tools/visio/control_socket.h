/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket of `visio`: a Unix stream socket that only this user can open. A client sends one command a line and
 * gets one line of JSON for each; after `events` it also gets a line for whatever happens.
 */
#ifndef VISIO_CONTROL_SOCKET_H
#define VISIO_CONTROL_SOCKET_H

#include <jansson.h>
#include <qvisio/error.h>
#include <qvisio/log.h>

#define CONTROL_LINE_MAX 1024

/* Whoever obeys the commands defines it around this. Called on the socket's own thread. */
struct commander {
	/* The answer to a command, a new reference; `line` has no newline and is text of any kind. */
	json_t *(*obey)(struct commander *commander, const char *line);
};

struct control_socket;

/* The usual path, in `room` bytes. QV_E_NOT_FOUND without $XDG_RUNTIME_DIR. */
int control_socket_path(char *path, size_t room, struct qv_error *err);

/* Listens and serves until free. A socket that nobody listens to any more is replaced. QV_E_BUSY: somebody does. */
struct control_socket *control_socket_new(const char *path, struct commander *commander, const struct qv_log *log,
					  struct qv_error *err);
void control_socket_free(struct control_socket *socket); /* NULL is fine; removes the path */

/* Tells all who asked for events; owns `event`. Any thread; `socket` may be NULL. */
void control_socket_tell(struct control_socket *socket, json_t *event);

/* A connection to whoever listens there. -1 with QV_E_NOT_FOUND. */
int control_socket_connect(const char *path, struct qv_error *err);

/* visio ctl: sends a command and prints the answer, after `events` whatever comes. Returns an exit status. */
int control_socket_ask(const char *path, const char *line);

#endif
