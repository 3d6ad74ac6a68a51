/* SPDX-License-Identifier: Apache-2.0 */
#include "callers.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "report.h"
#include "socket.h"

struct callers {
	struct app *app;
	pthread_mutex_t lock;
	pthread_cond_t gone;
	unsigned present; /* callers with a thread */
	unsigned limit;
	int room_fd;  /* readable while another caller may come in: an eventfd that counts free places */
	bool in_call; /* somebody has the call */
};

struct caller {
	struct callers *callers;
	int fd;
	char name[SOCKET_NAME_MAX];
};

struct callers *callers_new(struct app *app, struct qv_error *err)
{
	struct callers *callers = calloc(1, sizeof *callers);
	if (!callers) {
		qv_fail(err, QV_E_NOMEM, "no memory for callers");
		return NULL;
	}
	callers->app = app;
	callers->limit = (unsigned)qv_options_int(app->peer, "max_handshakes") + 1; /* and the one in the call */
	callers->room_fd = eventfd(callers->limit, EFD_CLOEXEC | EFD_SEMAPHORE);
	if (callers->room_fd < 0) {
		qv_fail_errno(err, QV_E_IO, errno, "making an event descriptor");
		free(callers);
		return NULL;
	}
	pthread_mutex_init(&callers->lock, NULL);
	pthread_cond_init(&callers->gone, NULL);
	return callers;
}

int callers_wait_for_room(struct callers *callers, struct qv_error *err)
{
	return qv_wait_fd(callers->room_fd, POLLIN, -1, callers->app->host.cancel_fd, err) < 0 ? -1 : 0;
}

static bool claim_call(struct callers *callers)
{
	pthread_mutex_lock(&callers->lock);
	bool mine = !callers->in_call;
	callers->in_call = true;
	pthread_mutex_unlock(&callers->lock);
	return mine;
}

static void release_call(struct callers *callers)
{
	pthread_mutex_lock(&callers->lock);
	callers->in_call = false;
	pthread_mutex_unlock(&callers->lock);
}

static void take_call(struct app *app, const struct qv_link *link, const struct qv_secure_session *session,
		      const char *name)
{
	struct report report;
	char title[SOCKET_NAME_MAX + 16];
	report_init(&report, app->line.common.stats, VISIO_SERVER, session, name);
	report_secured(&report);
	snprintf(title, sizeof title, "Qvisio: %s", name);
	struct qv_receive_plan plan = {
		.program = app_program(VISIO_SERVER),
		.video_sinks = app->video.devices,
		.video_sink_count = app->video.device_count,
		.audio_sinks = app->audio.devices,
		.audio_sink_count = app->audio.device_count,
		.video_codecs = &app->video.codec,
		.video_codec_count = app->video.codec.class ? 1 : 0,
		.audio_codecs = &app->audio.codec,
		.audio_codec_count = app->audio.codec.class ? 1 : 0,
		.title = title,
		.secured = session->secured,
		.secured_text = session->text,
	};
	struct qv_call_result result;
	struct qv_error err = QV_ERROR_INIT;
	int status = qv_call_receive(link, &plan, &app->host, &report.observer, &result, &err);
	if (status != 0)
		qv_log_error(app->log, "%s: %s", name, err.message);
	report_summary(&report, &result, status == 0 ? NULL : &err);
}

static void answer(struct callers *callers, struct caller *caller, const struct qv_secure_session *session)
{
	struct app *app = callers->app;
	struct qv_link link = { .tls = session->tls, .session = session->session, .fd = caller->fd };
	struct qv_error err = QV_ERROR_INIT;
	if (claim_call(callers)) {
		take_call(app, &link, session, caller->name);
		release_call(callers);
		return;
	}
	qv_log_info(app->log, "%s: told that this end is busy", caller->name);
	if (qv_call_refuse(&link, QV_REFUSE_BUSY, NULL, &app->host, &err) != 0)
		qv_log_warning(app->log, "%s: %s", caller->name, err.message);
	report_refused(app->line.common.stats, caller->name);
}

static void leave(struct callers *callers, struct caller *caller)
{
	close(caller->fd);
	free(caller);
	pthread_mutex_lock(&callers->lock);
	eventfd_write(callers->room_fd, 1);
	callers->present--;
	pthread_cond_signal(&callers->gone);
	pthread_mutex_unlock(&callers->lock);
}

static void *serve_caller(void *argument)
{
	struct caller *caller = argument;
	struct callers *callers = caller->callers;
	struct qv_secure_session session;
	struct qv_error err = QV_ERROR_INIT;
	if (qv_secure_accept(callers->app->secure, caller->fd, &session, &err) == 0) {
		answer(callers, caller, &session);
		qv_secure_session_clear(&session);
	} else if (err.code != QV_E_CANCELLED) {
		qv_log_warning(callers->app->log, "%s: %s", caller->name, err.message);
	}
	leave(callers, caller);
	return NULL;
}

void callers_add(struct callers *callers, int fd, const char *name)
{
	struct caller *caller = calloc(1, sizeof *caller);
	pthread_t thread;
	if (!caller) {
		qv_log_error(callers->app->log, "%s: no memory for another caller", name);
		close(fd);
		return;
	}
	*caller = (struct caller){ .callers = callers, .fd = fd };
	snprintf(caller->name, sizeof caller->name, "%s", name);
	eventfd_t place;
	eventfd_read(callers->room_fd, &place);
	pthread_mutex_lock(&callers->lock);
	callers->present++;
	pthread_mutex_unlock(&callers->lock);
	int failure = pthread_create(&thread, NULL, serve_caller, caller);
	if (failure == 0) {
		pthread_detach(thread);
		return;
	}
	qv_log_error(callers->app->log, "%s: no thread for another caller", name);
	leave(callers, caller);
}

void callers_free(struct callers *callers)
{
	if (!callers)
		return;
	pthread_mutex_lock(&callers->lock);
	while (callers->present > 0)
		pthread_cond_wait(&callers->gone, &callers->lock);
	pthread_mutex_unlock(&callers->lock);
	pthread_cond_destroy(&callers->gone);
	pthread_mutex_destroy(&callers->lock);
	close(callers->room_fd);
	free(callers);
}
