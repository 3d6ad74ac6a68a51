/* SPDX-License-Identifier: Apache-2.0 */
/* The greeting: what each side offers, takes and accepts, and whether there is a call at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ring_window.h"
#include "side.h"

static const char *program_name(const struct qv_call_plan *plan)
{
	return plan->send ? plan->send->program : plan->receive ? plan->receive->program : NULL;
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

static void note_recordable(struct side *side)
{
	const struct outgoing *out = side->out;
	const struct incoming *in = side->in;
	const struct qv_stream_offer *const offers[TAPE_SLOTS] = {
		[TAPE_SENT_VIDEO] = out && out->sends_video ? &out->video_offer : NULL,
		[TAPE_SENT_AUDIO] = out && out->sends_audio ? &out->audio_offer : NULL,
		[TAPE_VIDEO] = in && in->has_video ? &in->video_format : NULL,
		[TAPE_AUDIO] = in && in->has_audio ? &in->audio_format : NULL,
	};
	recording_opened(&side->control->recording, &side->media, offers);
}

static int open_call(struct side *side, const uint16_t *accept, size_t count, const struct qv_hello *peer,
		     struct qv_error *err)
{
	connection_opened(side->media.connection);
	side->media.connection->next_ring_ns = 0;
	rekeying_offer(side);
	renewer_keyed(&side->renewer);
	/* Until ways_start knows better. */
	atomic_store(&side->control->switches.held, side->transport && peer->srtp_port);
	if (side->out && outgoing_start(side->out, accept, count, err) != 0)
		return -1;
	note_agreed(side);
	note_recordable(side);
	const struct qv_call_result *result = side->result;
	struct qv_call_opened opened = {
		.peer_program = result->peer_program,
		.video = result->has_video ? &result->video : NULL,
		.audio = result->has_audio ? &result->audio : NULL,
		.sent_video = result->sends_video ? &result->sent_video : NULL,
		.sent_audio = result->sends_audio ? &result->sent_audio : NULL,
		.conference = side->in_conference ? side->conference : NULL,
	};
	if (side->observer && side->observer->opened)
		side->observer->opened(side->observer, &opened);
	rekeying_show(side);
	if (side->in && incoming_start(side->in, err) != 0)
		return -1;
	if (otp_start(side, err) != 0)
		return -1;
	ways_start(side, peer->srtp_port, peer->repairs);
	side_tell_states(side);
	connection_wake(side->media.connection); /* for what was to be told as soon as there is a call */
	return 0;
}

static struct transport *open_transport(struct side *side)
{
	return transport_open(&side->media, side->plan, &side->media.connection->link, side->role == QV_CALL_CALLER);
}

int negotiation_say_hello(struct side *side, struct qv_error *err)
{
	struct qv_hello hello = { .major = QV_SESSION_MAJOR, .minor = QV_SESSION_MINOR };
	uint8_t payload[CONTROL_PAYLOAD];
	if (program_name(side->plan))
		snprintf(hello.program, sizeof hello.program, "%s", program_name(side->plan));
	if (side->out)
		outgoing_offer(side->out, &hello);
	if (side->in)
		incoming_takes(side->in, &hello);
	if (side->plan->conference) {
		hello.in_conference = true;
		memcpy(hello.conference, side->plan->conference, sizeof hello.conference);
	}
	side->transport = open_transport(side);
	hello.srtp_port = side->transport ? side->transport->udp.port : 0;
	hello.repairs = side->transport;
	hello.otp = otp_word(&side->otp);
	hello.resume_ms = reconnect_word(side);
	int size = qv_hello_encode(&hello, payload, sizeof payload, err);
	if (size < 0)
		return -1;
	connection_send(side->media.connection, QV_RECORD_HELLO, payload, (size_t)size);
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
	side->transport = hello->srtp_port ? open_transport(side) : NULL;
	welcome.srtp_port = side->transport ? side->transport->udp.port : 0;
	welcome.repairs = side->transport;
	welcome.otp = side->otp.on ? otp_word(&side->otp) : QV_HELLO_OTP_NONE;
	welcome.resume_ms = hello->minor >= 2 ? reconnect_word(side) : 0;
	side->peer_resumes = hello->resume_ms > 0;
	for (size_t i = 0; i < welcome.offers; i++)
		offered[i] = welcome.offer[i].stream;
	if (side->plan->conference) {
		welcome.in_conference = true;
		memcpy(welcome.conference, side->plan->conference, sizeof welcome.conference);
	}
	int size = qv_hello_encode(&welcome, payload, sizeof payload, err);
	if (size < 0)
		return -1;
	connection_send(side->media.connection, QV_RECORD_WELCOME, payload, (size_t)size);
	return open_call(side, offered, welcome.offers, hello, err);
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
	side->ring = side->plan->receive ? ring_window_open(&side->media, side->plan->receive) : NULL;
	struct qv_call_event event = { .happening = QV_CALL_RINGING, .peer_program = side->result->peer_program };
	side_tell(side, &event);
	connection_wake(side->media.connection); /* the answer may be there already */
	return 0;
}

int negotiation_take_hello(struct side *side, const struct qv_record *record, struct qv_error *err)
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
	if (otp_agree(side, hello.otp, &why) != 0) {
		refuse(side, why.code == QV_E_UNSUPPORTED ? QV_REFUSE_MEDIA : QV_REFUSE_ERROR, &why);
		return 0;
	}
	return side->plan->ask ? ask(side, &hello, err) : say_welcome(side, &hello, err);
}

int negotiation_take_welcome(struct side *side, const struct qv_record *record, struct qv_error *err)
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
	side->in_conference = welcome.in_conference;
	memcpy(side->conference, welcome.conference, sizeof side->conference);
	side->media.connection->peer_minor = welcome.minor;
	side->peer_resumes = welcome.resume_ms > 0;
	snprintf(side->result->peer_program, sizeof side->result->peer_program, "%s", welcome.program);
	if (otp_agree(side, welcome.otp, err) != 0)
		return -1;
	return open_call(side, welcome.accept, welcome.accepts, &welcome, err);
}

int negotiation_take_refusal(const struct qv_record *record, struct qv_error *err)
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

int negotiation_answer(struct side *side, const struct control_asked *asked, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	if (!side->asked || !asked->answered)
		return 0;
	struct qv_hello *hello = side->asked;
	side->asked = NULL;
	ring_window_close(side->ring);
	side->ring = NULL;
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
