/* SPDX-License-Identifier: Apache-2.0 */
#include "outgoing.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/audiocodec.h>
#include <qvisio/videocodec.h>
#include "control.h"
#include "otp.h"

#define VIDEO_STREAM 1
#define AUDIO_STREAM 2
/* Data of a fragment: small enough that sound does not wait long behind a piece of a picture on a slow line. */
#define FRAGMENT_DATA 8192
/* Pixels a second for each bit that make a picture good enough. */
#define GOOD_PIXELS 10

static int check_codecs(const char *kind, const struct qv_role *codecs, size_t count, struct qv_error *err)
{
	if (!role_present(codecs) || count < 1)
		return qv_fail(err, QV_E_INVALID, "a source without a codec cannot be sent (%s)", kind);
	if (count > QV_CALL_CODECS_MAX)
		return qv_fail(err, QV_E_INVALID, "%zu %s codecs are more than the %d that can be offered", count, kind,
			       QV_CALL_CODECS_MAX);
	return 0;
}

static int open_video(struct outgoing *out, const struct qv_send_plan *plan, struct qv_error *err)
{
	const struct qv_role *codecs = plan->video_codecs;
	if (check_codecs("video", codecs, plan->video_codec_count, err) != 0)
		return -1;
	out->video = video_sender_open(&out->media, out->outbox, plan->video_source, codecs, &out->video_offer, err);
	return out->video ? offers_add(&out->offers, &out->video_offer, codecs, plan->video_codec_count, err) : -1;
}

static int open_audio(struct outgoing *out, const struct qv_send_plan *plan, struct qv_error *err)
{
	const struct qv_role *codecs = plan->audio_codecs;
	if (check_codecs("audio", codecs, plan->audio_codec_count, err) != 0)
		return -1;
	out->audio = audio_sender_open(&out->media, out->outbox, plan->audio_source, codecs, &out->audio_offer, err);
	if (out->audio && role_present(plan->audio_filter) &&
	    audio_sender_filter(out->audio, plan->audio_filter, err) != 0)
		return -1;
	return out->audio ? offers_add(&out->offers, &out->audio_offer, codecs, plan->audio_codec_count, err) : -1;
}

static int open_sources(struct outgoing *out, const struct qv_send_plan *plan, struct qv_error *err)
{
	bool video = role_present(plan->video_source), audio = role_present(plan->audio_source);
	if (!video && !audio)
		return qv_fail(err, QV_E_INVALID,
			       "a call with neither a video nor an audio source has nothing to send");
	out->outbox = outbox_new(err);
	if (!out->outbox)
		return -1;
	out->video_offer.stream = VIDEO_STREAM;
	out->audio_offer.stream = AUDIO_STREAM;
	if (video && open_video(out, plan, err) != 0)
		return -1;
	return audio ? open_audio(out, plan, err) : 0;
}

struct outgoing *outgoing_open(const struct media *media, const struct qv_send_plan *plan, struct qv_error *err)
{
	struct outgoing *out = calloc(1, sizeof *out);
	if (!out) {
		qv_fail(err, QV_E_NOMEM, "no memory for what a call sends");
		return NULL;
	}
	out->media = *media;
	out->media.adapt_size = plan->adapt_size;
	out->media.ledger = ledger_new(err);
	if (out->media.ledger && open_sources(out, plan, err) == 0)
		return out;
	outgoing_free(out);
	return NULL;
}

void outgoing_offer(const struct outgoing *out, struct qv_hello *hello)
{
	offers_say(&out->offers, hello);
}

void outgoing_offer_fitting(const struct outgoing *out, const struct qv_hello *takes, struct qv_hello *hello)
{
	offers_say_fitting(&out->offers, takes, hello);
}

/* What a codec begins with, where its options say so. */
static int64_t option_bitrate(const struct qv_role *codec)
{
	for (const struct qv_option *option = codec->class->options; option && option->name; option++)
		if (strcmp(option->name, "bitrate") == 0 && option->type == QV_OPTION_INT && codec->options)
			return qv_options_int(codec->options, "bitrate");
	return 0;
}

static void note_wish(struct outgoing *out, const struct offered *offered)
{
	const struct qv_stream_offer *offer = &offered->stream;
	int64_t begins = option_bitrate(offered->codec);
	if (offer->kind == QV_STREAM_VIDEO) {
		const struct qv_video_format *format = &offer->video;
		int64_t fps = format->fps_num > 0 && format->fps_den > 0 ? format->fps_num / format->fps_den : 30;
		int64_t good = (int64_t)format->width * format->height * (fps > 0 ? fps : 1) / GOOD_PIXELS;
		out->picture_wish = (struct share_wish){
			.present = true,
			.adaptive = qv_videocodec_class(offered->codec->class)->adjust != NULL,
			.most = good > begins ? good : begins,
		};
		return;
	}
	const struct qv_audio_format *format = &offer->audio;
	out->sound_wish = (struct share_wish){
		.present = true,
		.adaptive = begins > 0 && qv_audiocodec_class(offered->codec->class)->adjust != NULL,
		.most = begins > 0 ? begins : (int64_t)format->rate * format->channels * 16,
		.packets = (int)((uint32_t)format->rate / offer->block_frames + 1),
	};
}

static int note_accepted(struct outgoing *out, uint16_t stream, struct qv_error *err)
{
	const struct offered *offered = offers_find(&out->offers, stream);
	if (!offered)
		return qv_fail(err, QV_E_PROTOCOL, "the peer accepts stream %u, which was not offered", stream);
	bool video = offered->stream.kind == QV_STREAM_VIDEO;
	if (video ? out->sends_video : out->sends_audio)
		return qv_fail(err, QV_E_PROTOCOL, "the peer accepts two %s streams", video ? "video" : "audio");
	*(video ? &out->sends_video : &out->sends_audio) = true;
	*(video ? &out->video_offer : &out->audio_offer) = offered->stream;
	note_wish(out, offered);
	return video ? video_sender_choose(out->video, offered->codec, err)
		     : audio_sender_choose(out->audio, offered->codec, err);
}

int outgoing_start(struct outgoing *out, const uint16_t *accept, size_t count, struct qv_error *err)
{
	struct ledger *ledger = out->media.ledger;
	for (size_t i = 0; i < count; i++)
		if (note_accepted(out, accept[i], err) != 0)
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

void outgoing_leaves(struct outgoing *out, enum qv_stream_kind kind, struct unit_buffer *unit, int64_t now)
{
	struct ledger *ledger = out->media.ledger;
	unit->unit.queue_us = span_us(unit->ready_ns, now);
	if (kind != QV_STREAM_VIDEO)
		return;
	ledger_stage(ledger, QV_STAGE_CAPTURE, unit->unit.capture_us * INT64_C(1000));
	ledger_stage(ledger, QV_STAGE_ENCODE, unit->unit.encode_us * INT64_C(1000));
	ledger_stage(ledger, QV_STAGE_QUEUE, unit->unit.queue_us * INT64_C(1000));
}

void outgoing_left(struct outgoing *out, enum qv_stream_kind kind, size_t size, int64_t now)
{
	struct ledger *ledger = out->media.ledger;
	bool video = kind == QV_STREAM_VIDEO;
	ledger_add(ledger, video ? &ledger->totals.video.sent : &ledger->totals.audio.packets_sent, 1);
	ledger_add(ledger, video ? &ledger->totals.video.bytes : &ledger->totals.audio.bytes, size);
	if (video)
		ledger_frame(ledger, now);
}

/* In the session: the encoder learns what that carries. */
static void begin_flight(struct outgoing *out, enum qv_stream_kind kind, struct unit_buffer *unit)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	const struct share_wish *wish = &out->picture_wish;
	outgoing_leaves(out, kind, unit, now);
	if (kind == QV_STREAM_VIDEO && wish->adaptive)
		atomic_store(&out->media.control->switches.bitrate[QV_STREAM_VIDEO],
			     stream_rate_note(&out->stream_rate, now - unit->ready_ns,
					      out->media.connection->wire.bytes_out, wish->most, now));
}

/* Puts the next piece of a unit on the wire; true once that was the last one. */
static bool put_piece(struct outgoing *out, struct flight *flight, uint8_t type, uint16_t stream)
{
	struct wire *wire = &out->media.connection->wire;
	struct unit_buffer *buffer = &flight->buffer;
	if (flight->at == 0)
		begin_flight(out, type == QV_RECORD_VIDEO ? QV_STREAM_VIDEO : QV_STREAM_AUDIO, buffer);
	uint8_t *payload = wire_payload(wire);
	size_t header = qv_fragment_put_header(payload, &buffer->unit, (uint32_t)flight->at);
	size_t size = buffer->size - flight->at < FRAGMENT_DATA ? buffer->size - flight->at : FRAGMENT_DATA;
	memcpy(payload + header, buffer->data + flight->at, size);
	flight->at += size;
	wire_put(wire, type, buffer->key ? QV_RECORD_KEY : 0, stream, header + size);
	return flight->at == buffer->size;
}

/* The only way of sound out of here: under its one-time pad where the call has one, or not at all. */
static bool next_sound(struct outgoing *out)
{
	struct ledger *ledger = out->media.ledger;
	while (outbox_take_audio(out->outbox, &out->sound.buffer)) {
		if (otp_seal(out->media.otp, &out->sound.buffer))
			return true;
		ledger_add(ledger, &ledger->totals.audio.dropped_outbox, 1);
	}
	return false;
}

static bool put_sound(struct outgoing *out)
{
	if (!out->sound.active) {
		if (out->audio_elsewhere || !next_sound(out))
			return false;
		out->sound.active = true;
		out->sound.at = 0;
	}
	if (put_piece(out, &out->sound, QV_RECORD_AUDIO, out->audio_offer.stream)) {
		out->sound.active = false;
		outgoing_left(out, QV_STREAM_AUDIO, out->sound.buffer.size, qv_clock_now(&qv_clock_monotonic));
	}
	return true;
}

static bool put_picture(struct outgoing *out)
{
	if (!out->picture.active) {
		if (out->video_elsewhere || !outbox_take_video(out->outbox, &out->picture.buffer))
			return false;
		if (out->want_key && !out->picture.buffer.key) {
			ledger_add(out->media.ledger, &out->media.ledger->totals.video.dropped_outbox, 1);
			return false;
		}
		out->want_key = false;
		out->picture.active = true;
		out->picture.at = 0;
	}
	if (put_piece(out, &out->picture, QV_RECORD_VIDEO, out->video_offer.stream)) {
		out->picture.active = false;
		outgoing_left(out, QV_STREAM_VIDEO, out->picture.buffer.size, qv_clock_now(&qv_clock_monotonic));
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
