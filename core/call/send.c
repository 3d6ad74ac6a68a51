/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side of a call: offers, captures, encodes, sends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio_sender.h"
#include "medium.h"
#include "outbox.h"
#include "video_sender.h"

#define VIDEO_STREAM 1
#define AUDIO_STREAM 2
/* Data of a fragment: small enough that sound does not wait long behind a piece of a picture on a slow line. */
#define FRAGMENT_DATA 8192

/* A unit on its way in pieces. */
struct flight {
	struct unit_buffer buffer;
	size_t at;
	bool active;
};

struct side {
	struct media media;
	const struct qv_send_plan *plan;
	struct qv_call_observer *observer;
	struct qv_call_result *result;
	struct outbox *outbox;
	struct video_sender *video;
	struct audio_sender *audio;
	struct qv_stream_offer video_offer, audio_offer;
	struct flight picture, sound;
	bool ended; /* all sources */
	struct qv_call_totals before;
	int64_t before_ns;
};

static bool accepted(const struct qv_hello *welcome, uint16_t stream)
{
	for (size_t i = 0; i < welcome->accepts; i++)
		if (welcome->accept[i] == stream)
			return true;
	return false;
}

static int check_accepts(const struct side *side, const struct qv_hello *welcome, struct qv_error *err)
{
	for (size_t i = 0; i < welcome->accepts; i++)
		if (!(welcome->accept[i] == VIDEO_STREAM && side->video) &&
		    !(welcome->accept[i] == AUDIO_STREAM && side->audio))
			return qv_fail(err, QV_E_PROTOCOL, "the peer accepts stream %u, which was not offered",
				       welcome->accept[i]);
	if (welcome->accepts == 0)
		return qv_fail(err, QV_E_PROTOCOL, "the peer welcomes the call but accepts no stream");
	return 0;
}

static int start_media(struct side *side, const struct qv_hello *welcome, struct qv_error *err)
{
	struct ledger *ledger = side->media.ledger;
	side->result->has_video = side->video && accepted(welcome, VIDEO_STREAM);
	side->result->has_audio = side->audio && accepted(welcome, AUDIO_STREAM);
	side->result->video = side->video_offer;
	side->result->audio = side->audio_offer;
	if (side->video && !side->result->has_video)
		qv_log_warning(side->media.host->log, "the peer takes no video (codec \"%s\")",
			       side->video_offer.codec);
	if (side->audio && !side->result->has_audio)
		qv_log_warning(side->media.host->log, "the peer takes no sound (codec \"%s\")",
			       side->audio_offer.codec);
	ledger->video.present = side->result->has_video;
	ledger->audio.present = side->result->has_audio;
	if (side->result->has_video && video_sender_start(side->video, err) != 0)
		return -1;
	return side->result->has_audio ? audio_sender_start(side->audio, err) : 0;
}

static int take_welcome(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	struct qv_hello welcome;
	if (qv_hello_decode(record->payload, record->size, &welcome, err) != 0)
		return -1;
	if (welcome.major != QV_SESSION_MAJOR)
		return qv_fail(err, QV_E_PROTOCOL, "the peer speaks version %u.%u of the session protocol, we %d.%d",
			       welcome.major, welcome.minor, QV_SESSION_MAJOR, QV_SESSION_MINOR);
	if (check_accepts(side, &welcome, err) != 0)
		return -1;
	snprintf(side->result->peer_program, sizeof side->result->peer_program, "%s", welcome.program);
	connection_opened(side->media.connection);
	if (start_media(side, &welcome, err) != 0)
		return -1;
	struct qv_call_opened opened = {
		.peer_program = side->result->peer_program,
		.video = side->result->has_video ? &side->result->video : NULL,
		.audio = side->result->has_audio ? &side->result->audio : NULL,
	};
	if (side->observer && side->observer->opened)
		side->observer->opened(side->observer, &opened);
	return 0;
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

static int take_record(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	switch (record->type) {
	case QV_RECORD_WELCOME:
		return take_welcome(side, record, err);
	case QV_RECORD_REFUSE:
		return take_refusal(record, err);
	case QV_RECORD_STATS:
		if (qv_stats_decode(record->payload, record->size, &side->result->report, err) != 0)
			return -1;
		side->result->report_valid = true;
		return 0;
	default:
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent a record of type %u to a caller who only sends",
			       record->type);
	}
}

/* Puts the next piece of a unit on the wire; true once that was the last one. */
static bool put_piece(struct side *side, struct flight *flight, uint8_t type, uint16_t stream)
{
	struct wire *wire = &side->media.connection->wire;
	struct ledger *ledger = side->media.ledger;
	struct unit_buffer *buffer = &flight->buffer;
	if (flight->at == 0) {
		buffer->unit.queue_us = span_us(buffer->ready_ns, qv_clock_now(&qv_clock_monotonic));
		if (type == QV_RECORD_VIDEO) {
			ledger_stage(ledger, QV_STAGE_CAPTURE, buffer->unit.capture_us * INT64_C(1000));
			ledger_stage(ledger, QV_STAGE_ENCODE, buffer->unit.encode_us * INT64_C(1000));
			ledger_stage(ledger, QV_STAGE_QUEUE, buffer->unit.queue_us * INT64_C(1000));
		}
	}
	uint8_t *payload = wire_payload(wire);
	size_t header = qv_fragment_put_header(payload, &buffer->unit, (uint32_t)flight->at);
	size_t size = buffer->size - flight->at < FRAGMENT_DATA ? buffer->size - flight->at : FRAGMENT_DATA;
	memcpy(payload + header, buffer->data + flight->at, size);
	flight->at += size;
	wire_put(wire, type, buffer->key ? QV_RECORD_KEY : 0, stream, header + size);
	return flight->at == buffer->size;
}

static bool put_sound(struct side *side)
{
	struct ledger *ledger = side->media.ledger;
	if (!side->sound.active) {
		if (!outbox_take_audio(side->outbox, &side->sound.buffer))
			return false;
		side->sound.active = true;
		side->sound.at = 0;
	}
	if (put_piece(side, &side->sound, QV_RECORD_AUDIO, AUDIO_STREAM)) {
		side->sound.active = false;
		ledger_add(ledger, &ledger->totals.audio.packets_sent, 1);
		ledger_add(ledger, &ledger->totals.audio.bytes, side->sound.buffer.size);
	}
	return true;
}

static bool put_picture(struct side *side)
{
	struct ledger *ledger = side->media.ledger;
	if (!side->picture.active) {
		if (!outbox_take_video(side->outbox, &side->picture.buffer))
			return false;
		side->picture.active = true;
		side->picture.at = 0;
	}
	if (put_piece(side, &side->picture, QV_RECORD_VIDEO, VIDEO_STREAM)) {
		side->picture.active = false;
		ledger_add(ledger, &ledger->totals.video.sent, 1);
		ledger_add(ledger, &ledger->totals.video.bytes, side->picture.buffer.size);
		ledger_frame(ledger, qv_clock_now(&qv_clock_monotonic));
	}
	return true;
}

static bool fill(struct side *side)
{
	if (put_sound(side) || put_picture(side))
		return true;
	if (side->ended && outbox_empty(side->outbox))
		connection_bye(side->media.connection, QV_BYE_ENDED, NULL, QV_CALL_SOURCES_ENDED);
	return false;
}

/* A thread may have put something into the outbox (sent on the way out of here) or come to its end. */
static int woken(struct side *side, struct qv_error *err)
{
	struct ledger *ledger = side->media.ledger;
	struct medium_state video = ledger_state(ledger, &ledger->video), audio = ledger_state(ledger, &ledger->audio);
	if (side->media.connection->phase != PHASE_OPEN || (video.present && !video.finished) ||
	    (audio.present && !audio.finished))
		return 0;
	bool video_ended = video.present && video.error.code == QV_OK;
	bool audio_ended = audio.present && audio.error.code == QV_OK;
	if (!video_ended && !audio_ended) {
		*err = video.present ? video.error : audio.error;
		return -1;
	}
	side->ended = true;
	return 0;
}

static void second(struct side *side, bool last)
{
	struct qv_call_stats stats = { .latency_ms = -1, .jitter_buffer_ms = -1 };
	if (last || !side->observer || !side->observer->stats)
		return;
	media_stats(&side->media, &side->before, &side->before_ns, &stats);
	stats.report_valid = side->result->report_valid;
	stats.report = side->result->report;
	if (stats.report_valid && stats.report.latency_us >= 0)
		stats.latency_ms = (double)stats.report.latency_us / 1000;
	if (stats.report_valid && side->result->has_audio)
		stats.jitter_buffer_ms = stats.report.jitter_buffer_us / 1000.0;
	side->observer->stats(side->observer, &stats);
}

static const struct side_class sender_class = { take_record, fill, woken, second };

static int open_sources(struct side *side, struct qv_error *err)
{
	const struct qv_send_plan *plan = side->plan;
	bool video = role_present(plan->video_source), audio = role_present(plan->audio_source);
	if (!video && !audio)
		return qv_fail(err, QV_E_INVALID,
			       "a call with neither a video nor an audio source has nothing to send");
	if ((video && !role_present(plan->video_codec)) || (audio && !role_present(plan->audio_codec)))
		return qv_fail(err, QV_E_INVALID, "a source without a codec cannot be sent");
	side->outbox = outbox_new(err);
	if (!side->outbox)
		return -1;
	side->video_offer.stream = VIDEO_STREAM;
	side->audio_offer.stream = AUDIO_STREAM;
	if (video) {
		side->video = video_sender_open(&side->media, side->outbox, plan->video_source, plan->video_codec,
						&side->video_offer, err);
		if (!side->video)
			return -1;
	}
	if (audio) {
		side->audio = audio_sender_open(&side->media, side->outbox, plan->audio_source, plan->audio_codec,
						&side->audio_offer, err);
		if (!side->audio)
			return -1;
	}
	return 0;
}

static int say_hello(struct side *side, struct qv_error *err)
{
	struct qv_hello hello = { .major = QV_SESSION_MAJOR, .minor = QV_SESSION_MINOR };
	uint8_t payload[CONTROL_PAYLOAD];
	if (side->plan->program)
		snprintf(hello.program, sizeof hello.program, "%s", side->plan->program);
	if (side->video)
		hello.offer[hello.offers++] = side->video_offer;
	if (side->audio)
		hello.offer[hello.offers++] = side->audio_offer;
	int size = qv_hello_encode(&hello, payload, sizeof payload, err);
	if (size < 0)
		return -1;
	connection_send(side->media.connection, QV_RECORD_HELLO, payload, (size_t)size);
	return 0;
}

/* Without sources there is no call; the peer is told so in place of HELLO. */
static int give_up_early(struct side *side, struct qv_error *err)
{
	struct qv_error failure = *err;
	connection_bye(side->media.connection, QV_BYE_FAILED, NULL, QV_CALL_FAILED);
	connection_run(side->media.connection, &sender_class, side, NULL);
	*err = failure;
	return -1;
}

int qv_call_send(const struct qv_link *link, const struct qv_send_plan *plan, const struct qv_host *host,
		 struct qv_call_observer *observer, struct qv_call_result *result, struct qv_error *err)
{
	struct side side = { .plan = plan, .observer = observer, .result = result };
	struct qv_error own = QV_ERROR_INIT;
	*result = (struct qv_call_result){ .end = QV_CALL_FAILED, .rtt_ms = -1 };
	if (!err)
		err = &own;
	if (media_init(&side.media, link, host, &plan->limits, err) != 0)
		return -1;
	int outcome;
	if (open_sources(&side, err) != 0 || say_hello(&side, err) != 0)
		outcome = give_up_early(&side, err);
	else
		outcome = connection_run(side.media.connection, &sender_class, &side, err);
	stop_raise(&side.media.stop);
	video_sender_free(side.video);
	audio_sender_free(side.audio);
	media_result(&side.media, result);
	outbox_free(side.outbox);
	unit_buffer_free(&side.picture.buffer);
	unit_buffer_free(&side.sound.buffer);
	media_clear(&side.media);
	return outcome;
}
