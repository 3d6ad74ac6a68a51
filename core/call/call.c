/* SPDX-License-Identifier: Apache-2.0 */
/* A call: greeting, what both halves of it do with records, fresh keys, and its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/call.h>

#include "board.h"
#include "control.h"
#include "incoming.h"
#include "outgoing.h"
#include "renewer.h"

/* Between two requests for a key picture. */
#define REFRESH_MS 300

struct side {
	struct media media;
	enum qv_call_role role;
	const struct qv_call_plan *plan;
	struct qv_call_control *control;
	struct qv_call_observer *observer;
	struct qv_call_result *result;
	struct outgoing *out; /* NULL: nothing is sent */
	struct incoming *in;  /* NULL: nothing is received */
	bool sends;           /* the peer takes something; what `in` receives says in->has_… */
	bool ended;           /* all our sources */
	bool all_sent;        /* and what they gave */
	bool told_ended;
	bool muted[KINDS];      /* as the peer was told */
	struct qv_hello *asked; /* answerer: the HELLO that waits for somebody's answer */
	struct board board;
	struct renewer renewer;
	struct qv_call_security security;      /* of the session in use */
	char no_key[BOARD_TEXT];               /* why the last new key could not be had; "": it could */
	struct qv_call_security next_security; /* of the session that the call goes over to */
	struct qv_link first, current;
	struct qv_call_totals before;
	int64_t before_ns;
	int64_t latency_ns; /* median of the last second; -1 unknown */
	int64_t refresh_ns; /* no key picture is asked for before */
};

static const char *program_name(const struct qv_call_plan *plan)
{
	return plan->send ? plan->send->program : plan->receive ? plan->receive->program : NULL;
}

static const struct qv_call_limits *limits(const struct qv_call_plan *plan)
{
	static const struct qv_call_limits none = { 0 };
	return plan->send ? &plan->send->limits : plan->receive ? &plan->receive->limits : &none;
}

static void tell(struct side *side, const struct qv_call_event *event)
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

static void tell_states(struct side *side)
{
	if (!side->sends || side->media.connection->phase != PHASE_OPEN)
		return;
	bool end = side->all_sent && !side->told_ended;
	side->told_ended = side->all_sent;
	for (int kind = QV_STREAM_VIDEO; kind <= QV_STREAM_AUDIO; kind++) {
		bool sent = kind == QV_STREAM_VIDEO ? side->out->sends_video : side->out->sends_audio;
		bool muted = qv_call_control_muted(side->control, (enum qv_stream_kind)kind);
		if (!sent || (muted == side->muted[kind] && !end))
			continue;
		side->muted[kind] = muted;
		send_state(side, (enum qv_stream_kind)kind,
			   (uint8_t)((muted ? QV_STREAM_MUTED : 0) | (side->all_sent ? QV_STREAM_ENDED : 0)));
	}
}

/* The call has opened: both sides know what is sent. */
static void note_agreed(struct side *side)
{
	struct qv_call_result *result = side->result;
	if (side->out) {
		result->sends_video = side->out->sends_video;
		result->sends_audio = side->out->sends_audio;
		result->sent_video = side->out->video_offer;
		result->sent_audio = side->out->audio_offer;
	}
	side->sends = result->sends_video || result->sends_audio;
	if (side->in && (side->in->has_video || side->in->has_audio)) {
		result->has_video = side->in->has_video;
		result->has_audio = side->in->has_audio;
		result->video = side->in->video_format;
		result->audio = side->in->audio_format;
	} else {
		result->has_video = result->sends_video;
		result->has_audio = result->sends_audio;
		result->video = result->sent_video;
		result->audio = result->sent_audio;
	}
}

static void offer_attachment(struct side *side)
{
	if (side->plan->renewal && side->role == QV_CALL_ANSWERER)
		control_set_token(side->control, attach_token(&side->media.connection->link));
}

static int open_call(struct side *side, const uint16_t *accept, size_t count, struct qv_error *err)
{
	connection_opened(side->media.connection);
	side->media.connection->next_ring_ns = 0;
	offer_attachment(side);
	renewer_keyed(&side->renewer);
	if (side->out && outgoing_start(side->out, accept, count, err) != 0)
		return -1;
	note_agreed(side);
	const struct qv_call_result *result = side->result;
	struct qv_call_opened opened = {
		.peer_program = result->peer_program,
		.video = result->has_video ? &result->video : NULL,
		.audio = result->has_audio ? &result->audio : NULL,
		.sent_video = result->sends_video ? &result->sent_video : NULL,
		.sent_audio = result->sends_audio ? &result->sent_audio : NULL,
	};
	if (side->observer && side->observer->opened)
		side->observer->opened(side->observer, &opened);
	if (side->in && incoming_start(side->in, err) != 0)
		return -1;
	tell_states(side);
	return 0;
}

/* WELCOME accepts what can be received, and offers what the caller takes. */
static int say_welcome(struct side *side, const struct qv_hello *hello, struct qv_error *err)
{
	struct qv_hello welcome = { .major = QV_SESSION_MAJOR, .minor = QV_SESSION_MINOR };
	uint16_t offered[QV_SESSION_STREAMS_MAX];
	uint8_t payload[CONTROL_PAYLOAD];
	if (program_name(side->plan))
		snprintf(welcome.program, sizeof welcome.program, "%s", program_name(side->plan));
	if (side->in && side->in->has_video)
		welcome.accept[welcome.accepts++] = side->in->video_format.stream;
	if (side->in && side->in->has_audio)
		welcome.accept[welcome.accepts++] = side->in->audio_format.stream;
	if (side->out)
		outgoing_offer_fitting(side->out, hello, &welcome);
	for (size_t i = 0; i < welcome.offers; i++)
		offered[i] = welcome.offer[i].stream;
	int size = qv_hello_encode(&welcome, payload, sizeof payload, err);
	if (size < 0)
		return -1;
	connection_send(side->media.connection, QV_RECORD_WELCOME, payload, (size_t)size);
	return open_call(side, offered, welcome.offers, err);
}

static void refuse(struct side *side, enum qv_refusal code, const struct qv_error *why)
{
	char text[QV_REASON_TEXT_MAX + 1];
	snprintf(text, sizeof text, "%.*s", QV_REASON_TEXT_MAX, why->message);
	connection_refuse(side->media.connection, code, text, why);
}

static void describe_offers(const struct qv_hello *hello, char *text, size_t room)
{
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < hello->offers && used + 1 < room; i++)
		used += (size_t)snprintf(text + used, room - used, "%s%s", i ? ", " : "", hello->offer[i].codec);
}

/* Something can flow in one direction at least. */
static bool has_common_media(struct side *side, const struct qv_hello *hello)
{
	struct qv_hello offer = { .major = QV_SESSION_MAJOR };
	bool receives = side->in && incoming_choose(side->in, hello);
	if (side->out)
		outgoing_offer_fitting(side->out, hello, &offer);
	return receives || offer.offers > 0;
}

static int ask(struct side *side, const struct qv_hello *hello, struct qv_error *err)
{
	side->asked = malloc(sizeof *side->asked);
	if (!side->asked)
		return qv_fail(err, QV_E_NOMEM, "no memory for a greeting");
	*side->asked = *hello;
	connection_ring(side->media.connection);
	struct qv_call_event event = { .happening = QV_CALL_RINGING, .peer_program = side->result->peer_program };
	tell(side, &event);
	connection_wake(side->media.connection); /* the answer may be there already */
	return 0;
}

static int take_hello(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	struct qv_hello hello;
	struct qv_error why = QV_ERROR_INIT;
	if (side->asked)
		return qv_fail(err, QV_E_PROTOCOL, "the caller says HELLO twice");
	if (qv_hello_decode(record->payload, record->size, &hello, err) != 0)
		return -1;
	if (hello.major != QV_SESSION_MAJOR) {
		qv_fail(&why, QV_E_UNSUPPORTED, "the caller speaks version %u of the session protocol, this end %d",
			hello.major, QV_SESSION_MAJOR);
		refuse(side, QV_REFUSE_VERSION, &why);
		return 0;
	}
	side->media.connection->peer_minor = hello.minor;
	snprintf(side->result->peer_program, sizeof side->result->peer_program, "%s", hello.program);
	if (!has_common_media(side, &hello)) {
		char offered[160];
		describe_offers(&hello, offered, sizeof offered);
		qv_fail(&why, QV_E_UNSUPPORTED,
			"none of the caller's streams can be decoded and shown here (offered: %s)",
			offered[0] ? offered : "none");
		refuse(side, QV_REFUSE_MEDIA, &why);
		return 0;
	}
	return side->plan->ask ? ask(side, &hello, err) : say_welcome(side, &hello, err);
}

static int take_welcome(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	struct qv_hello welcome;
	if (qv_hello_decode(record->payload, record->size, &welcome, err) != 0)
		return -1;
	if (welcome.major != QV_SESSION_MAJOR)
		return qv_fail(err, QV_E_PROTOCOL, "the peer speaks version %u.%u of the session protocol, we %d.%d",
			       welcome.major, welcome.minor, QV_SESSION_MAJOR, QV_SESSION_MINOR);
	if (!side->out && welcome.accepts > 0)
		return qv_fail(err, QV_E_PROTOCOL, "the peer accepts stream %u, which was not offered",
			       welcome.accept[0]);
	/* To one who only sends, offers say nothing: a peer of 1.0 makes none. */
	bool receives = side->in && incoming_choose(side->in, &welcome);
	if (side->in && welcome.offers > 0 && !receives)
		return qv_fail(err, QV_E_PROTOCOL, "the peer offers what cannot be decoded here");
	if (welcome.accepts == 0 && !receives)
		return qv_fail(err, QV_E_PROTOCOL, "the peer welcomes the call but accepts no stream");
	side->media.connection->peer_minor = welcome.minor;
	snprintf(side->result->peer_program, sizeof side->result->peer_program, "%s", welcome.program);
	return open_call(side, welcome.accept, welcome.accepts, err);
}

static int take_refusal(const struct qv_record *record, struct qv_error *err)
{
	struct qv_reason reason;
	if (qv_reason_decode(record->payload, record->size, &reason, err) != 0)
		return -1;
	const char *text = reason.text[0] ? reason.text : "it gives no reason";
	switch (reason.code) {
	case QV_REFUSE_BUSY:
		return qv_fail(err, QV_E_BUSY, "the peer is busy: %s", text);
	case QV_REFUSE_VERSION:
	case QV_REFUSE_MEDIA:
		return qv_fail(err, QV_E_UNSUPPORTED, "the peer cannot take the call: %s", text);
	case QV_REFUSE_DENIED:
		return qv_fail(err, QV_E_DENIED, "the peer does not want the call: %s", text);
	default:
		return qv_fail(err, QV_E_IO, "the peer cannot take the call now: %s", text);
	}
}

static int take_report(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	if (!side->out)
		return 0;
	if (qv_stats_decode(record->payload, record->size, &side->result->report, err) != 0)
		return -1;
	side->result->report_valid = true;
	return 0;
}

static int take_state(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	struct qv_stream_state state;
	if (qv_state_decode(record->payload, record->size, &state, err) != 0)
		return -1;
	enum qv_stream_kind kind = side->in ? incoming_state(side->in, &state) : 0;
	struct qv_call_event event = {
		.happening = QV_CALL_PEER_STATE,
		.kind = kind,
		.muted = state.bits & QV_STREAM_MUTED,
		.ended = state.bits & QV_STREAM_ENDED,
	};
	if (kind)
		tell(side, &event);
	return 0;
}

static int take_refresh(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	uint16_t stream;
	if (qv_refresh_decode(record->payload, record->size, &stream, err) != 0)
		return -1;
	if (side->out && side->out->sends_video && stream == side->out->video_offer.stream)
		atomic_fetch_add(&side->control->switches.refresh, 1);
	return 0;
}

static int wrong_side(const struct side *side, const struct qv_record *record, struct qv_error *err)
{
	if (side->role == QV_CALL_ANSWERER)
		return qv_fail(err, QV_E_PROTOCOL, "the caller sent a record of type %u, which only an answerer sends",
			       record->type);
	return qv_fail(err, QV_E_PROTOCOL, "the peer sent a record of type %u to a caller%s", record->type,
		       side->in ? "" : " who only sends");
}

static int take_media(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	if (!side->in)
		return wrong_side(side, record, err);
	return record->type == QV_RECORD_VIDEO ? incoming_video(side->in, record, err)
					       : incoming_audio(side->in, record, err);
}

static int take_record(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	bool answers = side->role == QV_CALL_ANSWERER;
	struct qv_call_event ringing = { .happening = QV_CALL_RINGING };
	switch (record->type) {
	case QV_RECORD_HELLO:
		return answers ? take_hello(side, record, err) : wrong_side(side, record, err);
	case QV_RECORD_WELCOME:
		return answers ? wrong_side(side, record, err) : take_welcome(side, record, err);
	case QV_RECORD_REFUSE:
		return answers ? wrong_side(side, record, err) : take_refusal(record, err);
	case QV_RECORD_RINGING:
		if (answers)
			return wrong_side(side, record, err);
		tell(side, &ringing);
		return 0;
	case QV_RECORD_VIDEO:
	case QV_RECORD_AUDIO:
		return take_media(side, record, err);
	case QV_RECORD_STATS:
		return take_report(side, record, err);
	case QV_RECORD_STATE:
		return take_state(side, record, err);
	case QV_RECORD_REFRESH:
		return take_refresh(side, record, err);
	case QV_RECORD_RENEW:
		side->renewer.peer_asked = true;
		connection_wake(side->media.connection);
		return 0;
	default:
		return wrong_side(side, record, err);
	}
}

static bool fill(struct side *side)
{
	if (!side->out)
		return false;
	if (outgoing_fill(side->out))
		return true;
	bool receiving = side->in && !incoming_ended(side->in);
	side->all_sent = side->ended && outbox_empty(side->out->outbox);
	if (side->all_sent && !side->told_ended)
		tell_states(side);
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

static int answer(struct side *side, const struct control_asked *asked, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	if (!side->asked || !asked->answered)
		return 0;
	struct qv_hello *hello = side->asked;
	side->asked = NULL;
	int status = 0;
	if (asked->taken) {
		status = say_welcome(side, hello, err);
	} else {
		qv_fail(&why, QV_E_DENIED, "the call was declined");
		refuse(side, QV_REFUSE_DENIED, &why);
	}
	free(hello);
	return status;
}

static void show_key_age(struct side *side);

/* Without a new key the policy decides; either way somebody is told. */
static int rekey_failed(struct side *side, const struct qv_error *why, struct qv_error *err)
{
	side->result->rekey_failures++;
	snprintf(side->no_key, sizeof side->no_key, "%.*s", BOARD_TEXT - 1, why->message);
	show_key_age(side);
	struct qv_call_event event = { .happening = QV_CALL_REKEY_FAILED, .text = why->message };
	tell(side, &event);
	if (side->plan->renewal->end_without)
		return qv_fail(err, QV_E_NO_KEY, "the key of the call could not be replaced: %s", why->message);
	qv_log_warning(side->media.host->log, "the call goes on with the key that it has: %s", why->message);
	return 0;
}

static int renew(struct side *side, bool now, struct qv_error *err)
{
	struct connection *c = side->media.connection;
	struct renewer *renewer = &side->renewer;
	struct qv_error why = QV_ERROR_INIT;
	struct qv_link next;
	if (!side->plan->renewal || c->phase != PHASE_OPEN)
		return 0;
	int got = renewer_take(renewer, &next, &side->next_security, &why);
	if (got < 0)
		return rekey_failed(side, &why, err);
	if (got > 0 && !connection_switch(c, &next))
		side->plan->renewal->release(side->plan->renewal, &next);
	if (got > 0 || (!now && !renewer_due(renewer, qv_clock_now(&qv_clock_monotonic)))) {
		c->look_ns = renewer_next(renewer);
		return 0;
	}
	c->look_ns = 0;
	if (!side->plan->renewal->renew) {
		renewer->asked = connection_send_new(c, QV_RECORD_RENEW, NULL, 0);
		return 0;
	}
	if (renewer->running || c->has_next)
		return 0;
	return renewer_start(renewer) ? 0 : rekey_failed(side, &renewer->failure, err);
}

/* Asks for a key picture, but not again before one can have come. */
static void ask_for_key(struct side *side)
{
	struct connection *c = side->media.connection;
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	uint8_t payload[QV_REFRESH_SIZE];
	if (!side->in || !side->in->has_video || c->phase != PHASE_OPEN || now < side->refresh_ns ||
	    !atomic_exchange(&side->board.need_key, false))
		return;
	qv_refresh_encode(side->in->video_format.stream, payload);
	connection_send_new(c, QV_RECORD_REFRESH, payload, sizeof payload);
	side->refresh_ns = now + REFRESH_MS * QV_NS_PER_MS;
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
		tell(side, &event);
	}
}

static int woken(struct side *side, struct qv_error *err)
{
	struct control_asked asked = control_asked(side->control);
	tell_board(side);
	if (asked.hang_up) {
		connection_bye(side->media.connection, QV_BYE_STOPPED, NULL, QV_CALL_CANCELLED);
		return 0;
	}
	tell_states(side);
	ask_for_key(side);
	if (answer(side, &asked, err) != 0 || renew(side, asked.renew, err) != 0)
		return -1;
	if (side->in && look_at_incoming(side, err) != 0)
		return -1;
	return side->out ? look_at_outgoing(side, err) : 0;
}

static void fill_stats(struct side *side, int64_t median, struct qv_call_stats *stats)
{
	const struct qv_call_result *result = side->result;
	bool receives = side->in && (side->in->has_video || side->in->has_audio);
	if (!receives)
		stats->fps = stats->fps_sent;
	stats->report_valid = result->report_valid;
	stats->report = result->report;
	stats->latency_ms = stats->jitter_buffer_ms = -1;
	if (receives) {
		struct ledger *ledger = side->in->media.ledger;
		pthread_mutex_lock(&ledger->lock);
		stats->jitter_buffer_ms = ledger->jitter_buffer_ns < 0 ? -1 : (double)ledger->jitter_buffer_ns / 1e6;
		pthread_mutex_unlock(&ledger->lock);
		stats->latency_ms = median < 0 ? -1 : (double)median / 1e6;
	} else if (stats->report_valid) {
		if (stats->report.latency_us >= 0)
			stats->latency_ms = (double)stats->report.latency_us / 1000;
		if (result->sends_audio)
			stats->jitter_buffer_ms = stats->report.jitter_buffer_us / 1000.0;
	}
}

static struct qv_call_totals totals_of(const struct side *side)
{
	struct qv_call_totals sent = { 0 }, received = { 0 };
	if (side->out)
		sent = ledger_totals(side->out->media.ledger);
	if (side->in)
		received = ledger_totals(side->in->media.ledger);
	ledger_merge(&received, &sent);
	received.bytes_sent = side->media.connection->wire.bytes_out;
	received.bytes_received = side->media.connection->wire.bytes_in;
	return received;
}

/* Shows, beside how the call is secured, how old its key is and when the next one is due; or that there is none. */
static void show_key_age(struct side *side)
{
	const struct renewer *renewer = &side->renewer;
	struct qv_call_security shown = side->security;
	int64_t now = qv_clock_now(&qv_clock_monotonic), next = renewer_next(renewer);
	char age[BOARD_TEXT + 80], due[40] = "";
	if (!side->plan->renewal || !shown.text[0])
		return;
	if (next > now)
		snprintf(due, sizeof due, ", next in %d s", (int)((next - now) / QV_NS_PER_SECOND));
	snprintf(age, sizeof age, "; key %d s old%s%s%s", (int)((now - renewer->keyed_ns) / QV_NS_PER_SECOND), due,
		 side->no_key[0] ? "; NO NEW KEY: " : "", side->no_key);
	size_t used = strlen(shown.text);
	snprintf(shown.text + used, sizeof shown.text - used, "%s", age);
	board_set_security(&side->board, &shown);
}

static void second(struct side *side, bool last)
{
	struct qv_call_stats stats = { 0 };
	int64_t median = side->in ? ledger_interval(side->in->media.ledger) : -1;
	if (median >= 0 || !last)
		side->latency_ns = median;
	if (side->in && (side->in->has_video || side->in->has_audio))
		incoming_report(side->in, side->latency_ns);
	if (last)
		return;
	show_key_age(side);
	connection_wake(side->media.connection); /* for a key that has protected much */
	if (!side->observer || !side->observer->stats)
		return;
	stats.totals = totals_of(side);
	media_stats(&side->media, &side->before, &side->before_ns, &stats);
	fill_stats(side, median, &stats);
	side->observer->stats(side->observer, &stats);
}

static bool next_link(struct side *side, struct qv_link *link)
{
	return control_take_next(side->control, link, &side->next_security);
}

static int switched(struct side *side, struct qv_error *err)
{
	(void)err;
	side->result->rekeyed++;
	side->current = side->media.connection->link;
	side->security = side->next_security;
	side->no_key[0] = '\0';
	board_set_security(&side->board, &side->security);
	offer_attachment(side);
	renewer_keyed(&side->renewer);
	struct qv_call_event event = { .happening = QV_CALL_REKEYED, .security = &side->next_security };
	tell(side, &event);
	return 0;
}

static void release(struct side *side, struct qv_link *link)
{
	side->plan->renewal->release(side->plan->renewal, link);
}

static const struct side_class call_class = { take_record, fill, woken, second, next_link, switched, release };

static int say_hello(struct side *side, struct qv_error *err)
{
	struct qv_hello hello = { .major = QV_SESSION_MAJOR, .minor = QV_SESSION_MINOR };
	uint8_t payload[CONTROL_PAYLOAD];
	if (program_name(side->plan))
		snprintf(hello.program, sizeof hello.program, "%s", program_name(side->plan));
	if (side->out)
		outgoing_offer(side->out, &hello);
	if (side->in)
		incoming_takes(side->in, &hello);
	int size = qv_hello_encode(&hello, payload, sizeof payload, err);
	if (size < 0)
		return -1;
	connection_send(side->media.connection, QV_RECORD_HELLO, payload, (size_t)size);
	return 0;
}

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
	return side->role == QV_CALL_CALLER ? say_hello(side, err) : 0;
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

static void fill_result(struct side *side)
{
	struct qv_call_result *result = side->result;
	if (side->out)
		ledger_result(side->out->media.ledger, result);
	if (side->in && (result->has_video || result->has_audio) && (side->in->has_video || side->in->has_audio)) {
		struct qv_error video = result->video_error, audio = result->audio_error;
		ledger_result(side->in->media.ledger, result);
		if (result->video_error.code == QV_OK)
			result->video_error = video;
		if (result->audio_error.code == QV_OK)
			result->audio_error = audio;
	}
	media_result(&side->media, result);
	result->totals = totals_of(side);
}

/* The session in use, and one that was on its way, if they are not the one that the call began with. */
static void release_links(struct side *side)
{
	const struct connection *c = side->media.connection;
	struct qv_link last = c->link, next = c->next;
	if (c->has_next)
		release(side, &next);
	if (last.session != side->first.session)
		release(side, &last);
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
	renewer_clear(&side->renewer);
	fill_result(side);
	outgoing_free(side->out);
	incoming_free(side->in);
	tell_board(side);
	return outcome;
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
	if (!side.control || media_init(&side.media, link, host, limits(plan), err) != 0) {
		qv_call_control_free(made);
		return -1;
	}
	side.first = *link;
	if (plan->receive && plan->receive->secured_text) {
		side.security.secured = plan->receive->secured;
		snprintf(side.security.text, sizeof side.security.text, "%s", plan->receive->secured_text);
	}
	board_init(&side.board);
	side.media.control = side.control;
	side.media.board = &side.board;
	side.media.keep_devices = plan->keep_devices;
	renewer_init(&side.renewer, &side.media, plan->renewal, role == QV_CALL_CALLER);
	control_bind(side.control, side.media.connection, plan->renewal);
	int outcome = run(&side, err);
	control_unbind(side.control);
	release_links(&side);
	free(side.asked);
	board_clear(&side.board);
	media_clear(&side.media);
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
