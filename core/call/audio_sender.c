/* SPDX-License-Identifier: Apache-2.0 */
#include "audio_sender.h"

#include <stdio.h>
#include <stdlib.h>

#include <qvisio/audiocodec.h>
#include <qvisio/audiosource.h>

#define READ_MS 200

struct audio_sender {
	struct media *media;
	struct outbox *outbox;
	struct module_host source_host, codec_host;
	const struct qv_audiosource_class *source_class;
	const struct qv_audiocodec_class *codec_class;
	struct qv_audiosource *source;
	struct qv_audioencoder *encoder;
	struct qv_audio_format format;
	uint64_t next_position;
	uint64_t encoded;
	bool started;
	pthread_t thread;
};

static int open_modules(struct audio_sender *sender, const struct qv_role *source, const struct qv_role *codec,
			struct qv_stream_offer *offer, struct qv_error *err)
{
	size_t block_frames = 0;
	if (sender->codec_class->plan(codec->options, &sender->format, &block_frames, err) != 0)
		return qv_error_prefix(err, "audio codec \"%s\"", sender->codec_class->head.name);
	sender->source = sender->source_class->open(&sender->source_host.host, source->options, &sender->format,
						    block_frames, err);
	if (!sender->source)
		return qv_error_prefix(err, "audio source \"%s\"", sender->source_class->head.name);
	sender->encoder =
		sender->codec_class->encoder_open(&sender->codec_host.host, codec->options, &sender->format, err);
	if (!sender->encoder)
		return qv_error_prefix(err, "audio codec \"%s\"", sender->codec_class->head.name);
	offer->audio = sender->format;
	offer->block_frames = (uint32_t)block_frames;
	return 0;
}

struct audio_sender *audio_sender_open(struct media *media, struct outbox *outbox, const struct qv_role *source,
				       const struct qv_role *codec, struct qv_stream_offer *offer, struct qv_error *err)
{
	struct audio_sender *sender = calloc(1, sizeof *sender);
	if (!sender) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio sender");
		return NULL;
	}
	sender->media = media;
	sender->outbox = outbox;
	sender->source_class = qv_audiosource_class(source->class);
	sender->codec_class = qv_audiocodec_class(codec->class);
	module_host_init(&sender->source_host, media, "audio.source");
	module_host_init(&sender->codec_host, media, "audio.codec");
	if (open_modules(sender, source, codec, offer, err) != 0) {
		audio_sender_free(sender);
		return NULL;
	}
	offer->kind = QV_STREAM_AUDIO;
	snprintf(offer->codec, sizeof offer->codec, "%s", sender->codec_class->wire_name);
	return sender;
}

static int send_block(struct audio_sender *sender, const struct qv_audio_block *block, int64_t read_ns,
		      struct qv_error *err)
{
	struct ledger *ledger = sender->media->ledger;
	struct qv_packet packet = { 0 };
	int made = sender->codec_class->encode(sender->encoder, block, &packet, err);
	int64_t ready = qv_clock_now(&qv_clock_monotonic);
	if (made <= 0)
		return made < 0 ? qv_error_prefix(err, "encoding") : 0;
	if (packet.size < 1 || packet.size > QV_AUDIO_UNIT_MAX)
		return qv_fail(err, QV_E_INTERNAL, "the encoder made a packet of %zu bytes", packet.size);
	if (packet.frames < block->frames || packet.frames > (uint32_t)sender->format.rate)
		return qv_fail(err, QV_E_INTERNAL, "the encoder made a packet of %u samples of a block of %zu",
			       packet.frames, block->frames);
	struct outbox_item item = {
		.unit = { .sequence = sender->encoded++,
			  .size = (uint32_t)packet.size,
			  .capture_ns = block->capture_ns > 0 ? block->capture_ns : 0,
			  .capture_us = span_us(block->capture_ns, read_ns),
			  .encode_us = span_us(read_ns, ready),
			  .position = block->position,
			  .frames = packet.frames },
		.key = packet.key,
		.data = packet.data,
		.ready_ns = ready,
	};
	int given_up = outbox_put_audio(sender->outbox, &item, sender->format.rate, err);
	if (given_up < 0)
		return -1;
	ledger_add(ledger, &ledger->totals.audio.packets_encoded, 1);
	if (given_up > 0)
		ledger_add(ledger, &ledger->totals.audio.dropped_outbox, (uint64_t)given_up);
	connection_wake(sender->media->connection);
	return 0;
}

static int take_block(struct audio_sender *sender, struct qv_error *err)
{
	struct ledger *ledger = sender->media->ledger;
	struct qv_audio_block block;
	int got = sender->source_class->read(sender->source, &block, READ_MS, err);
	int64_t read_ns = qv_clock_now(&qv_clock_monotonic);
	if (got <= 0)
		return got;
	if (block.frames < 1 || block.frames > (size_t)sender->format.rate)
		return qv_fail(err, QV_E_INTERNAL, "it delivered a block of %zu samples", block.frames);
	ledger_add(ledger, &ledger->totals.audio.captured, block.frames);
	if (block.position > sender->next_position)
		ledger_add(ledger, &ledger->totals.audio.missed, block.position - sender->next_position);
	sender->next_position = block.position + block.frames;
	return send_block(sender, &block, read_ns, err);
}

static void *run(void *argument)
{
	struct audio_sender *sender = argument;
	struct ledger *ledger = sender->media->ledger;
	struct qv_error err = QV_ERROR_INIT;
	while (!stop_raised(&sender->media->stop))
		if (take_block(sender, &err) < 0)
			break;
	bool failed = err.code != QV_OK && err.code != QV_E_END && err.code != QV_E_CANCELLED;
	if (failed) {
		qv_error_prefix(&err, "audio source \"%s\"", sender->source_class->head.name);
		qv_log_error(sender->media->host->log, "%s; no more sound is sent", err.message);
	}
	ledger_finish(ledger, &ledger->audio, false, failed ? &err : NULL);
	connection_wake(sender->media->connection);
	return NULL;
}

int audio_sender_start(struct audio_sender *sender, struct qv_error *err)
{
	int failed = pthread_create(&sender->thread, NULL, run, sender);
	if (failed)
		return qv_fail_errno(err, QV_E_IO, failed, "starting the audio thread");
	sender->started = true;
	return 0;
}

void audio_sender_free(struct audio_sender *sender)
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
