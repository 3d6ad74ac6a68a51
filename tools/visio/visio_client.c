/* SPDX-License-Identifier: Apache-2.0 */
/* Captures picture and sound and sends them to a visio_server. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app.h"
#include "report.h"
#include "socket.h"

static int call(struct app *app, int fd, const char *name, struct qv_secure_session *session, struct qv_error *err)
{
	struct report report;
	report_init(&report, app->line.common.stats, VISIO_CLIENT, session, name);
	report_secured(&report);
	const struct medium *video = &app->video, *audio = &app->audio;
	struct qv_link link = { .tls = session->tls, .session = session->session, .fd = fd };
	struct qv_send_plan plan = {
		.program = app_program(VISIO_CLIENT),
		.video_source = video->device_count ? video->devices : NULL,
		.video_codecs = &video->codec,
		.video_codec_count = 1,
		.audio_source = audio->device_count ? audio->devices : NULL,
		.audio_codecs = &audio->codec,
		.audio_codec_count = 1,
	};
	struct qv_call_result result;
	int status = qv_call_send(&link, &plan, &app->host, &report.observer, &result, err);
	report_summary(&report, &result, status == 0 ? NULL : err);
	return status;
}

static int connect_and_call(struct app *app, struct qv_error *err)
{
	const char *host = qv_options_string(app->peer, "host");
	const char *sae_id = qv_options_string(app->peer, "sae_id");
	int timeout = (int)qv_options_int(app->peer, "connect_timeout");
	char port[8], name[SOCKET_NAME_MAX];
	snprintf(port, sizeof port, "%d", (int)qv_options_int(app->peer, "port"));
	snprintf(name, sizeof name, "%s:%s", host, port);
	int fd = socket_connect(host, port, qv_options_string(app->peer, "congestion_control"), timeout,
				app->host.cancel_fd, err);
	if (fd < 0)
		return -1;
	struct qv_secure_session session;
	int status = qv_secure_connect(app->secure, fd, host, sae_id, &session, err);
	if (status == 0) {
		status = call(app, fd, name, &session, err);
		qv_secure_session_clear(&session);
	} else {
		qv_error_prefix(err, "%s", name);
	}
	close(fd);
	return status;
}

static int exit_status(const struct qv_error *err, bool opened)
{
	if (!opened)
		return err->code == QV_E_CONFIG || err->code == QV_E_MODULE ? EXIT_USAGE : EXIT_CALL_FAILED;
	return err->code == QV_E_BUSY ? EXIT_PEER_BUSY : EXIT_CALL_FAILED;
}

int main(int argc, char **argv)
{
	struct app app = { .log = NULL };
	struct qv_error err = QV_ERROR_INIT;
	int status = command_line_parse(argc, argv, VISIO_CLIENT, &app.line);
	if (status >= 0)
		return status;
	bool opened = (app.line.common.check ? app_configure : app_open)(&app, VISIO_CLIENT, &err) == 0;
	status = EXIT_SUCCESS;
	if ((!opened || (!app.line.common.check && connect_and_call(&app, &err) != 0)) &&
	    !(opened && err.code == QV_E_CANCELLED)) {
		qv_log_error(app.log, "%s", err.message);
		status = exit_status(&err, opened);
	}
	app_close(&app);
	return status;
}
