/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <stdlib.h>
#include <string.h>

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

void qv_call_control_free(struct qv_call_control *control)
{
	if (!control)
		return;
	qv_secret_free(control->token);
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
	control->tell_roster = true;
	wake(control);
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

const struct qv_role *control_audio_sink(struct qv_call_control *control)
{
	pthread_mutex_lock(&control->lock);
	const struct qv_role *role = control->audio_sink;
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
	control->has_next = false;
}

void control_unbind(struct qv_call_control *control)
{
	pthread_mutex_lock(&control->lock);
	drop_next(control);
	control->connection = NULL;
	control->renewal = NULL;
	qv_secret_free(control->token);
	control->token = NULL;
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
	bool has = control->has_next;
	if (has) {
		*link = control->next;
		*security = control->next_security;
	}
	control->has_next = false;
	qv_secret_free(control->token);
	control->token = NULL;
	pthread_mutex_unlock(&control->lock);
	return has;
}

struct control_asked control_asked(struct qv_call_control *control)
{
	pthread_mutex_lock(&control->lock);
	struct control_asked asked = { control->answered, control->taken, control->hang_up, control->renew };
	control->renew = false;
	pthread_mutex_unlock(&control->lock);
	return asked;
}

static int check_token(const struct qv_call_control *control, const struct qv_greeting *greeting, struct qv_error *err)
{
	struct qv_record record;
	const uint8_t *token;
	if (qv_record_parse(greeting->bytes, greeting->size, &record, err) != 1 || record.type != QV_RECORD_ATTACH ||
	    qv_attach_decode(record.payload, record.size, &token, err) != 0 ||
	    greeting->size != QV_RECORD_HEADER + record.size)
		return qv_fail(err, QV_E_PROTOCOL, "the peer's request to continue a call is malformed");
	struct qv_secret *shown = qv_secret_copy(token, QV_ATTACH_TOKEN, err);
	if (!shown)
		return -1;
	bool same = control->token && qv_secret_equal(shown, control->token);
	qv_secret_free(shown);
	return same ? 0 : qv_fail(err, QV_E_DENIED, "a session asks to continue a call that it has no part in");
}

int qv_call_control_attach(struct qv_call_control *control, const struct qv_greeting *greeting,
			   const struct qv_link *link, const struct qv_call_security *security, struct qv_error *err)
{
	int status;
	pthread_mutex_lock(&control->lock);
	if (!control->connection || !control->renewal)
		status = qv_fail(err, QV_E_DENIED, "a session asks to continue a call, and there is none");
	else
		status = check_token(control, greeting, err);
	/* Under the lock, so that the peer's SWITCH, which may follow at once, finds the session here. */
	if (status == 0)
		status = attach_confirm(link, err);
	if (status == 0) {
		drop_next(control); /* of a peer that tried before, and gave up */
		control->next = *link;
		control->next_security = *security;
		control->has_next = true;
	}
	pthread_mutex_unlock(&control->lock);
	return status;
}
