/* SPDX-License-Identifier: Apache-2.0 */
#include "dialing.h"

#include <stdlib.h>
#include <string.h>

int dialing_call(struct visio *visio, const char *name, struct qv_error *err)
{
	const struct qv_options *contact = settings_contact(&visio->settings, name, err);
	struct qv_secure_session session;
	int fd;
	if (!contact || conversation_connect(&visio->settings, &visio->settings.host, contact, &session, &fd, err) != 0)
		return -1;
	struct conversation_plan plan = { .contact = contact, .peer = qv_options_string(contact, "name") };
	return conversation_run(visio, &plan, &session, fd, err);
}

struct dialing {
	struct visio *visio;
	char name[];
};

static void *dial(void *argument)
{
	struct dialing *dialing = argument;
	struct visio *visio = dialing->visio;
	struct qv_error err = QV_ERROR_INIT;
	if (dialing_call(visio, dialing->name, &err) != 0 && err.code != QV_E_CANCELLED) {
		qv_log_warning(visio->settings.log, "%s: %s", dialing->name, err.message);
		control_socket_tell(visio->control, json_pack("{s:s,s:s,s:o}", "event", "call-failed", "peer",
							      dialing->name, "error", json_string(err.message)));
	}
	free(dialing);
	pthread_mutex_lock(&visio->lock);
	visio->dialing = false;
	visio->threads--;
	pthread_cond_broadcast(&visio->changed);
	pthread_mutex_unlock(&visio->lock);
	return NULL;
}

int dialing_start(struct visio *visio, const char *name, struct qv_error *err)
{
	pthread_t thread;
	if (visio->dialing)
		return qv_fail(err, QV_E_BUSY, "somebody is being called already");
	if (!settings_contact(&visio->settings, name, err))
		return -1;
	size_t room = strlen(name) + 1;
	struct dialing *dialing = malloc(sizeof *dialing + room);
	if (!dialing)
		return qv_fail(err, QV_E_NOMEM, "no memory for a call");
	dialing->visio = visio;
	memcpy(dialing->name, name, room);
	int failed = pthread_create(&thread, NULL, dial, dialing);
	if (failed) {
		free(dialing);
		return qv_fail_errno(err, QV_E_IO, failed, "starting a thread for the call");
	}
	pthread_detach(thread);
	visio->dialing = true;
	visio->threads++;
	return 0;
}
