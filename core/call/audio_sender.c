/* SPDX-License-Identifier: Apache-2.0 */
#include "audio_sender.h"

#include <stdio.h>
#include <stdlib.h>

#include <qvisio/audiocodec.h>
#include <qvisio/audiosource.h>

#include "../audio/adapter.h"
#include "board.h"
#include "control.h"
#include "voice_filter.h"

#define READ_MS   200
#define REOPEN_MS 500 /* between two looks for a microphone that is gone */

struct audio_sender {
	struct media *media;
	struct outbox *outbox;
	struct module_host source_host, codec_host;
	const struct qv_audiosource_class *source_class;
	const struct qv_audiocodec_class *codec_class;
	const struct qv_role *source_role, *codec_role;
	struct qv_audiosource *source; /* NULL: gone, or of another role soon */
	struct audio_adapter *adapter; /* NULL: the source gives the encoder's format */
	size_t block_frames;
	unsigned source_set; /* by the call's control, when the source was opened */
	bool told_gone;
	int64_t read_ns; /* when the last block came */
	uint64_t base;   /* of the source's positions in those of the stream */
	const struct qv_role *filter_role;
	struct voice_filter *filter; /* NULL: sound is sent as it is captured */
	int16_t *silence;            /* sent in place of what a muted microphone gives */
	struct qv_audioencoder *encoder;
	struct qv_audio_format format;
	int64_t bitrate; /* that the encoder was told; 0: none yet */
	int loss_percent;
	uint64_t next_position;
	uint64_t encoded;
	bool started;
	pthread_t thread;
};

static void close_source(struct audio_sender *sender)
{
	if (sender->source)
		sender->source_class->close(sender->source);
	sender->source = NULL;
	audio_adapter_free(sender->adapter);
	sender->adapter = NULL;
}

/* Where the source gives another format than the encoder takes. */
static int adapt_source(struct audio_sender *sender, struct qv_error *err)
{
	struct qv_audio_format own = sender->format;
	if (sender->source_class->format)
		sender->source_class->format(sender->source, &own);
	if (own.rate == sender->format.rate && own.channels == sender->format.channels)
		return 0;
	sender->adapter = audio_adapter_new(&own, &sender->format, sender->block_frames, err);
	if (sender->adapter)
		return 0;
	close_source(sender);
	return -1;
}

static int open_source(struct audio_sender *sender, struct qv_error *err)
{
	sender->source_class = qv_audiosource_class(sender->source_role->class);
	module_host_take(&sender->source_host, sender->source_role);
	sender->source = sender->source_class->open(&sender->source_host.host, sender->source_role->options,
						    &sender->format, sender->block_frames, err);
	if (!sender->source || adapt_source(sender, err) != 0)
		return qv_error_prefix(err, "audio source \"%s\"", sender->source_class->head.name);
	return 0;
}

static int open_filter(struct audio_sender *sender, struct qv_error *err)
{
	if (!sender->filter_role)
		return 0;
	sender->filter =
		voice_filter_open(sender->media, sender->filter_role, &sender->format, sender->block_frames, err);
	return sender->filter ? 0 : -1;
}

static int open_modules(struct audio_sender *sender, const struct qv_role *codec, struct qv_error *err)
{
	sender->codec_role = codec;
	sender->codec_class = qv_audiocodec_class(codec->class);
	if (sender->codec_class->plan(codec->options, &sender->format, &sender->block_frames, err) != 0)
		return qv_error_prefix(err, "audio codec \"%s\"", sender->codec_class->head.name);
	if (open_source(sender, err) != 0)
		return -1;
	sender->encoder =
		sender->codec_class->encoder_open(&sender->codec_host.host, codec->options, &sender->format, err);
	if (!sender->encoder)
		return qv_error_prefix(err, "audio codec \"%s\"", sender->codec_class->head.name);
	sender->silence = calloc((size_t)sender->format.rate * (size_t)sender->format.channels, sizeof(int16_t));
	return sender->silence ? open_filter(sender, err) : qv_fail(err, QV_E_NOMEM, "no memory for silence");
}

static void close_modules(struct audio_sender *sender)
{
	sender->codec_class->encoder_close(sender->encoder);
	sender->encoder = NULL;
	close_source(sender);
	voice_filter_close(sender->filter);
	sender->filter = NULL;
	free(sender->silence);
	sender->silence = NULL;
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
	sender->source_role = source;
	module_host_init(&sender->source_host, media, "audio.source");
	module_host_init(&sender->codec_host, media, "audio.codec");
	if (open_modules(sender, codec, err) != 0) {
		audio_sender_free(sender);
		return NULL;
	}
	offer->kind = QV_STREAM_AUDIO;
	offer->audio = sender->format;
	offer->block_frames = (uint32_t)sender->block_frames;
	snprintf(offer->codec, sizeof offer->codec, "%s", sender->codec_class->wire_name);
	return sender;
}

/* What the network carries, and loses, now. */
static int follow_network(struct audio_sender *sender, struct qv_error *err)
{
	struct call_switches *switches = &sender->media->control->switches;
	struct qv_audio_target target = { .bitrate = atomic_load(&switches->bitrate[QV_STREAM_AUDIO]),
					  .loss_percent = atomic_load(&switches->loss_percent) };
	if ((target.bitrate == sender->bitrate && target.loss_percent == sender->loss_percent) ||
	    !sender->codec_class->adjust)
		return 0;
	sender->bitrate = target.bitrate;
	sender->loss_percent = target.loss_percent;
	return sender->codec_class->adjust(sender->encoder, &target, err) == 0 ? 0 : qv_error_prefix(err, "encoding");
}

static int send_block(struct audio_sender *sender, const struct qv_audio_block *block, int64_t read_ns,
		      struct qv_error *err)
{
	struct ledger *ledger = sender->media->ledger;
	struct qv_packet packet = { 0 };
	if (follow_network(sender, err) != 0)
		return -1;
	int made = sender->codec_class->encode(sender->encoder, block, &packet, err);
	int64_t ready = qv_clock_now(&qv_clock_monotonic);
	if (made <= 0)
		return made < 0 ? qv_error_prefix(err, "encoding") : 0;
	if (packet.size < 1 || packet.size > QV_AUDIO_UNIT_MAX)
		return qv_fail(err, QV_E_INTERNAL, "the encoder made a packet of %zu bytes", packet.size);
	if (packet.frames < block->frames || packet.frames > (uint32_t)sender->format.rate)
		return qv_fail(err, QV_E_INTERNAL, "the encoder made a packet of %u samples of a block of %zu",
			       packet.frames, block->frames);
	recording_put(&sender->media->control->recording, TAPE_SENT_AUDIO, &packet, block->capture_ns, block->position);
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

static int pass_block(struct audio_sender *sender, struct qv_audio_block *block, struct qv_error *err)
{
	struct ledger *ledger = sender->media->ledger;
	sender->read_ns = qv_clock_now(&qv_clock_monotonic);
	if (block->frames < 1 || block->frames > (size_t)sender->format.rate)
		return qv_fail(err, QV_E_INTERNAL, "it delivered a block of %zu samples", block->frames);
	block->position += sender->base;
	ledger_add(ledger, &ledger->totals.audio.captured, block->frames);
	if (block->position > sender->next_position)
		ledger_add(ledger, &ledger->totals.audio.missed, block->position - sender->next_position);
	sender->next_position = block->position + block->frames;
	if (sender->filter)
		voice_filter_run(sender->filter, block);
	ledger_sound(ledger, block);
	if (atomic_load(&sender->media->control->switches.muted[QV_STREAM_AUDIO]))
		block->samples = sender->silence;
	return send_block(sender, block, sender->read_ns, err);
}

static int pass_adapted(struct audio_sender *sender, const struct qv_audio_block *block, struct qv_error *err)
{
	struct qv_audio_block adapted;
	if (audio_adapter_push(sender->adapter, block, err) != 0)
		return -1;
	while (audio_adapter_take(sender->adapter, &adapted))
		if (pass_block(sender, &adapted, err) != 0)
			return -1;
	return 0;
}

static void tell(struct audio_sender *sender, enum qv_call_happening happening, const char *text)
{
	board_post(sender->media->board, happening, QV_STREAM_AUDIO, 0, text);
	connection_wake(sender->media->connection);
}

/* Somebody chose another source. */
static void look_for_choice(struct audio_sender *sender)
{
	struct qv_call_control *control = sender->media->control;
	unsigned set = atomic_load(&control->switches.source_set[QV_STREAM_AUDIO]);
	if (set == sender->source_set)
		return;
	sender->source_set = set;
	close_source(sender);
	sender->source_role = control_source(control, QV_STREAM_AUDIO);
	if (control_seated(control)) {
		voice_filter_close(sender->filter);
		sender->filter = NULL;
	}
}

/* The new source counts from 0; in the stream it goes on where the old one was, later by the time between. */
static void place_source(struct audio_sender *sender)
{
	int64_t gap = sender->read_ns ? qv_clock_now(&qv_clock_monotonic) - sender->read_ns : 0;
	sender->base = sender->next_position + (uint64_t)(gap / 1000 * sender->format.rate / 1000000);
}

/* 1: there is a source; 0: not yet, after a wait; -1: the call is being stopped. */
static int have_source(struct audio_sender *sender, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	look_for_choice(sender);
	if (sender->source)
		return 1;
	if (open_source(sender, &why) == 0) {
		sender->told_gone = false;
		place_source(sender);
		tell(sender, QV_CALL_DEVICE_BACK, sender->source_class->head.name);
		return 1;
	}
	if (!sender->told_gone)
		tell(sender, QV_CALL_DEVICE_GONE, why.message);
	sender->told_gone = true;
	int64_t until = qv_clock_now(&qv_clock_monotonic) + REOPEN_MS * QV_NS_PER_MS;
	return qv_clock_sleep_until(until, sender->media->stop.poll_fd, err);
}

static int take_block(struct audio_sender *sender, struct qv_error *err)
{
	struct qv_audio_block block;
	int has = have_source(sender, err);
	if (has <= 0)
		return has;
	int got = sender->source_class->read(sender->source, &block, READ_MS, err);
	if (got > 0)
		return sender->adapter ? pass_adapted(sender, &block, err) : pass_block(sender, &block, err);
	if (got < 0 && err->code == QV_E_END && sender->adapter && audio_adapter_finish(sender->adapter, &block))
		return pass_block(sender, &block, NULL) < 0 ? -1 : got;
	if (got == 0 || !sender->media->keep_devices || (err->code != QV_E_GONE && err->code != QV_E_IO))
		return got;
	qv_log_warning(sender->media->host->log, "audio source \"%s\": %s; it is looked for",
		       sender->source_class->head.name, err->message);
	tell(sender, QV_CALL_DEVICE_GONE, err->message);
	sender->told_gone = true;
	close_source(sender);
	*err = (struct qv_error)QV_ERROR_INIT;
	return 0;
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

int audio_sender_filter(struct audio_sender *sender, const struct qv_role *role, struct qv_error *err)
{
	sender->filter_role = role;
	return open_filter(sender, err);
}

int audio_sender_choose(struct audio_sender *sender, const struct qv_role *codec, struct qv_error *err)
{
	if (codec == sender->codec_role)
		return 0;
	close_modules(sender);
	return open_modules(sender, codec, err);
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
	close_modules(sender);
	module_host_clear(&sender->source_host);
	module_host_clear(&sender->codec_host);
	free(sender);
}
