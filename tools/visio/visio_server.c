/* SPDX-License-Identifier: Apache-2.0 */
/* Shows and plays what one visio_client after another sends. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app.h"
#include "callers.h"
#include "report.h"
#include "socket.h"

static int listen_on(const struct app *app, char *name, size_t room, struct qv_error *err)
{
	char buffer[SOCKET_NAME_MAX];
	const char *host, *port;
	const char *address = qv_options_string(app->peer, "address");
	if (socket_split_address(address, buffer, sizeof buffer, &host, &port, err) != 0)
		return qv_options_fail(app->peer, "address", err, "%s", err->message);
	return socket_listen(host, port, name, room, err);
}

/* Each caller gets a thread, so that a slow or silent one holds up nobody; the thread decides whether it is a call. */
static int serve(struct app *app, int listener, struct qv_error *err)
{
	struct callers *callers = callers_new(app, err);
	if (!callers)
		return -1;
	int status;
	do {
		char name[SOCKET_NAME_MAX];
		status = callers_wait_for_room(callers, err);
		int fd = status == 0 ? socket_accept(listener, app->host.cancel_fd, name, sizeof name, err) : -1;
		if (fd < 0)
			status = -1;
		else
			callers_add(callers, fd, name);
	} while (status == 0);
	callers_free(callers);
	return err->code == QV_E_CANCELLED ? 0 : -1;
}

static int run(struct app *app, struct qv_error *err)
{
	char name[SOCKET_NAME_MAX];
	int listener = listen_on(app, name, sizeof name, err);
	if (listener < 0)
		return -1;
	report_listening(app->line.common.stats, name);
	int status = serve(app, listener, err);
	close(listener);
	return status;
}

int main(int argc, char **argv)
{
	struct app app = { .log = NULL };
	struct qv_error err = QV_ERROR_INIT;
	int status = command_line_parse(argc, argv, VISIO_SERVER, &app.line);
	if (status >= 0)
		return status;
	status = EXIT_SUCCESS;
	bool opened = (app.line.common.check ? app_configure : app_open)(&app, VISIO_SERVER, &err) == 0;
	if (!opened || (!app.line.common.check && run(&app, &err) != 0)) {
		qv_log_error(app.log, "%s", err.message);
		status = err.code == QV_E_CONFIG || err.code == QV_E_MODULE ? EXIT_USAGE : EXIT_CALL_FAILED;
	}
	app_close(&app);
	return status;
}
