/* SPDX-License-Identifier: Apache-2.0 */
/* Goes over to sessions with new keys, and says how the call is secured. */
#include <stdio.h>
#include <string.h>

#include "security.h"
#include "side.h"

void rekeying_offer(struct side *side)
{
	if (side->plan->renewal && side->role == QV_CALL_ANSWERER)
		control_set_token(side->control, attach_token(&side->media.connection->link));
	reconnect_offer(side);
}

static struct qv_call_security state_now(const struct side *side)
{
	const struct renewer *renewer = &side->renewer;
	struct qv_call_security state = side->security;
	int64_t now = qv_clock_now(&qv_clock_monotonic), next = renewer_next(renewer);
	state.key_age_ms = renewer->keyed_ns ? (now - renewer->keyed_ns) / QV_NS_PER_MS : -1;
	state.next_key_ms = next > now && !side->no_key[0] ? (next - now) / QV_NS_PER_MS : -1;
	snprintf(state.no_key, sizeof state.no_key, "%s", side->no_key);
	if (side->way_known)
		snprintf(state.transport, sizeof state.transport, "%s",
			 side->way == QV_TRANSPORT_SRTP ? "srtp" : "stream");
	state.no_link = side->media.connection->phase == PHASE_LOST || side->losing;
	state.udp_goes_on = state.no_link && transport_up(side->transport);
	state.otp = side->otp.state.on;
	state.otp_dry = side->otp.state.dry;
	snprintf(state.sound, sizeof state.sound, "%s", side->otp.state.text);
	security_words(&state, side->security.text);
	return state;
}

void rekeying_show(struct side *side)
{
	struct qv_call_security before = side->shown;
	char changed[SECURITY_CHANGE_MAX];
	if (!side->security.text[0])
		return;
	side->shown = state_now(side);
	board_set_security(&side->board, &side->shown);
	if (!before.text[0]) {
		/* What a call begins with is a change only where one would have to be told of it anyway. */
		before = side->shown;
		if (before.secured == QV_SECURED_CLASSIC)
			before.secured = QV_SECURED_QKD;
	}
	struct qv_call_event event = {
		.happening = QV_CALL_SECURITY,
		.change = security_compare(&before, &side->shown, changed, sizeof changed),
		.text = changed,
		.security = &side->shown,
	};
	if (event.change != QV_SECURITY_SAME)
		side_tell(side, &event);
}

/* Without a new key the policy decides; either way somebody is told. */
static int rekey_failed(struct side *side, const struct qv_error *why, struct qv_error *err)
{
	side->result->rekey_failures++;
	snprintf(side->no_key, sizeof side->no_key, "%.*s", BOARD_TEXT - 1, why->message);
	struct qv_call_event event = { .happening = QV_CALL_REKEY_FAILED, .text = why->message };
	side_tell(side, &event);
	rekeying_show(side);
	if (side->plan->renewal->end_without)
		return qv_fail(err, QV_E_NO_KEY, "the key of the call could not be replaced: %s", why->message);
	qv_log_warning(side->media.host->log, "the call goes on with the key that it has: %s", why->message);
	return 0;
}

int rekeying_look(struct side *side, bool now, struct qv_error *err)
{
	struct connection *c = side->media.connection;
	struct renewer *renewer = &side->renewer;
	struct qv_error why = QV_ERROR_INIT;
	struct qv_link next;
	if (!side->plan->renewal || c->phase != PHASE_OPEN)
		return 0;
	if (renewer_waited(renewer, qv_clock_now(&qv_clock_monotonic))) {
		qv_fail(&why, QV_E_NO_KEY, "the peer was asked for a session with a new key, and has made none");
		return rekey_failed(side, &why, err);
	}
	int got = renewer_take(renewer, &next, &side->next_security, &why);
	if (got < 0)
		return rekey_failed(side, &why, err);
	if (got > 0 && !connection_switch(c, &next))
		side->plan->renewal->release(side->plan->renewal, &next);
	else if (got > 0)
		ways_add_keys(side, &next);
	if (got > 0 || (!now && !renewer_due(renewer, qv_clock_now(&qv_clock_monotonic)))) {
		c->look_ns = renewer_next(renewer);
		return 0;
	}
	c->look_ns = 0;
	if (!side->plan->renewal->renew) {
		if (connection_send_new(c, QV_RECORD_RENEW, NULL, 0))
			renewer_asked(renewer);
		return 0;
	}
	if (renewer->running || c->has_next)
		return 0;
	return renewer_start(renewer) ? 0 : rekey_failed(side, &renewer->failure, err);
}

bool rekeying_next_link(struct side *side, struct qv_link *link)
{
	if (!control_take_next(side->control, link, &side->next_security))
		return false;
	ways_add_keys(side, link);
	return true;
}

int rekeying_switched(struct side *side, struct qv_error *err)
{
	(void)err;
	side->result->rekeyed++;
	side->current = side->media.connection->link;
	side->security = side->next_security;
	side->no_key[0] = '\0';
	ways_use_keys(side);
	rekeying_offer(side);
	renewer_keyed(&side->renewer);
	rekeying_show(side);
	struct qv_call_event event = { .happening = QV_CALL_REKEYED, .security = &side->shown };
	side_tell(side, &event);
	return 0;
}

void rekeying_release(struct side *side, struct qv_link *link)
{
	/* Another session may come to lie where this one was. */
	if (link->session == side->first.session)
		side->first.session = NULL;
	side->plan->renewal->release(side->plan->renewal, link);
}

/* The session in use, and one that was on its way, if they are not the one that the call began with. */
void rekeying_release_links(struct side *side)
{
	const struct connection *c = side->media.connection;
	struct qv_link last = c->link, next = c->next;
	if (c->has_next)
		rekeying_release(side, &next);
	if (last.session && last.session != side->first.session)
		rekeying_release(side, &last);
}
