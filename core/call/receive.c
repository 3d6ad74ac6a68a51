/* SPDX-License-Identifier: Apache-2.0 */
/* The answerer's side of a call: accepts, receives, decodes, shows and plays. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <qvisio/audiocodec.h>
#include <qvisio/videocodec.h>

#include "assembler.h"
#include "audio_receiver.h"
#include "medium.h"
#include "video_receiver.h"

/* What was received before the end may take this long to be shown and played. */
#define DRAIN_MS 3000

struct side {
	struct media media;
	const struct qv_receive_plan *plan;
	struct qv_call_observer *observer;
	struct qv_call_result *result;
	const struct qv_role *video_codec, *audio_codec;
	struct video_receiver *video;
	struct audio_receiver *audio;
	struct assembler pictures, sounds;
	struct qv_call_totals before;
	int64_t before_ns;
	int64_t latency_ns; /* median of the last second; -1 unknown */
};

static const struct qv_role *find_video_codec(const struct qv_receive_plan *plan, const char *name)
{
	for (size_t i = 0; plan->video_sink_count > 0 && i < plan->video_codec_count; i++)
		if (qv_videocodec_decodes(qv_videocodec_class(plan->video_codecs[i].class), name))
			return &plan->video_codecs[i];
	return NULL;
}

static const struct qv_role *find_audio_codec(const struct qv_receive_plan *plan, const char *name)
{
	for (size_t i = 0; plan->audio_sink_count > 0 && i < plan->audio_codec_count; i++)
		if (strcmp(qv_audiocodec_class(plan->audio_codecs[i].class)->wire_name, name) == 0)
			return &plan->audio_codecs[i];
	return NULL;
}

/* Takes the first stream of each kind that can be decoded here; the caller has put them in its order of preference. */
static void choose(struct side *side, const struct qv_hello *hello)
{
	struct qv_call_result *result = side->result;
	for (size_t i = 0; i < hello->offers; i++) {
		const struct qv_stream_offer *offer = &hello->offer[i];
		if (offer->kind == QV_STREAM_VIDEO && !result->has_video) {
			side->video_codec = find_video_codec(side->plan, offer->codec);
			result->has_video = side->video_codec != NULL;
			result->video = *offer;
		} else if (offer->kind == QV_STREAM_AUDIO && !result->has_audio) {
			side->audio_codec = find_audio_codec(side->plan, offer->codec);
			result->has_audio = side->audio_codec != NULL;
			result->audio = *offer;
		}
	}
}

static int start_media(struct side *side, struct qv_error *err)
{
	struct ledger *ledger = side->media.ledger;
	struct qv_call_result *result = side->result;
	ledger->video.present = result->has_video;
	ledger->audio.present = result->has_audio;
	if (result->has_video) {
		side->video = video_receiver_start(&side->media, side->plan, side->video_codec, &result->video, err);
		if (!side->video)
			return -1;
	}
	if (result->has_audio) {
		side->audio = audio_receiver_start(&side->media, side->plan, side->audio_codec, &result->audio, err);
		if (!side->audio)
			return -1;
	}
	return 0;
}

static int say_welcome(struct side *side, struct qv_error *err)
{
	struct qv_hello welcome = { .major = QV_SESSION_MAJOR, .minor = QV_SESSION_MINOR };
	uint8_t payload[CONTROL_PAYLOAD];
	if (side->plan->program)
		snprintf(welcome.program, sizeof welcome.program, "%s", side->plan->program);
	if (side->result->has_video)
		welcome.accept[welcome.accepts++] = side->result->video.stream;
	if (side->result->has_audio)
		welcome.accept[welcome.accepts++] = side->result->audio.stream;
	int size = qv_hello_encode(&welcome, payload, sizeof payload, err);
	if (size < 0)
		return -1;
	connection_send(side->media.connection, QV_RECORD_WELCOME, payload, (size_t)size);
	return 0;
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

static int take_hello(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	struct qv_hello hello;
	struct qv_error why = QV_ERROR_INIT;
	if (qv_hello_decode(record->payload, record->size, &hello, err) != 0)
		return -1;
	if (hello.major != QV_SESSION_MAJOR) {
		qv_fail(&why, QV_E_UNSUPPORTED, "the caller speaks version %u of the session protocol, this end %d",
			hello.major, QV_SESSION_MAJOR);
		refuse(side, QV_REFUSE_VERSION, &why);
		return 0;
	}
	snprintf(side->result->peer_program, sizeof side->result->peer_program, "%s", hello.program);
	choose(side, &hello);
	if (!side->result->has_video && !side->result->has_audio) {
		char offered[160];
		describe_offers(&hello, offered, sizeof offered);
		qv_fail(&why, QV_E_UNSUPPORTED,
			"none of the caller's streams can be decoded and shown here (offered: %s)",
			offered[0] ? offered : "none");
		refuse(side, QV_REFUSE_MEDIA, &why);
		return 0;
	}
	if (say_welcome(side, err) != 0)
		return -1;
	connection_opened(side->media.connection);
	struct qv_call_opened opened = {
		.peer_program = side->result->peer_program,
		.video = side->result->has_video ? &side->result->video : NULL,
		.audio = side->result->has_audio ? &side->result->audio : NULL,
	};
	if (side->observer && side->observer->opened)
		side->observer->opened(side->observer, &opened);
	return start_media(side, err);
}

/* Adds a fragment; true when that completes a unit, which then has its times. */
static int assemble(struct side *side, struct assembler *assembler, const struct qv_record *record,
		    struct qv_error *err)
{
	struct qv_fragment fragment;
	if (qv_fragment_decode(record->type, record->payload, record->size, &fragment, err) != 0)
		return -1;
	int complete = assembler_add(assembler, &fragment, record->flags & QV_RECORD_KEY, err);
	if (complete == 1) {
		assembler->unit.ready_ns = qv_clock_now(&qv_clock_monotonic);
		assembler->unit.captured_ns =
			connection_local_time(side->media.connection, assembler->unit.unit.capture_ns);
	}
	return complete;
}

static int take_video(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	struct ledger *ledger = side->media.ledger;
	uint64_t lost = side->pictures.lost;
	if (!side->result->has_video || record->stream != side->result->video.stream)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent video on stream %u, which was not accepted",
			       record->stream);
	int complete = assemble(side, &side->pictures, record, err);
	if (side->pictures.lost != lost)
		ledger_add(ledger, &ledger->totals.video.lost, side->pictures.lost - lost);
	if (complete != 1)
		return complete;
	ledger_add(ledger, &ledger->totals.video.received, 1);
	ledger_add(ledger, &ledger->totals.video.bytes, side->pictures.unit.size);
	video_receiver_put(side->video, &side->pictures.unit);
	return 0;
}

static int take_audio(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	struct ledger *ledger = side->media.ledger;
	if (!side->result->has_audio || record->stream != side->result->audio.stream)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent sound on stream %u, which was not accepted",
			       record->stream);
	int complete = assemble(side, &side->sounds, record, err);
	if (complete != 1)
		return complete;
	ledger_add(ledger, &ledger->totals.audio.packets_received, 1);
	ledger_add(ledger, &ledger->totals.audio.bytes, side->sounds.unit.size);
	audio_receiver_put(side->audio, &side->sounds.unit);
	return 0;
}

static int take_record(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	switch (record->type) {
	case QV_RECORD_HELLO:
		return take_hello(side, record, err);
	case QV_RECORD_VIDEO:
		return take_video(side, record, err);
	case QV_RECORD_AUDIO:
		return take_audio(side, record, err);
	case QV_RECORD_STATS:
		return 0; /* from a peer that also receives */
	default:
		return qv_fail(err, QV_E_PROTOCOL, "the caller sent a record of type %u, which only an answerer sends",
			       record->type);
	}
}

static int woken(struct side *side, struct qv_error *err)
{
	struct ledger *ledger = side->media.ledger;
	struct medium_state video = ledger_state(ledger, &ledger->video), audio = ledger_state(ledger, &ledger->audio);
	if (video.closed) {
		connection_bye(side->media.connection, QV_BYE_CLOSED, NULL, QV_CALL_WINDOW_CLOSED);
		return 0;
	}
	if (side->media.connection->phase != PHASE_OPEN || (video.present && !video.finished) ||
	    (audio.present && !audio.finished))
		return 0;
	/* Both threads are gone before the end of the call. Without an error they were stopped by the host. */
	if (video.error.code == QV_OK && audio.error.code == QV_OK)
		return 0;
	*err = video.error.code != QV_OK ? video.error : audio.error;
	return -1;
}

static void report(struct side *side)
{
	struct ledger *ledger = side->media.ledger;
	struct qv_call_totals totals = ledger_totals(ledger);
	pthread_mutex_lock(&ledger->lock);
	int64_t depth = ledger->jitter_buffer_ns;
	pthread_mutex_unlock(&ledger->lock);
	struct qv_receiver_report told = {
		.bytes = side->media.connection->wire.bytes_in,
		.video_received = totals.video.received,
		.video_shown = totals.video.shown,
		.video_dropped = totals.video.dropped_inbox + totals.video.damaged,
		.audio_received = totals.audio.packets_received,
		.audio_played = totals.audio.played,
		.audio_concealed = totals.audio.concealed,
		.latency_us = side->latency_ns < 0 ? -1 : side->latency_ns / 1000,
		.jitter_buffer_us = depth < 0 ? 0 : span_us(0, depth),
	};
	uint8_t payload[QV_STATS_SIZE];
	qv_stats_encode(&told, payload);
	connection_send(side->media.connection, QV_RECORD_STATS, payload, sizeof payload);
}

static void second(struct side *side, bool last)
{
	struct ledger *ledger = side->media.ledger;
	struct qv_call_stats stats = { 0 };
	int64_t median = ledger_interval(ledger);
	if (median >= 0 || !last)
		side->latency_ns = median;
	report(side);
	if (last || !side->observer || !side->observer->stats)
		return;
	media_stats(&side->media, &side->before, &side->before_ns, &stats);
	pthread_mutex_lock(&ledger->lock);
	stats.jitter_buffer_ms = ledger->jitter_buffer_ns < 0 ? -1 : (double)ledger->jitter_buffer_ns / 1e6;
	pthread_mutex_unlock(&ledger->lock);
	stats.latency_ms = median < 0 ? -1 : (double)median / 1e6;
	side->observer->stats(side->observer, &stats);
}

static const struct side_class receiver_class = { take_record, NULL, woken, second };

static bool finished(struct side *side)
{
	struct ledger *ledger = side->media.ledger;
	struct medium_state video = ledger_state(ledger, &ledger->video), audio = ledger_state(ledger, &ledger->audio);
	return (!side->video || video.finished) && (!side->audio || audio.finished);
}

/* Lets what was received be shown and played, unless somebody here ended the call. */
static void drain(struct side *side)
{
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + DRAIN_MS * QV_NS_PER_MS;
	enum qv_call_end end = side->media.connection->end;
	if (end == QV_CALL_CANCELLED || end == QV_CALL_WINDOW_CLOSED)
		return;
	video_receiver_end(side->video);
	audio_receiver_end(side->audio);
	while (!finished(side)) {
		int64_t left = deadline - qv_clock_now(&qv_clock_monotonic);
		uint64_t count;
		if (left <= 0 || qv_wait_fd(side->media.connection->wake_fd, POLLIN, (int)(left / QV_NS_PER_MS) + 1,
					    side->media.host->cancel_fd, NULL) <= 0)
			return;
		ssize_t got = read(side->media.connection->wake_fd, &count, sizeof count);
		(void)got;
	}
}

int qv_call_receive(const struct qv_link *link, const struct qv_receive_plan *plan, const struct qv_host *host,
		    struct qv_call_observer *observer, struct qv_call_result *result, struct qv_error *err)
{
	struct side side = { .plan = plan, .observer = observer, .result = result, .latency_ns = -1 };
	*result = (struct qv_call_result){ .end = QV_CALL_FAILED, .rtt_ms = -1 };
	if (media_init(&side.media, link, host, &plan->limits, err) != 0)
		return -1;
	int outcome = connection_run(side.media.connection, &receiver_class, &side, err);
	drain(&side);
	stop_raise(&side.media.stop);
	video_receiver_free(side.video);
	audio_receiver_free(side.audio);
	media_result(&side.media, result);
	assembler_free(&side.pictures);
	assembler_free(&side.sounds);
	media_clear(&side.media);
	return outcome;
}
