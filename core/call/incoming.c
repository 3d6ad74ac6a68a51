/* SPDX-License-Identifier: Apache-2.0 */
#include "incoming.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qvisio/audiocodec.h>
#include <qvisio/videocodec.h>

#include "lip_sync.h"
#include "otp.h"

/* What was received before the end may take this long to be shown and played. */
#define DRAIN_MS 3000

struct incoming *incoming_new(const struct media *media, const struct qv_receive_plan *plan, struct qv_error *err)
{
	struct incoming *in = calloc(1, sizeof *in);
	if (!in) {
		qv_fail(err, QV_E_NOMEM, "no memory for what a call receives");
		return NULL;
	}
	in->media = *media;
	in->plan = plan;
	in->media.ledger = ledger_new(err);
	in->media.lip_sync = in->media.ledger ? lip_sync_new(err) : NULL;
	if (in->media.lip_sync)
		return in;
	ledger_free(in->media.ledger);
	free(in);
	return NULL;
}

static void add_take(struct qv_hello *hello, const struct qv_stream_take *most, const char *codec)
{
	if (hello->takes == QV_SESSION_TAKES_MAX)
		return;
	struct qv_stream_take *take = &hello->take[hello->takes++];
	*take = *most;
	snprintf(take->codec, sizeof take->codec, "%s", codec);
}

void incoming_takes(const struct incoming *in, struct qv_hello *hello)
{
	static const struct qv_stream_take video = { .kind = QV_STREAM_VIDEO,
						     .width = QV_VIDEO_SIDE_MAX,
						     .height = QV_VIDEO_SIDE_MAX };
	static const struct qv_stream_take audio = { .kind = QV_STREAM_AUDIO, .rate = 192000, .channels = 8 };
	const struct qv_receive_plan *plan = in->plan;
	for (size_t i = 0; plan->video_sink_count > 0 && i < plan->video_codec_count; i++) {
		const struct qv_videocodec_class *codec = qv_videocodec_class(plan->video_codecs[i].class);
		for (const char *const *name = codec->wire_names; *name; name++)
			add_take(hello, &video, *name);
	}
	for (size_t i = 0; plan->audio_sink_count > 0 && i < plan->audio_codec_count; i++)
		add_take(hello, &audio, qv_audiocodec_class(plan->audio_codecs[i].class)->wire_name);
}

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
bool incoming_choose(struct incoming *in, const struct qv_hello *hello)
{
	for (size_t i = 0; i < hello->offers; i++) {
		const struct qv_stream_offer *offer = &hello->offer[i];
		if (offer->kind == QV_STREAM_VIDEO && !in->has_video) {
			in->video_codec = find_video_codec(in->plan, offer->codec);
			in->has_video = in->video_codec != NULL;
			in->video_format = *offer;
		} else if (offer->kind == QV_STREAM_AUDIO && !in->has_audio) {
			in->audio_codec = find_audio_codec(in->plan, offer->codec);
			in->has_audio = in->audio_codec != NULL;
			in->audio_format = *offer;
		}
	}
	return in->has_video || in->has_audio;
}

int incoming_start(struct incoming *in, struct qv_error *err)
{
	struct ledger *ledger = in->media.ledger;
	ledger->video.present = in->has_video;
	ledger->audio.present = in->has_audio;
	if (in->has_video) {
		in->video = video_receiver_start(&in->media, in->plan, in->video_codec, &in->video_format, err);
		if (!in->video)
			return -1;
	}
	if (in->has_audio) {
		in->audio = audio_receiver_start(&in->media, in->plan, in->audio_codec, &in->audio_format, err);
		if (!in->audio)
			return -1;
	}
	return 0;
}

/* Adds a fragment; true when that completes a unit, which then has its times. */
static int assemble(struct incoming *in, struct assembler *assembler, const struct qv_record *record,
		    struct qv_error *err)
{
	struct qv_fragment fragment;
	if (qv_fragment_decode(record->type, record->payload, record->size, &fragment, err) != 0)
		return -1;
	int complete = assembler_add(assembler, &fragment, record->flags & QV_RECORD_KEY, err);
	if (complete == 1) {
		assembler->unit.ready_ns = qv_clock_now(&qv_clock_monotonic);
		assembler->unit.captured_ns =
			connection_local_time(in->media.connection, assembler->unit.unit.capture_ns);
	}
	return complete;
}

/* Counts what the peer has left out, or what was lost. False: it comes too late to be of use. */
static bool follows(struct incoming *in, uint64_t sequence)
{
	struct ledger *ledger = in->media.ledger;
	if (in->any_picture && sequence <= in->last_picture)
		return false;
	if (in->any_picture && sequence - in->last_picture > 1)
		ledger_add(ledger, &ledger->totals.video.lost, sequence - in->last_picture - 1);
	in->any_picture = true;
	in->last_picture = sequence;
	return true;
}

void incoming_unit(struct incoming *in, enum qv_stream_kind kind, struct unit_buffer *unit)
{
	struct ledger *ledger = in->media.ledger;
	if (kind == QV_STREAM_VIDEO && follows(in, unit->unit.sequence)) {
		ledger_add(ledger, &ledger->totals.video.received, 1);
		ledger_add(ledger, &ledger->totals.video.bytes, unit->size);
		video_receiver_put(in->video, unit);
	} else if (kind == QV_STREAM_AUDIO) {
		/* Samples come in several pieces over UDP. */
		if (!in->any_sound || unit->unit.sequence != in->last_sound)
			ledger_add(ledger, &ledger->totals.audio.packets_received, 1);
		in->any_sound = true;
		in->last_sound = unit->unit.sequence;
		ledger_add(ledger, &ledger->totals.audio.bytes, unit->size);
		audio_receiver_put(in->audio, unit);
	}
}

int incoming_video(struct incoming *in, const struct qv_record *record, struct qv_error *err)
{
	if (!in->has_video || record->stream != in->video_format.stream)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent video on stream %u, which was not accepted",
			       record->stream);
	int complete = assemble(in, &in->pictures, record, err);
	if (complete != 1)
		return complete;
	incoming_unit(in, QV_STREAM_VIDEO, &in->pictures.unit);
	return 0;
}

int incoming_audio(struct incoming *in, const struct qv_record *record, struct qv_error *err)
{
	if (!in->has_audio || record->stream != in->audio_format.stream)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent sound on stream %u, which was not accepted",
			       record->stream);
	int complete = assemble(in, &in->sounds, record, err);
	if (complete != 1)
		return complete;
	int opened = otp_open(in->media.otp, &in->sounds.unit, err);
	if (opened != 1)
		return opened;
	incoming_unit(in, QV_STREAM_AUDIO, &in->sounds.unit);
	return 0;
}

enum qv_stream_kind incoming_state(struct incoming *in, const struct qv_stream_state *state)
{
	bool ended = state->bits & QV_STREAM_ENDED;
	if (in->has_video && state->stream == in->video_format.stream) {
		in->video_ended = ended;
		return QV_STREAM_VIDEO;
	}
	if (in->has_audio && state->stream == in->audio_format.stream) {
		in->audio_ended = ended;
		return QV_STREAM_AUDIO;
	}
	return (enum qv_stream_kind)0;
}

bool incoming_ended(const struct incoming *in)
{
	return (!in->has_video || in->video_ended) && (!in->has_audio || in->audio_ended);
}

void incoming_report(struct incoming *in, int64_t latency_ns)
{
	struct ledger *ledger = in->media.ledger;
	struct qv_call_totals totals = ledger_totals(ledger);
	pthread_mutex_lock(&ledger->lock);
	int64_t depth = ledger->jitter_buffer_ns;
	pthread_mutex_unlock(&ledger->lock);
	struct qv_receiver_report told = {
		.bytes = in->media.connection->wire.bytes_in + in->media.connection->udp_bytes_in,
		.video_received = totals.video.received,
		.video_shown = totals.video.shown,
		.video_dropped = totals.video.dropped_inbox + totals.video.damaged,
		.audio_received = totals.audio.packets_received,
		.audio_played = totals.audio.played,
		.audio_concealed = totals.audio.concealed,
		.latency_us = latency_ns < 0 ? -1 : latency_ns / 1000,
		.jitter_buffer_us = depth < 0 ? 0 : span_us(0, depth),
	};
	uint8_t payload[QV_STATS_SIZE];
	qv_stats_encode(&told, payload);
	connection_send(in->media.connection, QV_RECORD_STATS, payload, sizeof payload);
}

static bool finished(const struct incoming *in)
{
	struct ledger *ledger = in->media.ledger;
	struct medium_state video = ledger_state(ledger, &ledger->video), audio = ledger_state(ledger, &ledger->audio);
	return (!in->video || video.finished) && (!in->audio || audio.finished);
}

void incoming_drain(struct incoming *in)
{
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + DRAIN_MS * QV_NS_PER_MS;
	video_receiver_end(in->video);
	audio_receiver_end(in->audio);
	while (!finished(in)) {
		int64_t left = deadline - qv_clock_now(&qv_clock_monotonic);
		uint64_t count;
		if (left <= 0 || qv_wait_fd(in->media.connection->wake_fd, POLLIN, (int)(left / QV_NS_PER_MS) + 1,
					    in->media.host->cancel_fd, NULL) <= 0)
			return;
		ssize_t got = read(in->media.connection->wake_fd, &count, sizeof count);
		(void)got;
	}
}

void incoming_free(struct incoming *in)
{
	if (!in)
		return;
	video_receiver_free(in->video);
	audio_receiver_free(in->audio);
	assembler_free(&in->pictures);
	assembler_free(&in->sounds);
	lip_sync_free(in->media.lip_sync);
	ledger_free(in->media.ledger);
	free(in);
}
