/* SPDX-License-Identifier: Apache-2.0 */
#include "video_sender.h"

#include <stdio.h>
#include <stdlib.h>

#include <qvisio/videocodec.h>
#include <qvisio/videosource.h>

#define READ_MS 200

struct video_sender {
	struct media *media;
	struct outbox *outbox;
	struct module_host source_host, codec_host;
	const struct qv_videosource_class *source_class;
	const struct qv_videocodec_class *codec_class;
	struct qv_videosource *source;
	struct qv_videoencoder *encoder;
	uint64_t next_frame; /* of the source's sequence */
	uint64_t encoded;
	bool started;
	pthread_t thread;
};

static int open_modules(struct video_sender *sender, const struct qv_role *source, const struct qv_role *codec,
			struct qv_video_format *format, struct qv_error *err)
{
	struct qv_video_want want = { .pixels = sender->codec_class->pixels };
	sender->source = sender->source_class->open(&sender->source_host.host, source->options, &want, err);
	if (!sender->source)
		return qv_error_prefix(err, "video source \"%s\"", sender->source_class->head.name);
	sender->source_class->format(sender->source, format);
	sender->encoder = sender->codec_class->encoder_open(&sender->codec_host.host, codec->options, format, err);
	if (!sender->encoder)
		return qv_error_prefix(err, "video codec \"%s\"", sender->codec_class->head.name);
	return 0;
}

struct video_sender *video_sender_open(struct media *media, struct outbox *outbox, const struct qv_role *source,
				       const struct qv_role *codec, struct qv_stream_offer *offer, struct qv_error *err)
{
	struct video_sender *sender = calloc(1, sizeof *sender);
	if (!sender) {
		qv_fail(err, QV_E_NOMEM, "no memory for a video sender");
		return NULL;
	}
	sender->media = media;
	sender->outbox = outbox;
	sender->source_class = qv_videosource_class(source->class);
	sender->codec_class = qv_videocodec_class(codec->class);
	module_host_init(&sender->source_host, media, "video.source");
	module_host_init(&sender->codec_host, media, "video.codec");
	if (open_modules(sender, source, codec, &offer->video, err) != 0) {
		video_sender_free(sender);
		return NULL;
	}
	offer->kind = QV_STREAM_VIDEO;
	snprintf(offer->codec, sizeof offer->codec, "%s", qv_videocodec_wire_name(sender->codec_class, codec->options));
	return sender;
}

/* Encodes a frame and puts it into the outbox. */
static int send_frame(struct video_sender *sender, const struct qv_frame *frame, int64_t read_ns, struct qv_error *err)
{
	struct ledger *ledger = sender->media->ledger;
	struct qv_packet packet = { 0 };
	int made = sender->codec_class->encode(sender->encoder, frame, &packet, err);
	int64_t ready = qv_clock_now(&qv_clock_monotonic);
	if (made <= 0)
		return made < 0 ? qv_error_prefix(err, "encoding") : 0;
	if (packet.size < 1 || packet.size > QV_PACKET_MAX)
		return qv_fail(err, QV_E_INTERNAL, "the encoder made a packet of %zu bytes", packet.size);
	struct outbox_item item = {
		.unit = { .sequence = sender->encoded++,
			  .size = (uint32_t)packet.size,
			  .capture_ns = frame->capture_ns > 0 ? frame->capture_ns : 0,
			  .capture_us = span_us(frame->capture_ns, read_ns),
			  .encode_us = span_us(read_ns, ready),
			  .position = frame->sequence },
		.key = packet.key,
		.data = packet.data,
		.ready_ns = ready,
	};
	int given_up = outbox_put_video(sender->outbox, &item, err);
	if (given_up < 0)
		return -1;
	ledger_add(ledger, &ledger->totals.video.encoded, 1);
	if (given_up > 0)
		ledger_add(ledger, &ledger->totals.video.dropped_outbox, (uint64_t)given_up);
	connection_wake(sender->media->connection);
	return 0;
}

static int take_frame(struct video_sender *sender, struct qv_error *err)
{
	struct ledger *ledger = sender->media->ledger;
	struct qv_frame frame;
	int got = sender->source_class->read(sender->source, &frame, READ_MS, err);
	int64_t read_ns = qv_clock_now(&qv_clock_monotonic);
	if (got <= 0)
		return got;
	ledger_add(ledger, &ledger->totals.video.captured, 1);
	if (frame.sequence > sender->next_frame)
		ledger_add(ledger, &ledger->totals.video.missed, frame.sequence - sender->next_frame);
	sender->next_frame = frame.sequence + 1;
	if (!outbox_video_room(sender->outbox)) {
		ledger_add(ledger, &ledger->totals.video.skipped, 1);
		return 0;
	}
	return send_frame(sender, &frame, read_ns, err);
}

static void *run(void *argument)
{
	struct video_sender *sender = argument;
	struct ledger *ledger = sender->media->ledger;
	struct qv_error err = QV_ERROR_INIT;
	while (!stop_raised(&sender->media->stop))
		if (take_frame(sender, &err) < 0)
			break;
	bool failed = err.code != QV_OK && err.code != QV_E_END && err.code != QV_E_CANCELLED;
	if (failed) {
		qv_error_prefix(&err, "video source \"%s\"", sender->source_class->head.name);
		qv_log_error(sender->media->host->log, "%s; no more video is sent", err.message);
	}
	ledger_finish(ledger, &ledger->video, false, failed ? &err : NULL);
	connection_wake(sender->media->connection);
	return NULL;
}

int video_sender_start(struct video_sender *sender, struct qv_error *err)
{
	int failed = pthread_create(&sender->thread, NULL, run, sender);
	if (failed)
		return qv_fail_errno(err, QV_E_IO, failed, "starting the video thread");
	sender->started = true;
	return 0;
}

void video_sender_free(struct video_sender *sender)
{
	if (!sender)
		return;
	if (sender->started)
		pthread_join(sender->thread, NULL);
	sender->codec_class->encoder_close(sender->encoder);
	sender->source_class->close(sender->source);
	module_host_clear(&sender->source_host);
	module_host_clear(&sender->codec_host);
	free(sender);
}
