/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "growing.h"
#include "reception.h"

/* How often somebody is called who does not answer, and somebody who was lost. */
#define TRIES_NEW  4
#define TRIES_LOST 12
#define PAUSE_MS   500 /* before the second try; doubles, up to: */
#define PAUSE_MAX  8000

/* What peers tell makes us call at most so many at once, and one more after each pause: calls cost keys, and ring. */
#define CREDIT_MAX 10.0
#define CREDIT_S   10.0

#define REPLACE_S 10 /* that a lost call may take to end, when its peer is back */

bool mesh_stopped(const struct participant *participant)
{
	return participant->meeting->ending || participant->unwanted;
}

/* With the lock held: until `ms` have passed, the lock is given up meanwhile. */
static void pause_ms(const struct participant *participant, int ms)
{
	struct visio *visio = participant->meeting->visio;
	int64_t until = qv_clock_now(&qv_clock_monotonic) + ms * QV_NS_PER_MS;
	struct timespec deadline = { .tv_sec = (time_t)(until / QV_NS_PER_SECOND),
				     .tv_nsec = (long)(until % QV_NS_PER_SECOND) };
	while (!mesh_stopped(participant) && !participant->talk && qv_clock_now(&qv_clock_monotonic) < until)
		pthread_cond_timedwait(&visio->changed, &visio->lock, &deadline);
}

/* Whoever says no is not asked again. */
static bool is_final(const struct qv_error *why)
{
	return why->code == QV_E_BUSY || why->code == QV_E_DENIED || why->code == QV_E_UNSUPPORTED ||
	       why->code == QV_E_CANCELLED || why->code == QV_E_INVALID;
}

/* One try. 0: the call was, and is over as it should be. */
static int try_call(struct participant *participant, bool *opened, struct qv_error *err)
{
	struct meeting *meeting = participant->meeting;
	struct visio *visio = meeting->visio;
	struct qv_secure_session session;
	int fd;
	if (conversation_connect(&visio->settings, &visio->settings.host, participant->contact, &session, &fd, err) !=
	    0)
		return -1;
	struct conversation_plan plan = {
		.contact = participant->contact, .peer = participant->name, .participant = participant, .opened = opened
	};
	return conversation_run(visio, &plan, &session, fd, err);
}

void mesh_learn_self(struct visio *visio, const char *peer_sae)
{
	char self[QV_SAE_ID_MAX + 1];
	struct qv_error why = QV_ERROR_INIT;
	pthread_mutex_lock(&visio->lock);
	bool known = visio->self[0];
	pthread_mutex_unlock(&visio->lock);
	if (known || !peer_sae || !peer_sae[0])
		return;
	if (qv_secure_self(visio->settings.secure, peer_sae, self, &why) != 0) {
		qv_log_warning(visio->settings.log,
			       "who we are cannot be asked, so nobody is called for a conference: %s", why.message);
		return;
	}
	pthread_mutex_lock(&visio->lock);
	memcpy(visio->self, self, sizeof visio->self);
	pthread_mutex_unlock(&visio->lock);
}

/* With the lock held, and given up during each try. True: the call is over as it should be. */
static bool call_until_over(struct participant *participant)
{
	struct meeting *meeting = participant->meeting;
	struct visio *visio = meeting->visio;
	bool was_open = participant->was_open;
	for (int tries = 0, pause = PAUSE_MS; !mesh_stopped(participant) && !participant->talk; tries++) {
		struct qv_error why = QV_ERROR_INIT;
		bool opened = false;
		meeting_note(participant, was_open ? "calling again" : "calling");
		pthread_mutex_unlock(&visio->lock);
		mesh_learn_self(visio, qv_options_string(participant->contact, "sae_id"));
		int status = try_call(participant, &opened, &why);
		pthread_mutex_lock(&visio->lock);
		if (status == 0)
			return true;
		if (opened) {
			was_open = true;
			tries = 0;
			pause = PAUSE_MS;
		}
		if (mesh_stopped(participant) || participant->talk)
			break;
		meeting->failure = why;
		meeting_note(participant, why.message);
		if (why.code != QV_E_CANCELLED)
			qv_log_warning(visio->settings.log, "%s: %s", participant->name, why.message);
		if ((is_final(&why) && !was_open) || why.code == QV_E_CANCELLED ||
		    tries + 1 >= (was_open ? TRIES_LOST : TRIES_NEW))
			break;
		pause_ms(participant, pause);
		pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
	}
	return mesh_stopped(participant);
}

static bool is_lost(const struct participant *participant)
{
	return participant->talk && conversation_lost(participant->talk);
}

/* With the lock held: a peer has come back whose call we still think alive, or look for. */
static void replace(struct participant *participant)
{
	struct visio *visio = participant->meeting->visio;
	int64_t until = qv_clock_now(&qv_clock_monotonic) + REPLACE_S * QV_NS_PER_SECOND;
	struct timespec deadline = { .tv_sec = (time_t)(until / QV_NS_PER_SECOND) };
	if (participant->talk)
		qv_call_control_give_up(participant->talk->control);
	while (participant->talk && qv_clock_now(&qv_clock_monotonic) < until)
		pthread_cond_timedwait(&visio->changed, &visio->lock, &deadline);
}

static void *dial(void *argument)
{
	struct participant *participant = argument;
	struct meeting *meeting = participant->meeting;
	struct visio *visio = meeting->visio;
	pthread_mutex_lock(&visio->lock);
	if (is_lost(participant))
		replace(participant);
	bool over = call_until_over(participant);
	participant->dialing = false;
	if (over && meeting_idle(participant))
		meeting_dismiss(participant);
	pthread_mutex_unlock(&visio->lock);
	meeting_part(meeting);
	pthread_mutex_lock(&visio->lock);
	visio->threads--;
	pthread_cond_broadcast(&visio->changed);
	pthread_mutex_unlock(&visio->lock);
	return NULL;
}

void mesh_dial(struct participant *participant)
{
	struct meeting *meeting = participant->meeting;
	pthread_t thread;
	participant->dialing = true;
	participant->unwanted = false;
	meeting->users++;
	meeting->visio->threads++;
	if (pthread_create(&thread, NULL, dial, participant) == 0) {
		pthread_detach(thread);
		return;
	}
	participant->dialing = false;
	meeting->users--;
	meeting->visio->threads--;
	meeting_note(participant, "there is no thread to call");
}

const struct qv_options *mesh_contact(const struct visio *visio, const char *sae)
{
	for (size_t i = 0; i < visio->settings.contact_count; i++) {
		const char *has = qv_options_string(visio->settings.contacts[i], "sae_id");
		if (has && strcmp(has, sae) == 0)
			return visio->settings.contacts[i];
	}
	return NULL;
}

static int invite(struct meeting *meeting, const struct qv_options *contact, struct qv_error *err)
{
	const char *sae = qv_options_string(contact, "sae_id"), *name = qv_options_string(contact, "name");
	struct participant *participant = meeting_find(meeting, sae ? sae : "", name);
	if (participant && !meeting_idle(participant))
		return qv_fail(err, QV_E_INVALID, "%s is in it, or being called, already", name);
	if (!participant)
		participant = meeting_admit(meeting, sae ? sae : "", name, contact, err);
	if (!participant)
		return -1;
	mesh_dial(participant);
	return 0;
}

int mesh_invite(struct visio *visio, const char *name, struct qv_error *err)
{
	const struct qv_options *contact = settings_contact(&visio->settings, name, err);
	if (!contact)
		return -1;
	if (!visio->meeting && growing_invite(visio, contact, err) != 0)
		return -1;
	if (visio->meeting->opening || visio->meeting->ending)
		return qv_fail(err, QV_E_BUSY, "the conference is just beginning or ending");
	return invite(visio->meeting, contact, err);
}

int mesh_call(struct visio *visio, char *const *names, size_t count, struct qv_error *err)
{
	const struct qv_options *contacts[CALLS_MAX];
	uint8_t id[QV_CONFERENCE_ID];
	if (count > CALLS_MAX)
		return qv_fail(err, QV_E_INVALID, "a conference has room for %d others", CALLS_MAX);
	for (size_t i = 0; i < count; i++)
		if (!(contacts[i] = settings_contact(&visio->settings, names[i], err)))
			return -1;
	if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id)
		return qv_fail(err, QV_E_IO, "no random bytes for the ID of a conference");
	struct meeting *meeting = meeting_join(visio, id, err);
	if (!meeting)
		return -1;
	int status = 0;
	pthread_mutex_lock(&visio->lock);
	reception_open(visio);
	for (size_t i = 0; i < count && status == 0; i++)
		status = invite(meeting, contacts[i], err);
	if (status != 0)
		meeting_end(meeting);
	while (visio->threads > 0)
		pthread_cond_wait(&visio->changed, &visio->lock);
	if (status == 0 && !meeting->any_open && !meeting->ending) {
		*err = meeting->failure;
		status = -1;
	}
	pthread_mutex_unlock(&visio->lock);
	meeting_part(meeting);
	return status;
}

/* Of two that call each other at the same time, the one with the smaller SAE ID does. */
static bool is_calling_first(const struct participant *participant)
{
	const struct visio *visio = participant->meeting->visio;
	const struct conversation *talk = participant->talk;
	return talk && talk->contact && !participant->open && visio->self[0] &&
	       strcmp(visio->self, participant->sae) < 0;
}

/* With the lock held: the place of whoever is calling. */
static struct participant *receive(struct meeting *meeting, const char *address,
				   const struct qv_secure_session *session, struct qv_error *err)
{
	const struct qv_options *contact = mesh_contact(meeting->visio, session->peer_sae);
	const char *name = contact                ? qv_options_string(contact, "name")
			   : session->peer_sae[0] ? session->peer_sae
						  : address;
	struct participant *participant = meeting_find(meeting, session->peer_sae, name);
	if (!participant)
		participant = meeting_admit(meeting, session->peer_sae, name, contact, err);
	if (!participant)
		return NULL;
	if (is_calling_first(participant)) {
		qv_fail(err, QV_E_BUSY, "%s is being called from here", participant->name);
		return NULL;
	}
	participant->serving++; /* so that it stays while the lock is given up */
	replace(participant);
	return participant;
}

/* The call as part of the conference; whoever is called into one first may be asked, later ones are not. */
static int take(struct meeting *meeting, const char *address, struct qv_secure_session *session, int fd,
		const struct qv_greeting *greeting, struct qv_error *err)
{
	struct visio *visio = meeting->visio;
	mesh_learn_self(visio, session->peer_sae);
	pthread_mutex_lock(&visio->lock);
	struct participant *participant = receive(meeting, address, session, err);
	struct conversation_plan plan = { .participant = participant,
					  .peer = participant ? participant->name : address,
					  .greeting = greeting,
					  .known = meeting->any_open };
	pthread_mutex_unlock(&visio->lock);
	int status = conversation_run(visio, &plan, session, fd, err);
	pthread_mutex_lock(&visio->lock);
	if (participant)
		participant->serving--;
	if (participant && meeting_idle(participant)) {
		if (status == 0 || mesh_stopped(participant))
			meeting_dismiss(participant);
		else
			meeting_note(participant, err->message);
	}
	pthread_mutex_unlock(&visio->lock);
	return status;
}

/* Who was lost here and calls anew means this conference, though it does not know that it goes on. */
static void choose_id(struct visio *visio, const char *peer_sae, uint8_t id[QV_CONFERENCE_ID])
{
	pthread_mutex_lock(&visio->lock);
	struct meeting *meeting = visio->meeting;
	const struct participant *lost = meeting && peer_sae[0] ? meeting_find(meeting, peer_sae, "") : NULL;
	if (lost && lost->was_open && (!lost->open || is_lost(lost)))
		memcpy(id, meeting->id, QV_CONFERENCE_ID);
	pthread_mutex_unlock(&visio->lock);
}

int mesh_take(struct visio *visio, const uint8_t told[QV_CONFERENCE_ID], const char *address,
	      struct qv_secure_session *session, int fd, const struct qv_greeting *greeting, struct qv_error *err)
{
	uint8_t id[QV_CONFERENCE_ID];
	memcpy(id, told, sizeof id);
	choose_id(visio, session->peer_sae, id);
	struct meeting *meeting = meeting_join(visio, id, err);
	if (!meeting) {
		conversation_turn_away(visio, session, fd);
		return -1;
	}
	int status = take(meeting, address, session, fd, greeting, err);
	meeting_part(meeting);
	return status;
}

void mesh_opened(struct conversation *talk, const uint8_t *id)
{
	struct participant *participant = talk->participant;
	/* We are back in a conference that has gone on without us: its ID is the one to go by. Only the first peer may say so. */
	if (id && talk->contact && !participant->meeting->any_open)
		memcpy(participant->meeting->id, id, QV_CONFERENCE_ID);
	participant->open = participant->was_open = participant->joined = true;
	participant->heard = false;
	participant->meeting->any_open = true;
	participant->roster.count = 0;
	meeting_note(participant, "");
	meeting_changed(participant->meeting);
}

static bool has(const struct qv_roster *roster, const char *sae)
{
	for (size_t i = 0; i < roster->count; i++)
		if (strcmp(roster->sae[i], sae) == 0)
			return true;
	return false;
}

static bool has_credit(struct meeting *meeting)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	double earned = meeting->credited_ns ? (double)(now - meeting->credited_ns) / 1e9 / CREDIT_S : CREDIT_MAX;
	meeting->credit = meeting->credit + earned < CREDIT_MAX ? meeting->credit + earned : CREDIT_MAX;
	meeting->credited_ns = now;
	if (meeting->credit < 1)
		return false;
	meeting->credit--;
	return true;
}

/* Somebody who is in the conference, as a peer says. */
static void heard_of(struct meeting *meeting, const char *sae)
{
	struct visio *visio = meeting->visio;
	const struct qv_options *contact = mesh_contact(visio, sae);
	struct participant *participant = meeting_find(meeting, sae, "");
	if (strcmp(sae, visio->self) == 0 || !visio->self[0] || meeting->ending)
		return;
	/* Who called here, was lost, and is back without having come back to that call, has it no more. */
	bool returned = participant && is_lost(participant) && !participant->dialing;
	if (participant && !meeting_idle(participant) && !returned)
		return;
	if (!participant)
		participant =
			meeting_admit(meeting, sae, contact ? qv_options_string(contact, "name") : sae, contact, NULL);
	if (!participant)
		return;
	participant->heard = !returned;
	if (strcmp(visio->self, sae) > 0)
		meeting_note(participant, "is to call here");
	else if (!contact)
		meeting_note(participant, "not among your contacts, so not called");
	else if (has_credit(meeting))
		mesh_dial(participant);
	else
		meeting_note(participant, "not called: too many were, of whom others told");
}

/* Nobody tells of somebody any more, with whom there is no call. */
static void forget(struct meeting *meeting)
{
	for (size_t i = 0; i < CALLS_MAX; i++) {
		struct participant *participant = &meeting->participants[i];
		bool told = false;
		for (size_t k = 0; k < CALLS_MAX; k++)
			told = told || (meeting->participants[k].open &&
					has(&meeting->participants[k].roster, participant->sae));
		if (participant->meeting && participant->heard && !told && meeting_idle(participant))
			meeting_dismiss(participant);
	}
}

/* Two conferences that meet go by one ID. */
static void agree(struct participant *peer, const struct qv_roster *roster)
{
	struct meeting *meeting = peer->meeting;
	int other = roster->named ? memcmp(roster->conference, meeting->id, sizeof meeting->id) : 1;
	bool joins = roster->named && !peer->joined;
	if (other < 0)
		memcpy(meeting->id, roster->conference, sizeof meeting->id);
	peer->joined = peer->joined || joins;
	if (other < 0 || joins)
		meeting_changed(meeting);
}

void mesh_heard(struct conversation *talk, const struct qv_roster *roster)
{
	struct participant *peer = talk->participant;
	struct qv_roster before = peer->roster;
	peer->roster = *roster;
	agree(peer, roster);
	for (size_t i = 0; i < roster->count; i++)
		if (!has(&before, roster->sae[i]))
			heard_of(peer->meeting, roster->sae[i]);
	forget(peer->meeting);
}

void mesh_hear_again(struct meeting *meeting)
{
	for (size_t i = 0; i < CALLS_MAX; i++) {
		const struct participant *peer = &meeting->participants[i];
		for (size_t k = 0; peer->open && k < peer->roster.count; k++) {
			const struct participant *told = meeting_find(meeting, peer->roster.sae[k], "");
			if (!told || meeting_idle(told))
				heard_of(meeting, peer->roster.sae[k]);
		}
	}
}

int mesh_last(struct visio *visio, int status, struct qv_error *err)
{
	bool grown = false;
	pthread_mutex_lock(&visio->lock);
	for (; visio->meeting; grown = true)
		pthread_cond_wait(&visio->changed, &visio->lock);
	pthread_mutex_unlock(&visio->lock);
	if (grown)
		*err = (struct qv_error)QV_ERROR_INIT;
	return grown ? 0 : status;
}
