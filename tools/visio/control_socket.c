/* SPDX-License-Identifier: Apache-2.0 */
#include "control_socket.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS 8

struct client {
	int fd; /* -1: free */
	bool events;
	size_t used;
	char line[CONTROL_LINE_MAX];
};

struct control_socket {
	struct commander *commander;
	const struct qv_log *log;
	struct sockaddr_un address;
	int listener, stop_fd;
	pthread_t thread;
	pthread_mutex_t lock; /* of the clients */
	struct client clients[CLIENTS];
};

int control_socket_path(char *path, size_t room, struct qv_error *err)
{
	const char *folder = getenv("XDG_RUNTIME_DIR");
	if (!folder || folder[0] != '/')
		return qv_fail(
			err, QV_E_NOT_FOUND,
			"XDG_RUNTIME_DIR is not set: give the control socket a path (control = \"…\", --socket)");
	snprintf(path, room, "%s/visio.sock", folder);
	return 0;
}

static int make_address(const char *path, struct sockaddr_un *address, struct qv_error *err)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) + 1 >= sizeof address->sun_path)
		return qv_fail(err, QV_E_INVALID, "%s: too long for a Unix socket", path);
	memcpy(address->sun_path, path, strlen(path) + 1);
	return 0;
}

static int connect_to(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)address, sizeof *address) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Only a socket is replaced, and only one that nobody answers at. */
static int remove_stale(const struct sockaddr_un *address, struct qv_error *err)
{
	struct stat st;
	if (lstat(address->sun_path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return qv_fail(err, QV_E_IO, "%s: there is something that is no socket", address->sun_path);
	int fd = connect_to(address);
	if (fd >= 0) {
		close(fd);
		return qv_fail(err, QV_E_BUSY, "%s: another visio is in control there", address->sun_path);
	}
	unlink(address->sun_path);
	return 0;
}

static int start_listening(struct control_socket *control, struct qv_error *err)
{
	control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (control->listener < 0)
		return qv_fail_errno(err, QV_E_IO, errno, "making the control socket");
	/* The mode of the file follows the umask, which is the whole process's, and the descriptor's mode. */
	fchmod(control->listener, 0600);
	/* Whoever sees the socket can connect to it: it gets its name when it listens. */
	struct sockaddr_un before = control->address;
	strcat(before.sun_path, "~");
	unlink(before.sun_path);
	bool listens = bind(control->listener, (struct sockaddr *)(void *)&before, sizeof before) == 0 &&
		       chmod(before.sun_path, 0600) == 0 && listen(control->listener, CLIENTS) == 0 &&
		       link(before.sun_path, control->address.sun_path) == 0;
	int failure = errno;
	unlink(before.sun_path);
	if (!listens)
		return qv_fail_errno(err, QV_E_IO, failure, "%s: no control socket", control->address.sun_path);
	return 0;
}

static void drop(struct client *client)
{
	close(client->fd);
	*client = (struct client){ .fd = -1 };
}

/* A client that does not read what it asked for is dropped rather than waited for. */
static void send_line(struct client *client, const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	size_t size = text ? strlen(text) : 0;
	if (text)
		text[size] = '\n'; /* in place of the ending zero: the size is known */
	if (!text || send(client->fd, text, size + 1, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size + 1)
		drop(client);
	free(text);
}

static void obey(struct control_socket *control, struct client *client, char *line)
{
	if (strcmp(line, "events") == 0)
		client->events = true;
	pthread_mutex_unlock(&control->lock);
	json_t *answer = strcmp(line, "events") == 0 ? json_pack("{s:b}", "ok", 1)
						     : control->commander->obey(control->commander, line);
	pthread_mutex_lock(&control->lock);
	if (client->fd >= 0)
		send_line(client, answer);
	json_decref(answer);
}

static void take_lines(struct control_socket *control, struct client *client)
{
	char *end;
	while (client->fd >= 0 && (end = memchr(client->line, '\n', client->used))) {
		char line[CONTROL_LINE_MAX];
		size_t size = (size_t)(end - client->line);
		memcpy(line, client->line, size);
		line[size] = '\0';
		client->used -= size + 1;
		memmove(client->line, end + 1, client->used);
		obey(control, client, line);
	}
	if (client->fd >= 0 && client->used == sizeof client->line) {
		json_t *answer = json_pack("{s:b,s:s}", "ok", 0, "error", "the line is too long");
		send_line(client, answer);
		json_decref(answer);
		if (client->fd >= 0)
			drop(client);
	}
}

static void read_client(struct control_socket *control, struct client *client)
{
	ssize_t got = recv(client->fd, client->line + client->used, sizeof client->line - client->used, MSG_DONTWAIT);
	if (got > 0) {
		client->used += (size_t)got;
		take_lines(control, client);
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		drop(client);
	}
}

static void take_client(struct control_socket *control)
{
	int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	for (int i = 0; fd >= 0 && i < CLIENTS; i++)
		if (control->clients[i].fd < 0) {
			control->clients[i].fd = fd;
			return;
		}
	if (fd >= 0)
		close(fd);
}

static void *serve(void *argument)
{
	struct control_socket *control = argument;
	for (;;) {
		struct pollfd fds[2 + CLIENTS] = { { control->stop_fd, POLLIN, 0 }, { control->listener, POLLIN, 0 } };
		pthread_mutex_lock(&control->lock);
		for (int i = 0; i < CLIENTS; i++)
			fds[2 + i] = (struct pollfd){ control->clients[i].fd, POLLIN, 0 };
		pthread_mutex_unlock(&control->lock);
		if (poll(fds, 2 + CLIENTS, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents)
			return NULL;
		pthread_mutex_lock(&control->lock);
		for (int i = 0; i < CLIENTS; i++)
			if (fds[2 + i].revents && control->clients[i].fd == fds[2 + i].fd && fds[2 + i].fd >= 0)
				read_client(control, &control->clients[i]);
		if (fds[1].revents)
			take_client(control);
		pthread_mutex_unlock(&control->lock);
	}
}

struct control_socket *control_socket_new(const char *path, struct commander *commander, const struct qv_log *log,
					  struct qv_error *err)
{
	struct control_socket *control = calloc(1, sizeof *control);
	if (!control) {
		qv_fail(err, QV_E_NOMEM, "no memory for the control socket");
		return NULL;
	}
	control->commander = commander;
	control->log = log;
	control->listener = -1;
	for (int i = 0; i < CLIENTS; i++)
		control->clients[i].fd = -1;
	pthread_mutex_init(&control->lock, NULL);
	control->stop_fd = eventfd(0, EFD_CLOEXEC);
	int status = make_address(path, &control->address, err);
	if (status == 0)
		status = remove_stale(&control->address, err);
	if (status == 0)
		status = start_listening(control, err);
	if (status == 0) {
		int failed = pthread_create(&control->thread, NULL, serve, control);
		if (failed == 0)
			return control;
		qv_fail_errno(err, QV_E_IO, failed, "starting the thread of the control socket");
		unlink(path);
	}
	if (control->listener >= 0)
		close(control->listener);
	close(control->stop_fd);
	pthread_mutex_destroy(&control->lock);
	free(control);
	return NULL;
}

void control_socket_free(struct control_socket *control)
{
	if (!control)
		return;
	eventfd_write(control->stop_fd, 1);
	pthread_join(control->thread, NULL);
	unlink(control->address.sun_path);
	for (int i = 0; i < CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			close(control->clients[i].fd);
	close(control->listener);
	close(control->stop_fd);
	pthread_mutex_destroy(&control->lock);
	free(control);
}

void control_socket_tell(struct control_socket *control, json_t *event)
{
	if (control && event) {
		pthread_mutex_lock(&control->lock);
		for (int i = 0; i < CLIENTS; i++)
			if (control->clients[i].fd >= 0 && control->clients[i].events)
				send_line(&control->clients[i], event);
		pthread_mutex_unlock(&control->lock);
	}
	json_decref(event);
}

int control_socket_connect(const char *path, struct qv_error *err)
{
	struct sockaddr_un address;
	if (make_address(path, &address, err) != 0)
		return -1;
	int fd = connect_to(&address);
	if (fd < 0)
		qv_fail(err, QV_E_NOT_FOUND, "%s: no visio is in control there (%s)", path, strerror(errno));
	return fd;
}

int control_socket_ask(const char *path, const char *line)
{
	struct qv_error err = QV_ERROR_INIT;
	bool events = strcmp(line, "events") == 0;
	int fd = control_socket_connect(path, &err);
	FILE *stream = fd >= 0 ? fdopen(fd, "r+") : NULL;
	if (!stream) {
		fprintf(stderr, "visio ctl: %s\n", fd < 0 ? err.message : strerror(errno));
		return 1;
	}
	char *answer = NULL;
	size_t room = 0;
	int status = 1;
	fprintf(stream, "%s\n", line);
	fflush(stream);
	while (getline(&answer, &room, stream) > 0) {
		fputs(answer, stdout);
		fflush(stdout);
		if (status != 0) {
			json_t *json = json_loads(answer, 0, NULL);
			status = json_is_true(json_object_get(json, "ok")) ? 0 : 1;
			json_decref(json);
		}
		if (!events)
			break;
	}
	free(answer);
	fclose(stream);
	return status;
}
