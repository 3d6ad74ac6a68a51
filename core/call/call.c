/* SPDX-License-Identifier: Apache-2.0 */
/* A call: its devices, what wakes it, and its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../audio/far_end.h"
#include "ring_window.h"
#include "side.h"

static const struct qv_call_limits *limits(const struct qv_call_plan *plan)
{
	static const struct qv_call_limits none = { 0 };
	return plan->send ? &plan->send->limits : plan->receive ? &plan->receive->limits : &none;
}

void side_tell(struct side *side, const struct qv_call_event *event)
{
	if (side->observer && side->observer->event)
		side->observer->event(side->observer, event);
}

/* Where the peer's minor version is too old for an answer, there is none. */
static void send_state(struct side *side, enum qv_stream_kind kind, uint8_t bits)
{
	struct qv_stream_state state = { .bits = bits };
	uint8_t payload[QV_STATE_SIZE];
	state.stream = kind == QV_STREAM_VIDEO ? side->out->video_offer.stream : side->out->audio_offer.stream;
	qv_state_encode(&state, payload);
	connection_send_new(side->media.connection, QV_RECORD_STATE, payload, sizeof payload);
}

void side_tell_states(struct side *side)
{
	if (!side->sends || side->media.connection->phase != PHASE_OPEN)
		return;
	bool end = side->all_sent && !side->told_ended;
	side->told_ended = side->all_sent;
	for (int kind = QV_STREAM_VIDEO; kind <= QV_STREAM_AUDIO; kind++) {
		bool sent = kind == QV_STREAM_VIDEO ? side->out->sends_video : side->out->sends_audio;
		bool muted = qv_call_control_muted(side->control, (enum qv_stream_kind)kind) ||
			     (kind == QV_STREAM_AUDIO && otp_silent(&side->otp));
		if (!sent || (muted == side->muted[kind] && !end && !side->tell_all))
			continue;
		side->muted[kind] = muted;
		send_state(side, (enum qv_stream_kind)kind,
			   (uint8_t)((muted ? QV_STREAM_MUTED : 0) | (side->all_sent ? QV_STREAM_ENDED : 0)));
	}
	side->tell_all = false;
}

static void tell_roster(struct side *side)
{
	struct qv_roster roster;
	uint8_t payload[QV_ROSTER_SIZE_MAX];
	if (side->media.connection->phase != PHASE_OPEN || !control_take_roster(side->control, &roster))
		return;
	int size = qv_roster_encode(&roster, payload, sizeof payload, NULL);
	if (size > 0)
		connection_send_new(side->media.connection, QV_RECORD_ROSTER, payload, (size_t)size);
}

static bool fill(struct side *side)
{
	if (!side->out)
		return false;
	if (outgoing_fill(side->out))
		return true;
	bool receiving = side->in && !incoming_ended(side->in);
	side->all_sent = side->ended && outbox_empty(side->out->outbox) &&
			 (!side->transport || transport_settled(side->transport, qv_clock_now(&qv_clock_monotonic)));
	if (side->all_sent && !side->told_ended)
		side_tell_states(side);
	if (side->all_sent && !receiving)
		connection_bye(side->media.connection, QV_BYE_ENDED, NULL, QV_CALL_SOURCES_ENDED);
	return false;
}

static int look_at_incoming(struct side *side, struct qv_error *err)
{
	struct ledger *ledger = side->in->media.ledger;
	struct medium_state video = ledger_state(ledger, &ledger->video), audio = ledger_state(ledger, &ledger->audio);
	if (video.closed) {
		connection_bye(side->media.connection, QV_BYE_CLOSED, NULL, QV_CALL_WINDOW_CLOSED);
		return 0;
	}
	if (side->media.connection->phase != PHASE_OPEN || (!video.present && !audio.present) ||
	    (video.present && !video.finished) || (audio.present && !audio.finished))
		return 0;
	/* Both threads are gone before the end of the call. Without an error they were stopped by the host. */
	if (video.error.code == QV_OK && audio.error.code == QV_OK)
		return 0;
	*err = video.error.code != QV_OK ? video.error : audio.error;
	return -1;
}

/* A thread may have put something into the outbox (sent on the way out of here) or come to its end. */
static int look_at_outgoing(struct side *side, struct qv_error *err)
{
	struct qv_error failure = QV_ERROR_INIT;
	if (side->media.connection->phase != PHASE_OPEN || !side->sends || side->ended ||
	    !outgoing_finished(side->out, &failure))
		return 0;
	bool receives = side->in && (side->in->has_video || side->in->has_audio);
	if (failure.code != QV_OK && !receives) {
		*err = failure;
		return -1;
	}
	side->ended = true;
	return 0;
}

static void tell_board(struct side *side)
{
	struct board_event posted;
	while (board_take(&side->board, &posted)) {
		struct qv_call_event event = {
			.happening = posted.happening,
			.kind = posted.kind,
			.key = posted.key,
			.text = posted.text[0] ? posted.text : NULL,
		};
		side_tell(side, &event);
	}
}

static int woken(struct side *side, struct qv_error *err)
{
	struct control_asked asked = control_asked(side->control);
	tell_board(side);
	if (asked.hang_up) {
		side->given_up = asked.given_up;
		connection_bye(side->media.connection, QV_BYE_STOPPED, NULL, QV_CALL_CANCELLED);
		return 0;
	}
	if (reconnect_look(side, err) != 0)
		return -1;
	side_tell_states(side);
	tell_roster(side);
	ways_ask_for_key(side);
	if (negotiation_answer(side, &asked, err) != 0 || rekeying_look(side, asked.renew, err) != 0 ||
	    otp_look(side, err) != 0)
		return -1;
	if (side->in && look_at_incoming(side, err) != 0)
		return -1;
	return side->out ? look_at_outgoing(side, err) : 0;
}

static const struct side_class call_class = {
	.record = side_take_record,
	.fill = fill,
	.woken = woken,
	.second = reports_second,
	.next_link = rekeying_next_link,
	.switched = rekeying_switched,
	.release = rekeying_release,
	.datagrams = ways_datagrams,
	.lost = reconnect_lost,
};

/* Opens what has to be open before the first record. */
static int prepare(struct side *side, struct qv_error *err)
{
	const struct qv_call_plan *plan = side->plan;
	struct connection *c = side->media.connection;
	if (plan->greeting) {
		memcpy(c->wire.in, plan->greeting->bytes, plan->greeting->size);
		c->wire.in_end = c->wire.bytes_in = plan->greeting->size;
	}
	if (plan->send && !(side->out = outgoing_open(&side->media, plan->send, err)))
		return -1;
	if (plan->receive && !(side->in = incoming_new(&side->media, plan->receive, err)))
		return -1;
	if (!side->out && !side->in)
		return qv_fail(err, QV_E_INVALID, "a call that neither sends nor receives");
	if (otp_prepare(side, err) != 0)
		return -1;
	return side->role == QV_CALL_CALLER ? negotiation_say_hello(side, err) : 0;
}

/* Nothing to offer: the peer, who waits for our HELLO, is told so. */
static int give_up_early(struct side *side, struct qv_error *err)
{
	struct qv_error failure = *err;
	connection_bye(side->media.connection, QV_BYE_FAILED, NULL, QV_CALL_FAILED);
	connection_run(side->media.connection, &call_class, side, NULL);
	*err = failure;
	return -1;
}

static int run(struct side *side, struct qv_error *err)
{
	int outcome = prepare(side, err) == 0 ? connection_run(side->media.connection, &call_class, side, err)
					      : give_up_early(side, err);
	enum qv_call_end end = side->media.connection->end;
	/* Somebody here who ends the call wants no more of it. */
	if (side->in && end != QV_CALL_CANCELLED && end != QV_CALL_WINDOW_CLOSED)
		incoming_drain(side->in);
	stop_raise(&side->media.stop);
	ring_window_close(side->ring);
	if (side->transport)
		transport_bye(side->transport);
	otp_second(&side->otp);
	reports_fill_result(side);
	outgoing_free(side->out);
	incoming_free(side->in);
	if (side->media.connection->untold && (end == QV_CALL_CANCELLED || end == QV_CALL_WINDOW_CLOSED))
		reconnect_farewell(side);
	renewer_clear(&side->renewer);
	transport_free(side->transport);
	otp_clear(&side->otp);
	tell_board(side);
	return outcome;
}

/* The caller, who comes back, is to be told then. */
static bool ended_untold(const struct side *side)
{
	const struct connection *c = side->media.connection;
	return side->role == QV_CALL_ANSWERER && c->untold && !side->given_up &&
	       (c->end == QV_CALL_CANCELLED || c->end == QV_CALL_WINDOW_CLOSED);
}

int qv_call_run(const struct qv_link *link, enum qv_call_role role, const struct qv_call_plan *plan,
		const struct qv_host *host, struct qv_call_observer *observer, struct qv_call_result *result,
		struct qv_error *err)
{
	struct side side = { .role = role, .plan = plan, .observer = observer, .result = result, .latency_ns = -1 };
	struct qv_error own = QV_ERROR_INIT;
	*result = (struct qv_call_result){ .end = QV_CALL_FAILED, .rtt_ms = -1 };
	err = err ? err : &own;
	struct qv_call_control *made = plan->control ? NULL : qv_call_control_new(err);
	side.control = plan->control ? plan->control : made;
	bool filters = plan->send && plan->receive && role_present(plan->send->audio_filter);
	struct far_end *far_end = filters ? far_end_new(err) : NULL;
	if (!side.control || (filters && !far_end) || media_init(&side.media, link, host, limits(plan), err) != 0) {
		far_end_free(far_end);
		qv_call_control_free(made);
		return -1;
	}
	side.first = *link;
	if (plan->security) {
		side.security = *plan->security;
	} else if (plan->receive && plan->receive->secured_text) {
		side.security.secured = plan->receive->secured;
		snprintf(side.security.text, sizeof side.security.text, "%s", plan->receive->secured_text);
	}
	board_init(&side.board);
	side.media.control = side.control;
	side.media.board = &side.board;
	side.media.otp = &side.otp;
	side.media.keep_devices = plan->keep_devices;
	side.media.far_end = far_end;
	renewer_init(&side.renewer, &side.media, plan->renewal, role == QV_CALL_CALLER);
	control_bind(side.control, side.media.connection, plan->renewal);
	int outcome = run(&side, err);
	recording_closed(&side.control->recording);
	control_unbind(side.control, ended_untold(&side));
	rekeying_release_links(&side);
	free(side.asked);
	board_clear(&side.board);
	media_clear(&side.media);
	far_end_free(far_end);
	qv_call_control_free(made);
	return outcome;
}

int qv_call_send(const struct qv_link *link, const struct qv_send_plan *plan, const struct qv_host *host,
		 struct qv_call_observer *observer, struct qv_call_result *result, struct qv_error *err)
{
	struct qv_call_plan whole = { .send = plan };
	return qv_call_run(link, QV_CALL_CALLER, &whole, host, observer, result, err);
}

int qv_call_receive(const struct qv_link *link, const struct qv_receive_plan *plan, const struct qv_host *host,
		    struct qv_call_observer *observer, struct qv_call_result *result, struct qv_error *err)
{
	struct qv_call_plan whole = { .receive = plan };
	return qv_call_run(link, QV_CALL_ANSWERER, &whole, host, observer, result, err);
}
