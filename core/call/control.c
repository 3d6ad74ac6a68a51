/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/conference.h>

#define FAREWELL_MS 3000 /* for the peer to read it */

struct qv_call_control *qv_call_control_new(struct qv_error *err)
{
	struct qv_call_control *control = calloc(1, sizeof *control);
	if (!control) {
		qv_fail(err, QV_E_NOMEM, "no memory for the control of a call");
		return NULL;
	}
	pthread_mutex_init(&control->lock, NULL);
	recording_init(&control->recording);
	window_init(&control->window);
	return control;
}

static void resumption_clear(struct resumption *resumption)
{
	qv_secret_free(resumption->current);
	qv_secret_free(resumption->previous);
	qv_secret_free(resumption->next);
	*resumption = (struct resumption){ 0 };
}

void qv_call_control_free(struct qv_call_control *control)
{
	if (!control)
		return;
	qv_secret_free(control->token);
	resumption_clear(&control->resumption);
	recording_clear(&control->recording);
	window_clear(&control->window);
	pthread_mutex_destroy(&control->lock);
	free(control);
}

static void wake(struct qv_call_control *control)
{
	if (control->connection)
		connection_wake(control->connection);
}

void qv_call_control_answer(struct qv_call_control *control, bool take)
{
	pthread_mutex_lock(&control->lock);
	if (!control->answered)
		control->taken = take;
	control->answered = true;
	wake(control);
	pthread_mutex_unlock(&control->lock);
}

void qv_call_control_hang_up(struct qv_call_control *control)
{
	pthread_mutex_lock(&control->lock);
	control->hang_up = true;
	wake(control);
	pthread_mutex_unlock(&control->lock);
}

void qv_call_control_give_up(struct qv_call_control *control)
{
	pthread_mutex_lock(&control->lock);
	control->hang_up = control->given_up = true;
	wake(control);
	pthread_mutex_unlock(&control->lock);
}

void qv_call_control_mute(struct qv_call_control *control, enum qv_stream_kind kind, bool muted)
{
	atomic_store(&control->switches.muted[kind], muted);
	pthread_mutex_lock(&control->lock);
	wake(control);
	pthread_mutex_unlock(&control->lock);
}

bool qv_call_control_muted(const struct qv_call_control *control, enum qv_stream_kind kind)
{
	return atomic_load(&control->switches.muted[kind]);
}

void qv_call_control_renew(struct qv_call_control *control)
{
	pthread_mutex_lock(&control->lock);
	control->renew = true;
	wake(control);
	pthread_mutex_unlock(&control->lock);
}

void qv_call_control_roster(struct qv_call_control *control, const struct qv_roster *roster)
{
	pthread_mutex_lock(&control->lock);
	control->roster = *roster;
	control->tell_roster = control->has_roster = true;
	wake(control);
	pthread_mutex_unlock(&control->lock);
}

void control_tell_roster_again(struct qv_call_control *control)
{
	pthread_mutex_lock(&control->lock);
	control->tell_roster = control->has_roster;
	pthread_mutex_unlock(&control->lock);
}

bool control_take_roster(struct qv_call_control *control, struct qv_roster *roster)
{
	pthread_mutex_lock(&control->lock);
	bool has = control->tell_roster;
	control->tell_roster = false;
	if (has)
		*roster = control->roster;
	pthread_mutex_unlock(&control->lock);
	return has;
}

void qv_call_control_source(struct qv_call_control *control, enum qv_stream_kind kind, const struct qv_role *role)
{
	pthread_mutex_lock(&control->lock);
	control->source[kind] = role;
	atomic_fetch_add(&control->switches.source_set[kind], 1);
	pthread_mutex_unlock(&control->lock);
}

void qv_call_control_audio_sink(struct qv_call_control *control, const struct qv_role *role)
{
	pthread_mutex_lock(&control->lock);
	control->audio_sink = role;
	atomic_fetch_add(&control->switches.audio_sink_set, 1);
	pthread_mutex_unlock(&control->lock);
}

void qv_call_control_seat(struct qv_call_control *control, const struct qv_seat_roles *roles)
{
	pthread_mutex_lock(&control->lock);
	control->seated = true;
	control->source[QV_STREAM_VIDEO] = &roles->video_source;
	control->source[QV_STREAM_AUDIO] = &roles->audio_source;
	control->video_sink = &roles->video_sink;
	control->audio_sink = &roles->audio_sink;
	if (roles->video_source.class)
		atomic_fetch_add(&control->switches.source_set[QV_STREAM_VIDEO], 1);
	if (roles->audio_source.class)
		atomic_fetch_add(&control->switches.source_set[QV_STREAM_AUDIO], 1);
	if (roles->video_sink.class)
		atomic_fetch_add(&control->switches.video_sink_set, 1);
	if (roles->audio_sink.class)
		atomic_fetch_add(&control->switches.audio_sink_set, 1);
	pthread_mutex_unlock(&control->lock);
}

bool control_seated(struct qv_call_control *control)
{
	pthread_mutex_lock(&control->lock);
	bool seated = control->seated;
	pthread_mutex_unlock(&control->lock);
	return seated;
}

const struct qv_role *control_audio_sink(struct qv_call_control *control, bool *seated)
{
	pthread_mutex_lock(&control->lock);
	const struct qv_role *role = control->audio_sink;
	*seated = control->seated;
	pthread_mutex_unlock(&control->lock);
	return role;
}

const struct qv_role *control_video_sink(struct qv_call_control *control)
{
	pthread_mutex_lock(&control->lock);
	const struct qv_role *role = control->video_sink;
	pthread_mutex_unlock(&control->lock);
	return role;
}

const struct qv_role *control_source(struct qv_call_control *control, enum qv_stream_kind kind)
{
	pthread_mutex_lock(&control->lock);
	const struct qv_role *role = control->source[kind];
	pthread_mutex_unlock(&control->lock);
	return role;
}

void control_bind(struct qv_call_control *control, struct connection *connection, struct qv_call_renewal *renewal)
{
	pthread_mutex_lock(&control->lock);
	control->connection = connection;
	control->renewal = renewal;
	wake(control); /* for what was asked before the call began */
	pthread_mutex_unlock(&control->lock);
}

/* With the lock held. */
static void drop_next(struct qv_call_control *control)
{
	if (control->has_next)
		control->renewal->release(control->renewal, &control->next);
	control->has_next = control->resumption.asked = false;
}

void control_unbind(struct qv_call_control *control, bool untold)
{
	pthread_mutex_lock(&control->lock);
	drop_next(control);
	control->connection = NULL;
	control->renewal = NULL;
	qv_secret_free(control->token);
	control->token = NULL;
	control->resumption.left = untold && control->resumption.open;
	if (!control->resumption.left)
		resumption_clear(&control->resumption);
	pthread_mutex_unlock(&control->lock);
}

void control_set_token(struct qv_call_control *control, struct qv_secret *token)
{
	pthread_mutex_lock(&control->lock);
	qv_secret_free(control->token);
	control->token = token;
	pthread_mutex_unlock(&control->lock);
}

bool control_take_next(struct qv_call_control *control, struct qv_link *link, struct qv_call_security *security)
{
	pthread_mutex_lock(&control->lock);
	bool has = control->has_next && !control->resumption.asked;
	if (has) {
		*link = control->next;
		*security = control->next_security;
	}
	if (has)
		control->has_next = false;
	qv_secret_free(control->token);
	control->token = NULL;
	pthread_mutex_unlock(&control->lock);
	return has;
}

void control_open_resumption(struct qv_call_control *control, struct qv_secret *token, bool proven)
{
	struct resumption *resumption = &control->resumption;
	pthread_mutex_lock(&control->lock);
	if (!resumption->previous || proven) {
		qv_secret_free(resumption->previous);
		resumption->previous = resumption->current;
	} else {
		qv_secret_free(resumption->current);
	}
	qv_secret_free(resumption->next);
	resumption->next = NULL;
	resumption->current = token;
	resumption->open = token != NULL;
	pthread_mutex_unlock(&control->lock);
}

bool control_take_resumed(struct qv_call_control *control, struct qv_link *link, struct qv_call_security *security,
			  uint32_t *generation)
{
	pthread_mutex_lock(&control->lock);
	bool has = control->has_next && control->resumption.asked;
	if (has) {
		*link = control->next;
		*security = control->next_security;
		*generation = control->resumption.generation;
		control->has_next = control->resumption.asked = false;
	}
	pthread_mutex_unlock(&control->lock);
	return has;
}

struct control_asked control_asked(struct qv_call_control *control)
{
	pthread_mutex_lock(&control->lock);
	struct control_asked asked = { control->answered, control->taken, control->hang_up, control->renew,
				       control->given_up };
	control->renew = false;
	pthread_mutex_unlock(&control->lock);
	return asked;
}

static bool is_known(const struct qv_call_control *control, const struct qv_secret *shown, bool resumes)
{
	const struct resumption *resumption = &control->resumption;
	if (!resumes)
		return control->token && qv_secret_equal(shown, control->token);
	const struct qv_secret *known[] = { resumption->current, resumption->previous, resumption->next };
	bool found = false;
	for (size_t i = 0; resumption->open && i < sizeof known / sizeof known[0]; i++)
		found |= known[i] && qv_secret_equal(shown, known[i]);
	return found;
}

struct attaching {
	bool resumes;
	uint32_t generation;
};

static int check_token(const struct qv_call_control *control, const struct qv_greeting *greeting,
		       struct attaching *attaching, struct qv_error *err)
{
	struct qv_record record;
	const uint8_t *token;
	*attaching = (struct attaching){ 0 };
	if (qv_record_parse(greeting->bytes, greeting->size, &record, err) != 1 || record.type != QV_RECORD_ATTACH ||
	    qv_attach_decode(record.payload, record.size, &token, err) != 0 ||
	    greeting->size != QV_RECORD_HEADER + record.size)
		return qv_fail(err, QV_E_PROTOCOL, "the peer's request to continue a call is malformed");
	attaching->resumes = record.flags & QV_RECORD_GIVES_UP;
	if (attaching->resumes &&
	    qv_attach_decode_resume(record.payload, record.size, &token, &attaching->generation, err) != 0)
		return -1;
	struct qv_secret *shown = qv_secret_copy(token, QV_ATTACH_TOKEN, err);
	if (!shown)
		return -1;
	bool same = is_known(control, shown, attaching->resumes);
	qv_secret_free(shown);
	return same ? 0 : qv_fail(err, QV_E_DENIED, "a session asks to continue a call that it has no part in");
}

/* With the lock held. */
static void take_next(struct qv_call_control *control, const struct attaching *attaching, const struct qv_link *link,
		      const struct qv_call_security *security)
{
	struct resumption *resumption = &control->resumption;
	drop_next(control); /* of a peer that tried before, and gave up */
	control->next = *link;
	control->next_security = *security;
	control->has_next = true;
	resumption->asked = attaching->resumes;
	resumption->generation = attaching->generation;
	if (resumption->open) {
		qv_secret_free(resumption->next);
		resumption->next = attach_token(link);
	}
	if (attaching->resumes)
		wake(control);
}

int qv_call_control_attach(struct qv_call_control *control, const struct qv_greeting *greeting,
			   const struct qv_link *link, const struct qv_call_security *security, struct qv_error *err)
{
	struct attaching attaching;
	int status;
	pthread_mutex_lock(&control->lock);
	if (!control->connection || !control->renewal)
		status = qv_fail(err, QV_E_DENIED, "a session asks to continue a call, and there is none");
	else
		status = check_token(control, greeting, &attaching, err);
	/* Under the lock, so that the peer's SWITCH, which may follow at once, finds the session here. */
	if (status == 0)
		status = attach_confirm(link, err);
	if (status == 0)
		take_next(control, &attaching, link, security);
	pthread_mutex_unlock(&control->lock);
	return status;
}

bool qv_call_control_untold(struct qv_call_control *control)
{
	pthread_mutex_lock(&control->lock);
	bool untold = control->resumption.left;
	pthread_mutex_unlock(&control->lock);
	return untold;
}

int qv_call_control_farewell(struct qv_call_control *control, const struct qv_greeting *greeting,
			     const struct qv_link *link, const struct qv_host *host, struct qv_error *err)
{
	struct attaching attaching;
	pthread_mutex_lock(&control->lock);
	int status = control->resumption.left ? check_token(control, greeting, &attaching, err)
					      : qv_fail(err, QV_E_DENIED, "the call ended with the peer's knowledge");
	if (status == 0 && !attaching.resumes)
		status = qv_fail(err, QV_E_DENIED, "a session asks to follow one of a call that is over");
	if (status == 0)
		resumption_clear(&control->resumption);
	pthread_mutex_unlock(&control->lock);
	if (status != 0)
		return -1;
	return attach_confirm(link, err) == 0 ? attach_leave(link, host, FAREWELL_MS, err) : -1;
}
