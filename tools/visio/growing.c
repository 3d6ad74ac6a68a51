/* SPDX-License-Identifier: Apache-2.0 */
#include "growing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "happenings.h"
#include "reception.h"

/* The call goes over from its own devices to those that all calls share. */
static int seat(struct meeting *meeting, struct conversation *talk, struct qv_error *err)
{
	const char *sae = talk->session.peer_sae;
	const struct qv_options *contact = talk->contact ? talk->contact : mesh_contact(talk->visio, sae);
	const char *name = contact ? qv_options_string(contact, "name") : sae[0] ? sae : talk->peer;
	struct participant *participant = meeting_admit(meeting, sae, name, contact, err);
	if (!participant)
		return -1;
	participant->talk = talk;
	participant->open = participant->was_open = meeting->any_open = true;
	participant->serving = 1; /* until growing_over */
	talk->participant = participant;
	memcpy(talk->conference, meeting->id, sizeof talk->conference);
	qv_call_control_seat(talk->control, qv_seat_roles(participant->seat));
	return 0;
}

struct introduction {
	struct meeting *meeting;
	char sae[QV_SAE_ID_MAX + 1];
};

/* Who we are decides who calls whom, and to learn it takes a while. */
static void *introduce(void *argument)
{
	struct introduction *introduction = argument;
	struct meeting *meeting = introduction->meeting;
	struct visio *visio = meeting->visio;
	mesh_learn_self(visio, introduction->sae);
	pthread_mutex_lock(&visio->lock);
	mesh_hear_again(meeting);
	pthread_mutex_unlock(&visio->lock);
	free(introduction);
	meeting_part(meeting);
	pthread_mutex_lock(&visio->lock);
	visio->threads--;
	pthread_cond_broadcast(&visio->changed);
	pthread_mutex_unlock(&visio->lock);
	return NULL;
}

static void start_introduction(struct meeting *meeting, const char *sae)
{
	struct introduction *introduction = calloc(1, sizeof *introduction);
	pthread_t thread;
	if (introduction) {
		introduction->meeting = meeting;
		memcpy(introduction->sae, sae, sizeof introduction->sae);
	}
	if (!introduction || pthread_create(&thread, NULL, introduce, introduction) != 0) {
		qv_log_warning(meeting->visio->settings.log, "there is no thread to ask who we are");
		free(introduction);
		return;
	}
	pthread_detach(thread);
	meeting->users++;
	meeting->visio->threads++;
}

static int grow(struct conversation *talk, const uint8_t id[QV_CONFERENCE_ID], struct qv_error *err)
{
	struct visio *visio = talk->visio;
	struct meeting *meeting = meeting_grow(visio, id, err);
	if (!meeting)
		return -1;
	if (seat(meeting, talk, err) != 0) {
		meeting_drop(meeting);
		return -1;
	}
	reception_open(visio);
	start_introduction(meeting, talk->session.peer_sae);
	happening_tell_conference(talk);
	return 0;
}

int growing_invite(struct visio *visio, const struct qv_options *contact, struct qv_error *err)
{
	uint8_t id[QV_CONFERENCE_ID];
	const char *sae = qv_options_string(contact, "sae_id");
	struct conversation *talk = visio->call_count > 0 ? visio->calls[0] : NULL;
	if (!talk)
		return qv_fail(err, QV_E_NOT_FOUND, "there is no call");
	if (strcmp(talk->state, "open") != 0)
		return qv_fail(err, QV_E_BUSY, "the call with %s is not open", talk->peer);
	if (talk->contact == contact || (sae && strcmp(sae, talk->session.peer_sae) == 0))
		return qv_fail(err, QV_E_INVALID, "the call is with %s", qv_options_string(contact, "name"));
	if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id)
		return qv_fail(err, QV_E_IO, "no random bytes for the ID of a conference");
	if (grow(talk, id, err) != 0)
		return -1;
	meeting_changed(visio->meeting);
	return 0;
}

void growing_heard(struct conversation *talk, const struct qv_roster *roster)
{
	struct qv_error why = QV_ERROR_INIT;
	if (!roster->named)
		return;
	if (grow(talk, roster->conference, &why) != 0) {
		qv_log_warning(talk->visio->settings.log, "%s makes the call a conference, without us: %s", talk->peer,
			       why.message);
		return;
	}
	mesh_heard(talk, roster);
}

void growing_over(struct conversation *talk, int status, const struct qv_error *err)
{
	struct visio *visio = talk->visio;
	struct participant *participant = talk->participant;
	struct meeting *meeting = participant->meeting;
	pthread_mutex_lock(&visio->lock);
	participant->serving--;
	if (meeting_idle(participant)) {
		if (status == 0 || mesh_stopped(participant))
			meeting_dismiss(participant);
		else if (talk->contact)
			mesh_dial(participant);
		else
			meeting_note(participant, err->message);
	}
	pthread_mutex_unlock(&visio->lock);
	meeting_part(meeting);
}
