/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the sound of a call is under one-time pads, and packets to and from them. */
#include <stdio.h>
#include <string.h>

#include "side.h"

/* More than is of use to anybody is not told, so that the text has room for all of it. */
#define STOCK_MAX_S 999999.0
#define RATE_MAX    99999999.0

static bool required(const struct otp *otp)
{
	return otp->plan->policy == QV_OTP_REQUIRE;
}

void otp_say(struct side *side, const char *text)
{
	struct qv_call_event event = { .happening = QV_CALL_OTP, .kind = QV_STREAM_AUDIO, .text = text };
	qv_log_warning(side->media.host->log, "%s", text);
	side_tell(side, &event);
}

static int open_source(struct side *side, struct qv_error *err)
{
	struct otp *otp = &side->otp;
	if (!role_present(otp->plan->key_source))
		return qv_fail(err, QV_E_CONFIG, "one-time pads need a key source, and none is configured");
	if (!otp->plan->peer || !otp->plan->peer[0])
		return qv_fail(err, QV_E_NO_KEY,
			       "one-time pads need the SAE ID of the peer, and this session is not keyed by QKD");
	if (pad_source_open(&otp->source, &side->media, otp->plan->key_source, otp->plan->peer, err) != 0)
		return -1;
	return side->out && side->out->audio ? otp_judge(side, err) : 0;
}

int otp_prepare(struct side *side, struct qv_error *err)
{
	struct otp *otp = &side->otp;
	otp->plan = side->plan->otp;
	otp->media = &side->media;
	if (!otp->plan || otp->plan->policy == QV_OTP_OFF) {
		otp->plan = NULL;
		return 0;
	}
	otp->receives = side->plan->receive && side->plan->receive->audio_sink_count > 0;
	otp->can = open_source(side, &otp->refusal) == 0;
	if (otp->can)
		return 0;
	if (!required(otp)) {
		char text[QV_ERROR_MESSAGE_MAX];
		snprintf(text, sizeof text, "sound is NOT under a one-time pad: %.600s", otp->refusal.message);
		otp->refusal = (struct qv_error)QV_ERROR_INIT;
		otp_say(side, text);
		return 0;
	}
	if (side->role == QV_CALL_ANSWERER)
		return 0; /* the caller is told why */
	*err = otp->refusal;
	return -1;
}

uint8_t otp_word(const struct otp *otp)
{
	if (!otp->plan || !otp->can)
		return QV_HELLO_OTP_NONE;
	return required(otp) ? QV_HELLO_OTP_REQUIRE : QV_HELLO_OTP_PREFER;
}

/* A peer that sends no sound draws nothing from the link, which had too little for both. */
static void reconsider(struct side *side)
{
	struct otp *otp = &side->otp;
	if (otp->refusal.code != QV_E_NO_KEY || otp->receives || otp->state.link_needed <= otp->state.needed ||
	    otp_count_need(side, NULL) != 0)
		return;
	otp->refusal = (struct qv_error)QV_ERROR_INIT;
	otp->can = true;
}

int otp_agree(struct side *side, uint8_t peer_word, struct qv_error *err)
{
	struct otp *otp = &side->otp;
	otp->receives = side->in && side->in->has_audio;
	otp->sends = side->out && side->out->audio;
	if (!otp->receives && !otp->sends)
		return 0;
	reconsider(side);
	if (otp->refusal.code != QV_OK) {
		*err = otp->refusal;
		return -1;
	}
	otp->on = otp->can && peer_word != QV_HELLO_OTP_NONE;
	if (otp->on)
		return 0;
	if (otp->plan && required(otp))
		return qv_fail(
			err, QV_E_UNSUPPORTED,
			"here sound is sent and taken under a one-time pad only, which the other end does not do");
	if (peer_word == QV_HELLO_OTP_REQUIRE)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "the other end sends and takes sound under a one-time pad only, which is off here");
	if (otp->can)
		otp_say(side, "sound is NOT under a one-time pad: the other end does not do it");
	return 0;
}

int otp_start(struct side *side, struct qv_error *err)
{
	struct otp *otp = &side->otp;
	if (!otp->on)
		return 0;
	bool calls = side->role == QV_CALL_CALLER;
	otp->sends = side->out && side->out->sends_audio;
	otp->receives = side->in && side->in->has_audio;
	if (otp->sends && otp_count_need(side, err) != 0)
		return -1;
	otp->state.budget = otp->state.stock = -1;
	otp->opened_ns = qv_clock_now(&qv_clock_monotonic);
	otp->pads.seals = qv_pad_new(calls ? QV_PAD_CALLER : QV_PAD_ANSWERER, err);
	otp->pads.opens = otp->pads.seals ? qv_pad_new(calls ? QV_PAD_ANSWERER : QV_PAD_CALLER, err) : NULL;
	if (!otp->pads.opens)
		return -1;
	if (otp->sends && pad_worker_start(&otp->takes, &otp->source, &side->media, false, err) != 0)
		return -1;
	if (otp->receives && pad_worker_start(&otp->claims, &otp->source, &side->media, true, err) != 0)
		return -1;
	otp_second(otp);
	return otp_look(side, err);
}

bool otp_silent(const struct otp *otp)
{
	return otp->on && otp->dry;
}

/* What was made of the unit's bytes takes their place. */
static void replace(struct unit_buffer *unit, struct unit_buffer *made, size_t size)
{
	uint8_t *data = unit->data;
	size_t room = unit->room;
	unit->data = made->data;
	unit->room = made->room;
	unit->size = size;
	unit->unit.size = (uint32_t)size;
	made->data = data;
	made->room = room;
}

struct sound_pads *otp_pads(struct otp *otp)
{
	return otp && otp->on ? &otp->pads : NULL;
}

void otp_note_starved(struct otp *otp)
{
	if (otp->pads.starved && !otp->dry)
		connection_wake(otp->media->connection);
}

bool otp_seal(struct otp *otp, struct unit_buffer *unit)
{
	if (!otp->on)
		return true;
	size_t size = unit->size + QV_PAD_OVERHEAD;
	if (size <= QV_AUDIO_UNIT_MAX && unit_buffer_reserve(&otp->made, size, NULL) == 0 &&
	    sound_pads_seal(&otp->pads, &unit->unit, unit->data, unit->size, otp->made.data, NULL) == 0) {
		replace(unit, &otp->made, size);
		return true;
	}
	otp_note_starved(otp);
	return false;
}

int otp_open(struct otp *otp, struct unit_buffer *unit, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	if (!otp->on)
		return 1;
	if (unit_buffer_reserve(&otp->made, unit->size, err) != 0)
		return -1;
	int size = sound_pads_open(&otp->pads, &unit->unit, unit->data, unit->size, otp->made.data, &why);
	if (size >= 0) {
		replace(unit, &otp->made, (size_t)size);
		return 1;
	}
	if (why.code == QV_E_GONE)
		return 0;
	if (err)
		*err = why;
	return qv_error_prefix(err, "sound under its one-time pad");
}

/* What is at hand, what the KME has besides, how fast it gives more, and how long all of it will do. */
static void describe(struct otp *otp)
{
	struct qv_call_otp_state *state = &otp->state;
	if (state->dry) {
		snprintf(state->text, sizeof state->text, "SOUND IS MUTED: NO KEY LEFT for its one-time pad");
		return;
	}
	int at = snprintf(state->text, sizeof state->text, "sound: one-time pad");
	if (!otp->sends)
		return;
	at += snprintf(state->text + at, sizeof state->text - (size_t)at, ", %.0f s of key left", state->seconds);
	if (state->stock < 0)
		return;
	at += snprintf(state->text + at, sizeof state->text - (size_t)at, ", %.0f s with the KME's",
		       state->stock < STOCK_MAX_S ? state->stock : STOCK_MAX_S);
	if (state->rate_known)
		at += snprintf(state->text + at, sizeof state->text - (size_t)at, "; it gives %.0f of %.0f B/s",
			       state->kme_rate < RATE_MAX ? state->kme_rate : RATE_MAX, state->link_needed);
	if (state->budget >= 0)
		snprintf(state->text + at, sizeof state->text - (size_t)at, ": lasts %.0f s", state->budget);
}

void otp_second(struct otp *otp)
{
	struct qv_call_otp_state *state = &otp->state;
	if (!otp->on || !otp->pads.opens)
		return;
	state->on = true;
	state->dry = otp->dry;
	state->refused = otp->pads.refused;
	state->left = qv_pad_left(otp->pads.seals);
	state->used = qv_pad_used(otp->pads.seals);
	state->received = qv_pad_used(otp->pads.opens);
	state->seconds = otp->sends && state->needed > 0 ? (double)state->left / state->needed : -1;
	describe(otp);
}

void otp_drop_flights(struct otp *otp)
{
	while (otp->flight_count > 0) {
		pad_batch_free(otp->flight[otp->flight_first]);
		otp->flight_first = (otp->flight_first + 1) % OTP_FLIGHTS;
		otp->flight_count--;
	}
	while (otp->early_count > 0)
		pad_batch_free(otp->early[--otp->early_count]);
	otp->early_next = 0;
	pad_batch_free(otp->to_tell);
	pad_batch_free(otp->to_answer);
	otp->to_tell = otp->to_answer = NULL;
	otp->flight_bytes = 0;
}

void otp_clear(struct otp *otp)
{
	pad_worker_stop(&otp->takes);
	pad_worker_stop(&otp->claims);
	otp_drop_flights(otp);
	qv_pad_free(otp->pads.seals);
	qv_pad_free(otp->pads.opens);
	unit_buffer_free(&otp->made);
	if (otp->source.class)
		pad_source_close(&otp->source);
	*otp = (struct otp){ 0 };
}
