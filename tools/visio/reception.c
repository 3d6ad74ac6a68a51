/* SPDX-License-Identifier: Apache-2.0 */
#include "reception.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mesh.h"
#include "socket.h"

#define GREETING_MS  5000
#define VISITORS_MAX 16

struct visitor {
	struct visio *visio;
	int fd;
	char name[SOCKET_NAME_MAX];
};

static void receive_visitor(struct visitor *visitor, struct qv_error *err)
{
	struct visio *visio = visitor->visio;
	struct qv_secure_session session;
	if (qv_secure_accept(visio->settings.secure, visitor->fd, &session, err) != 0) {
		close(visitor->fd);
		return;
	}
	struct qv_link link = { session.tls, session.session, visitor->fd };
	uint8_t conference[QV_CONFERENCE_ID];
	struct qv_greeting *greeting = qv_greeting_read(&link, &visio->settings.host, GREETING_MS, err);
	if (!greeting) {
		qv_secure_session_clear(&session);
		close(visitor->fd);
	} else if (qv_greeting_attaches(greeting)) {
		conversation_attach(visio, &session, visitor->fd, greeting, err);
	} else if (qv_greeting_conference(greeting, conference)) {
		mesh_take(visio, conference, visitor->name, &session, visitor->fd, greeting, err);
	} else {
		struct conversation_plan plan = { .peer = visitor->name, .greeting = greeting };
		conversation_run(visio, &plan, &session, visitor->fd, err);
	}
	qv_greeting_free(greeting);
}

static void *serve_visitor(void *argument)
{
	struct visitor *visitor = argument;
	struct visio *visio = visitor->visio;
	struct qv_error err = QV_ERROR_INIT;
	receive_visitor(visitor, &err);
	if (err.code != QV_OK && err.code != QV_E_CANCELLED)
		qv_log_warning(visio->settings.log, "%s: %s", visitor->name, err.message);
	free(visitor);
	pthread_mutex_lock(&visio->lock);
	visio->threads--;
	pthread_cond_broadcast(&visio->changed);
	pthread_mutex_unlock(&visio->lock);
	return NULL;
}

/* False: too many are being served; they get time, and later ones another try. */
static bool admit(struct visio *visio)
{
	pthread_mutex_lock(&visio->lock);
	bool room = visio->threads < VISITORS_MAX;
	if (room)
		visio->threads++;
	pthread_mutex_unlock(&visio->lock);
	return room;
}

static void take_visitor(struct visio *visio, int fd, const char *name)
{
	struct visitor *visitor = calloc(1, sizeof *visitor);
	pthread_t thread;
	if (!visitor || !admit(visio)) {
		free(visitor);
		qv_log_warning(visio->settings.log, "%s: turned away, too many are calling", name);
		close(fd);
		return;
	}
	*visitor = (struct visitor){ .visio = visio, .fd = fd };
	snprintf(visitor->name, sizeof visitor->name, "%s", name);
	if (pthread_create(&thread, NULL, serve_visitor, visitor) == 0) {
		pthread_detach(thread);
		return;
	}
	qv_log_error(visio->settings.log, "%s: no thread for another caller", name);
	close(fd);
	free(visitor);
	pthread_mutex_lock(&visio->lock);
	visio->threads--;
	pthread_cond_broadcast(&visio->changed);
	pthread_mutex_unlock(&visio->lock);
}

static int open_listener(struct visio *visio, char name[SOCKET_NAME_MAX], struct qv_error *err)
{
	const struct qv_options *options = visio->settings.listen;
	char buffer[SOCKET_NAME_MAX];
	const char *host, *port;
	if (socket_split_address(qv_options_string(options, "address"), buffer, sizeof buffer, &host, &port, err) != 0)
		return qv_options_fail(options, "address", err, "%s", err->message);
	return socket_listen(host, port, name, SOCKET_NAME_MAX, err);
}

/* Until it is cancelled; then everybody is gone. */
static void take_visitors(struct visio *visio, int listener, struct qv_error *err)
{
	char name[SOCKET_NAME_MAX];
	for (int fd; (fd = socket_accept(listener, visio->settings.host.cancel_fd, name, sizeof name, err)) >= 0;)
		take_visitor(visio, fd, name);
	pthread_mutex_lock(&visio->lock);
	while (visio->threads > 0)
		pthread_cond_wait(&visio->changed, &visio->lock);
	pthread_mutex_unlock(&visio->lock);
}

int reception_listen(struct visio *visio, struct qv_error *err)
{
	char name[SOCKET_NAME_MAX];
	int listener = open_listener(visio, name, err);
	if (listener < 0)
		return -1;
	report_listening(visio->stats, name);
	take_visitors(visio, listener, err);
	close(listener);
	return err->code == QV_E_CANCELLED ? 0 : -1;
}

static void *receive_all(void *argument)
{
	struct visio *visio = argument;
	struct qv_error err = QV_ERROR_INIT;
	take_visitors(visio, visio->reception.listener, &err);
	return NULL;
}

void reception_open(struct visio *visio)
{
	struct reception *reception = &visio->reception;
	char name[SOCKET_NAME_MAX];
	struct qv_error why = QV_ERROR_INIT;
	if (visio->listens || reception->open)
		return;
	reception->listener = open_listener(visio, name, &why);
	if (reception->listener >= 0) {
		int failed = pthread_create(&reception->thread, NULL, receive_all, visio);
		reception->open = !failed;
		if (failed)
			qv_fail_errno(&why, QV_E_IO, failed, "starting a thread");
	}
	if (reception->open)
		return;
	if (reception->listener >= 0)
		close(reception->listener);
	qv_log_warning(visio->settings.log, "nobody can call here during the conference: %s", why.message);
}

void reception_close(struct visio *visio)
{
	if (!visio->reception.open)
		return;
	pthread_join(visio->reception.thread, NULL);
	close(visio->reception.listener);
	visio->reception.open = false;
}
