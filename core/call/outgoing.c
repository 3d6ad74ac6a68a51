/* SPDX-License-Identifier: Apache-2.0 */
#include "outgoing.h"

#include <stdlib.h>
#include <string.h>

#define VIDEO_STREAM 1
#define AUDIO_STREAM 2
/* Data of a fragment: small enough that sound does not wait long behind a piece of a picture on a slow line. */
#define FRAGMENT_DATA 8192

static int open_sources(struct outgoing *out, const struct qv_send_plan *plan, struct qv_error *err)
{
	bool video = role_present(plan->video_source), audio = role_present(plan->audio_source);
	if (!video && !audio)
		return qv_fail(err, QV_E_INVALID,
			       "a call with neither a video nor an audio source has nothing to send");
	if ((video && !role_present(plan->video_codec)) || (audio && !role_present(plan->audio_codec)))
		return qv_fail(err, QV_E_INVALID, "a source without a codec cannot be sent");
	out->outbox = outbox_new(err);
	if (!out->outbox)
		return -1;
	out->video_offer.stream = VIDEO_STREAM;
	out->audio_offer.stream = AUDIO_STREAM;
	if (video) {
		out->video = video_sender_open(&out->media, out->outbox, plan->video_source, plan->video_codec,
					       &out->video_offer, err);
		if (!out->video)
			return -1;
	}
	if (audio) {
		out->audio = audio_sender_open(&out->media, out->outbox, plan->audio_source, plan->audio_codec,
					       &out->audio_offer, err);
		if (!out->audio)
			return -1;
	}
	return 0;
}

struct outgoing *outgoing_open(const struct media *media, const struct qv_send_plan *plan, struct qv_error *err)
{
	struct outgoing *out = calloc(1, sizeof *out);
	if (!out) {
		qv_fail(err, QV_E_NOMEM, "no memory for what a call sends");
		return NULL;
	}
	out->media = *media;
	out->media.ledger = ledger_new(err);
	if (out->media.ledger && open_sources(out, plan, err) == 0)
		return out;
	outgoing_free(out);
	return NULL;
}

void outgoing_offer(const struct outgoing *out, struct qv_hello *hello)
{
	if (out->video)
		hello->offer[hello->offers++] = out->video_offer;
	if (out->audio)
		hello->offer[hello->offers++] = out->audio_offer;
}

static bool fits(const struct qv_hello *takes, const struct qv_stream_offer *offer)
{
	for (size_t i = 0; i < takes->takes; i++)
		if (qv_stream_take_fits(&takes->take[i], offer))
			return true;
	return false;
}

void outgoing_offer_fitting(const struct outgoing *out, const struct qv_hello *takes, struct qv_hello *hello)
{
	if (out->video && fits(takes, &out->video_offer))
		hello->offer[hello->offers++] = out->video_offer;
	if (out->audio && fits(takes, &out->audio_offer))
		hello->offer[hello->offers++] = out->audio_offer;
}

static int note_accepted(struct outgoing *out, const uint16_t *accept, size_t count, struct qv_error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (accept[i] == VIDEO_STREAM && out->video)
			out->sends_video = true;
		else if (accept[i] == AUDIO_STREAM && out->audio)
			out->sends_audio = true;
		else
			return qv_fail(err, QV_E_PROTOCOL, "the peer accepts stream %u, which was not offered",
				       accept[i]);
	}
	return 0;
}

int outgoing_start(struct outgoing *out, const uint16_t *accept, size_t count, struct qv_error *err)
{
	struct ledger *ledger = out->media.ledger;
	if (note_accepted(out, accept, count, err) != 0)
		return -1;
	if (out->video && !out->sends_video)
		qv_log_warning(out->media.host->log, "the peer takes no video (codec \"%s\")", out->video_offer.codec);
	if (out->audio && !out->sends_audio)
		qv_log_warning(out->media.host->log, "the peer takes no sound (codec \"%s\")", out->audio_offer.codec);
	ledger->video.present = out->sends_video;
	ledger->audio.present = out->sends_audio;
	if (out->sends_video && video_sender_start(out->video, err) != 0)
		return -1;
	return out->sends_audio ? audio_sender_start(out->audio, err) : 0;
}

/* Puts the next piece of a unit on the wire; true once that was the last one. */
static bool put_piece(struct outgoing *out, struct flight *flight, uint8_t type, uint16_t stream)
{
	struct wire *wire = &out->media.connection->wire;
	struct ledger *ledger = out->media.ledger;
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

static bool put_sound(struct outgoing *out)
{
	struct ledger *ledger = out->media.ledger;
	if (!out->sound.active) {
		if (!outbox_take_audio(out->outbox, &out->sound.buffer))
			return false;
		out->sound.active = true;
		out->sound.at = 0;
	}
	if (put_piece(out, &out->sound, QV_RECORD_AUDIO, AUDIO_STREAM)) {
		out->sound.active = false;
		ledger_add(ledger, &ledger->totals.audio.packets_sent, 1);
		ledger_add(ledger, &ledger->totals.audio.bytes, out->sound.buffer.size);
	}
	return true;
}

static bool put_picture(struct outgoing *out)
{
	struct ledger *ledger = out->media.ledger;
	if (!out->picture.active) {
		if (!outbox_take_video(out->outbox, &out->picture.buffer))
			return false;
		out->picture.active = true;
		out->picture.at = 0;
	}
	if (put_piece(out, &out->picture, QV_RECORD_VIDEO, VIDEO_STREAM)) {
		out->picture.active = false;
		ledger_add(ledger, &ledger->totals.video.sent, 1);
		ledger_add(ledger, &ledger->totals.video.bytes, out->picture.buffer.size);
		ledger_frame(ledger, qv_clock_now(&qv_clock_monotonic));
	}
	return true;
}

bool outgoing_fill(struct outgoing *out)
{
	return put_sound(out) || put_picture(out);
}

bool outgoing_finished(const struct outgoing *out, struct qv_error *failed)
{
	struct ledger *ledger = out->media.ledger;
	struct medium_state video = ledger_state(ledger, &ledger->video), audio = ledger_state(ledger, &ledger->audio);
	if ((video.present && !video.finished) || (audio.present && !audio.finished))
		return false;
	bool video_ended = video.present && video.error.code == QV_OK;
	bool audio_ended = audio.present && audio.error.code == QV_OK;
	if ((video.present || audio.present) && !video_ended && !audio_ended)
		*failed = video.present ? video.error : audio.error;
	return true;
}

void outgoing_free(struct outgoing *out)
{
	if (!out)
		return;
	video_sender_free(out->video);
	audio_sender_free(out->audio);
	outbox_free(out->outbox);
	unit_buffer_free(&out->picture.buffer);
	unit_buffer_free(&out->sound.buffer);
	ledger_free(out->media.ledger);
	free(out);
}
