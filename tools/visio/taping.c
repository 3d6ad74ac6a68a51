/* SPDX-License-Identifier: Apache-2.0 */
#include "taping.h"

#include <string.h>

#include "mesh.h"

static int join(struct conversation *talk, struct qv_error *err)
{
	const struct qv_options *contact =
		talk->contact ? talk->contact : mesh_contact(talk->visio, talk->session.peer_sae);
	const char *name = contact ? qv_options_string(contact, "name") : talk->peer;
	if (talk->participant)
		name = talk->participant->name;
	return qv_call_control_record_to(talk->control, talk->visio->tape, name, err);
}

/* Who only rings is not there yet, and comes later. */
static int join_all(struct visio *visio, struct qv_error *err)
{
	bool any = false;
	for (size_t i = 0; i < visio->call_count; i++) {
		struct conversation *talk = visio->calls[i];
		if (strcmp(talk->state, "open") != 0)
			continue;
		if (join(talk, err) != 0)
			return qv_error_prefix(err, "%s", talk->peer);
		any = true;
	}
	return any ? 0 : qv_fail(err, QV_E_NOT_FOUND, "no call is open");
}

/* With the lock held. The tape is the caller's to finish. */
static struct qv_tape *take(struct visio *visio)
{
	struct qv_tape *tape = visio->tape;
	for (size_t i = 0; tape && i < visio->call_count; i++)
		if (qv_call_control_recording(visio->calls[i]->control))
			qv_call_control_record_stop(visio->calls[i]->control, NULL);
	visio->tape = NULL;
	return tape;
}

int taping_start(struct visio *visio, const char *path, struct qv_error *err)
{
	struct settings *settings = &visio->settings;
	if (visio->tape)
		return qv_fail(err, QV_E_BUSY, "it is recorded already: stop that first");
	qv_role_free(&visio->recorder);
	if (qv_role_load(settings->loader, NULL, "recorder", "matroska", &visio->recorder, err) != 0)
		return -1;
	visio->tape = qv_tape_new(&visio->recorder, path, &settings->host, err);
	if (visio->tape && join_all(visio, err) == 0)
		return 0;
	qv_tape_finish(take(visio), NULL);
	return -1;
}

int taping_stop(struct visio *visio, struct qv_error *err)
{
	if (!visio->tape)
		return qv_fail(err, QV_E_NOT_FOUND, "nothing is recorded");
	return qv_tape_finish(take(visio), err);
}

void taping_join(struct conversation *talk)
{
	struct qv_error why = QV_ERROR_INIT;
	if (talk->visio->tape && join(talk, &why) != 0)
		qv_log_warning(talk->visio->settings.log, "%s is not recorded: %s", talk->peer, why.message);
}

void taping_end(struct visio *visio)
{
	struct qv_error why = QV_ERROR_INIT;
	pthread_mutex_lock(&visio->lock);
	struct qv_tape *tape = visio->call_count == 0 && !visio->meeting ? take(visio) : NULL;
	pthread_mutex_unlock(&visio->lock);
	if (qv_tape_finish(tape, &why) != 0)
		qv_log_error(visio->settings.log, "%s", why.message);
}
