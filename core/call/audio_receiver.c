/* SPDX-License-Identifier: Apache-2.0 */
#include "audio_receiver.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/audiocodec.h>

#include "../audio/conceal.h"
#include "../audio/far_end.h"
#include "../audio/resampler.h"
#include "../audio/stretch.h"
#include "audio_sinks.h"
#include "condition.h"
#include "control.h"
#include "jitter_buffer.h"
#include "lip_sync.h"

/* A longer gap is not filled but jumped over: nobody wants to listen to it, and no peer may fill our disk with it. */
#define GAP_LIVE_MS      500
#define GAP_RECORDING_MS 60000
#define CONCEAL_MAX_MS   100  /* that a codec is asked to guess */
#define SILENT_MAX_MS    1000 /* that it is asked for where the sender made no packet */
#define DRIFT_MIN_PPM    8.0  /* less is left to add up: where clocks agree, no sample is touched */

#define HEARD_AFTER_MS (QV_AUDIOFILTER_AHEAD_MS + 5)

struct audio_receiver {
	struct media *media;
	const struct qv_receive_plan *plan;
	const struct qv_role *codec;
	struct qv_audio_format format;
	struct module_host codec_host;
	const struct qv_audiocodec_class *codec_class;
	struct audio_sinks *sinks;
	bool paced; /* by a sink */
	struct qv_audiodecoder *decoder;
	struct unit_buffer packet;
	int16_t *silence;
	size_t silence_frames;   /* 20 ms */
	uint64_t position;       /* in what the sink was given */
	struct conceal *conceal; /* for a sink that paces, where the codec has none */
	struct resampler *drift; /* takes up the drift of the clocks, for a sink that paces */
	int16_t *stretched, *drifted;
	size_t stretch_room, drift_room; /* samples per channel in these */
	uint64_t gap;                    /* samples that are missing before the packet to come, which tells why */
	bool any;                        /* packet was taken; the number of the last one: */
	uint64_t last;
	bool warned;
	bool started;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct jitter_buffer *buffer;
	bool stopped;
};

static int64_t now_ns(void)
{
	return qv_clock_now(&qv_clock_monotonic);
}

static int open_modules(struct audio_receiver *receiver, struct qv_error *err)
{
	receiver->decoder = receiver->codec_class->decoder_open(&receiver->codec_host.host, receiver->codec->options,
								&receiver->format, err);
	if (!receiver->decoder)
		return qv_error_prefix(err, "audio codec \"%s\"", receiver->codec_class->head.name);
	receiver->sinks = audio_sinks_open(receiver->media, receiver->plan, &receiver->format, err);
	return receiver->sinks ? 0 : -1;
}

static int16_t *grow(const struct audio_receiver *receiver, int16_t **samples, size_t *room, size_t frames,
		     struct qv_error *err)
{
	if (frames <= *room)
		return *samples;
	int16_t *grown = realloc(*samples, frames * (size_t)receiver->format.channels * sizeof **samples);
	if (!grown) {
		qv_fail(err, QV_E_NOMEM, "no memory for sound");
		return NULL;
	}
	*samples = grown;
	*room = frames;
	return grown;
}

/* Plays a little faster or slower. */
static int take_up_drift(struct audio_receiver *receiver, struct qv_audio_block *block, struct qv_error *err)
{
	size_t room = resampler_room(receiver->drift, block->frames);
	int16_t *drifted = grow(receiver, &receiver->drifted, &receiver->drift_room, room, err);
	if (!drifted)
		return -1;
	block->frames = resampler_run(receiver->drift, block->samples, block->frames, drifted);
	block->samples = drifted;
	return 0;
}

/* For echo cancellation, when it is to be heard; what a sink says to hear at once may still wait for its thread. */
static void note_played(struct audio_receiver *receiver, const struct qv_audio_block *block)
{
	struct media *media = receiver->media;
	ledger_sound(media->ledger, block);
	if (!media->far_end)
		return;
	int64_t delay = audio_sinks_delay(receiver->sinks), least = HEARD_AFTER_MS * QV_NS_PER_MS;
	far_end_put(media->far_end, block, now_ns() + (delay > least ? delay : least));
}

static int write_block(struct audio_receiver *receiver, const struct qv_audio_block *block, bool concealed,
		       struct qv_error *err)
{
	struct ledger *ledger = receiver->media->ledger;
	struct qv_audio_block placed = *block;
	if (receiver->drift && take_up_drift(receiver, &placed, err) != 0)
		return -1;
	placed.position = receiver->position;
	note_played(receiver, &placed);
	if (placed.frames > 0 && audio_sinks_write(receiver->sinks, &placed, err) != 0)
		return -1;
	receiver->position += placed.frames;
	ledger_add(ledger, &ledger->totals.audio.played, placed.frames);
	if (concealed)
		ledger_add(ledger, &ledger->totals.audio.concealed, placed.frames);
	return 0;
}

static int write_silence(struct audio_receiver *receiver, uint64_t frames, struct qv_error *err)
{
	while (frames > 0 && !stop_raised(&receiver->media->stop)) {
		struct qv_audio_block block = {
			.format = receiver->format,
			.samples = receiver->silence,
			.frames = frames < receiver->silence_frames ? (size_t)frames : receiver->silence_frames,
			.capture_ns = now_ns(),
		};
		if (write_block(receiver, &block, true, err) != 0)
			return -1;
		frames -= block.frames;
	}
	return 0;
}

/* What is lost, where the codec has no idea of it: a recording has silence there. */
static int write_made_up(struct audio_receiver *receiver, uint64_t frames, struct qv_error *err)
{
	while (receiver->conceal && frames > 0 && !stop_raised(&receiver->media->stop)) {
		size_t part = frames < receiver->silence_frames ? (size_t)frames : receiver->silence_frames;
		int16_t *samples = grow(receiver, &receiver->stretched, &receiver->stretch_room, part, err);
		if (!samples)
			return -1;
		struct qv_audio_block block = {
			.format = receiver->format, .samples = samples, .frames = part, .capture_ns = now_ns()
		};
		conceal_make(receiver->conceal, samples, part);
		if (write_block(receiver, &block, true, err) != 0)
			return -1;
		frames -= part;
	}
	return write_silence(receiver, frames, err);
}

static int fill_gap(struct audio_receiver *receiver, enum qv_audio_gap gap, uint64_t frames, struct qv_error *err)
{
	uint64_t rate = (uint64_t)receiver->format.rate;
	uint64_t limit = rate * (receiver->paced ? GAP_LIVE_MS : GAP_RECORDING_MS) / 1000;
	uint64_t conceal_ms = gap == QV_GAP_SILENT ? SILENT_MAX_MS : CONCEAL_MAX_MS;
	struct qv_audio_block block;
	if (frames == 0)
		return 0;
	if (frames > limit) {
		qv_log_warning(receiver->media->host->log, "%.1f s of sound are missing and left out",
			       (double)frames / (double)rate);
		return 0;
	}
	if (receiver->codec_class->conceal && frames <= rate * conceal_ms / 1000 &&
	    receiver->codec_class->conceal(receiver->decoder, gap, (size_t)frames, &block, NULL) == 1)
		return write_block(receiver, &block, true, err);
	return gap == QV_GAP_LOST ? write_made_up(receiver, frames, err) : write_silence(receiver, frames, err);
}

/* From what the packet held carries of the one before it. */
static int recover_before(struct audio_receiver *receiver, const struct qv_packet *packet, uint64_t frames,
			  struct qv_error *err)
{
	struct qv_audio_block block;
	if (receiver->codec_class->recover && frames > 0 &&
	    receiver->codec_class->recover(receiver->decoder, packet, (size_t)frames, &block, NULL) == 1)
		return write_block(receiver, &block, true, err);
	return fill_gap(receiver, QV_GAP_LOST, frames, err);
}

/* A place left out with no packet number left out: the sender had nothing to say there. */
static int fill_before(struct audio_receiver *receiver, const struct qv_packet *packet, struct qv_error *err)
{
	uint64_t frames = receiver->gap, one = receiver->packet.unit.frames;
	bool silent = receiver->any && packet->sequence == receiver->last + 1;
	receiver->gap = 0;
	receiver->any = true;
	receiver->last = packet->sequence;
	if (silent)
		return fill_gap(receiver, QV_GAP_SILENT, frames, err);
	if (frames <= one)
		return recover_before(receiver, packet, frames, err);
	if (frames > (uint64_t)receiver->format.rate)
		return fill_gap(receiver, QV_GAP_LOST, frames, err);
	return fill_gap(receiver, QV_GAP_LOST, frames - one, err) == 0 ? recover_before(receiver, packet, one, err)
								       : -1;
}

static bool same_format(const struct qv_audio_format *a, const struct qv_audio_format *b)
{
	return a->rate == b->rate && a->channels == b->channels;
}

/* A copy that may be changed, with room to become longer. */
static int16_t *own_samples(struct audio_receiver *receiver, struct qv_audio_block *block, struct qv_error *err)
{
	size_t room = block->frames + stretch_room(&receiver->format);
	if (block->samples == receiver->stretched)
		return receiver->stretched;
	int16_t *samples = grow(receiver, &receiver->stretched, &receiver->stretch_room, room, err);
	if (samples)
		memcpy(samples, block->samples, block->frames * (size_t)receiver->format.channels * sizeof *samples);
	block->samples = samples;
	return samples;
}

static int join_to_made_up(struct audio_receiver *receiver, struct qv_audio_block *block, struct qv_error *err)
{
	int16_t *samples = own_samples(receiver, block, err);
	if (!samples)
		return -1;
	conceal_pass(receiver->conceal, samples, block->frames);
	return 0;
}

/* Shorter or longer, so that the delay comes nearer to what is wanted. */
static int change_length(struct audio_receiver *receiver, const struct jitter_step *step, struct qv_audio_block *block,
			 struct qv_error *err)
{
	const struct qv_audio_format *format = &receiver->format;
	size_t frames = block->frames;
	int16_t *samples = own_samples(receiver, block, err);
	if (!samples)
		return -1;
	if (step->change == JITTER_SHORTER)
		block->frames = stretch_shorten(format, samples, frames, (size_t)step->most, step->eager);
	else
		block->frames = stretch_lengthen(format, samples, frames, step->eager);
	pthread_mutex_lock(&receiver->lock);
	jitter_buffer_changed(receiver->buffer, (int64_t)frames - (int64_t)block->frames);
	pthread_mutex_unlock(&receiver->lock);
	return 0;
}

/* What the sink still has to play, if it tells. */
static int64_t sink_delay(const struct audio_receiver *receiver)
{
	return receiver->paced && receiver->position > 0 ? audio_sinks_delay(receiver->sinks) : 0;
}

/* What is written now is heard when the device has played what it holds. */
static void note_heard(struct audio_receiver *receiver, int64_t captured_ns)
{
	if (!receiver->paced || captured_ns == 0)
		return;
	pthread_mutex_lock(&receiver->lock);
	int64_t lead = jitter_buffer_lead_ns(receiver->buffer);
	pthread_mutex_unlock(&receiver->lock);
	lip_sync_heard(receiver->media->lip_sync, captured_ns, now_ns() + sink_delay(receiver), lead);
}

static int play_packet(struct audio_receiver *receiver, const struct jitter_step *step, struct qv_error *err)
{
	struct ledger *ledger = receiver->media->ledger;
	const struct unit_buffer *held = &receiver->packet;
	struct qv_error why = QV_ERROR_INIT;
	struct qv_audio_block block;
	struct qv_packet packet = {
		.data = held->data,
		.size = held->size,
		.capture_ns = held->captured_ns >= 0 ? held->captured_ns : held->ready_ns,
		.sequence = held->unit.sequence,
		.key = held->key,
		.frames = held->unit.frames,
	};
	if (fill_before(receiver, &packet, err) != 0)
		return -1;
	int made = receiver->codec_class->decode(receiver->decoder, &packet, &block, &why);
	if (made == 0)
		return 0;
	note_heard(receiver, held->unit.capture_ns);
	if (made > 0 && block.frames == held->unit.frames && same_format(&block.format, &receiver->format)) {
		recording_put(&receiver->media->control->recording, TAPE_AUDIO, &packet, packet.capture_ns,
			      held->unit.position);
		block.capture_ns = packet.capture_ns;
		if (receiver->conceal && join_to_made_up(receiver, &block, err) != 0)
			return -1;
		if (step->change != JITTER_AS_IT_IS && change_length(receiver, step, &block, err) != 0)
			return -1;
		return write_block(receiver, &block, false, err);
	}
	if (made < 0 && why.code != QV_E_PROTOCOL) {
		if (err)
			*err = why;
		return qv_error_prefix(err, "audio codec \"%s\"", receiver->codec_class->head.name);
	}
	ledger_add(ledger, &ledger->totals.audio.damaged, 1);
	if (!receiver->warned)
		qv_log_warning(receiver->media->host->log,
			       "a damaged sound packet was left out (further ones are only counted): %s",
			       why.code != QV_OK ? why.message : "its format or length is not what was announced");
	receiver->warned = true;
	return fill_gap(receiver, QV_GAP_LOST, held->unit.frames, err);
}

/* With the lock held: what to do next, after waiting for it. */
static struct jitter_step await_step(struct audio_receiver *receiver)
{
	struct jitter_step step = { .next = JITTER_ENDED };
	while (!receiver->stopped) {
		struct jitter_device device = { 0 };
		if (receiver->paced) {
			device.delay_ns = sink_delay(receiver);
			device.least_ns = audio_sinks_least_delay(receiver->sinks);
		}
		jitter_buffer_wait_for(receiver->buffer, lip_sync_lead(receiver->media->lip_sync, now_ns()));
		step = jitter_buffer_take(receiver->buffer, now_ns(), &device, &receiver->packet);
		if (step.next != JITTER_WAIT)
			return step;
		if (step.until_ns == 0)
			pthread_cond_wait(&receiver->changed, &receiver->lock);
		else
			condition_wait_until(&receiver->changed, &receiver->lock, step.until_ns);
	}
	step.next = JITTER_ENDED;
	return step;
}

static struct jitter_step next_step(struct audio_receiver *receiver)
{
	struct ledger *ledger = receiver->media->ledger;
	pthread_mutex_lock(&receiver->lock);
	struct jitter_step step = await_step(receiver);
	int64_t depth = jitter_buffer_depth_ns(receiver->buffer);
	pthread_mutex_unlock(&receiver->lock);
	if (receiver->drift)
		resampler_drift(receiver->drift, fabs(step.ppm) < DRIFT_MIN_PPM ? 0 : step.ppm);
	depth += sink_delay(receiver);
	pthread_mutex_lock(&ledger->lock);
	ledger->jitter_buffer_ns = depth;
	ledger->totals.audio.dropped_inbox += (uint64_t)step.given_up;
	ledger->totals.audio.underruns += step.underrun;
	pthread_mutex_unlock(&ledger->lock);
	return step;
}

/* What may come yet is made up as if it were lost. */
static int make_up(struct audio_receiver *receiver, uint64_t frames, struct qv_error *err)
{
	struct qv_audio_block block;
	if (receiver->any && receiver->codec_class->conceal &&
	    receiver->codec_class->conceal(receiver->decoder, QV_GAP_LOST, (size_t)frames, &block, NULL) == 1)
		return write_block(receiver, &block, true, err);
	return write_made_up(receiver, frames, err);
}

/* Plays what the filter still holds back. */
static int finish(struct audio_receiver *receiver, struct qv_error *err)
{
	double held = receiver->drift && receiver->position > 0 ? resampler_held(receiver->drift) : 0;
	return held > 0 ? write_silence(receiver, (uint64_t)ceil(held), err) : 0;
}

static int play_all(struct audio_receiver *receiver, struct qv_error *err)
{
	for (;;) {
		struct jitter_step step = next_step(receiver);
		int outcome = 0;
		switch (step.next) {
		case JITTER_PACKET:
			outcome = play_packet(receiver, &step, err);
			break;
		case JITTER_GAP:
			receiver->gap += step.frames;
			break;
		case JITTER_SILENT:
			outcome = write_silence(receiver, step.frames, err);
			break;
		case JITTER_DRY:
			outcome = make_up(receiver, step.frames, err);
			break;
		case JITTER_WAIT:
			break;
		case JITTER_ENDED:
			return finish(receiver, err);
		}
		if (outcome != 0)
			return -1;
	}
}

static void *run(void *argument)
{
	struct audio_receiver *receiver = argument;
	struct ledger *ledger = receiver->media->ledger;
	struct qv_error err = QV_ERROR_INIT;
	if (open_modules(receiver, &err) == 0)
		play_all(receiver, &err);
	bool failed = err.code != QV_OK && err.code != QV_E_CANCELLED;
	audio_sinks_close(receiver->sinks);
	receiver->codec_class->decoder_close(receiver->decoder);
	if (failed)
		qv_log_error(receiver->media->host->log, "%s; no more sound is played", err.message);
	ledger_finish(ledger, &ledger->audio, false, failed ? &err : NULL);
	connection_wake(receiver->media->connection);
	return NULL;
}

static int prepare(struct audio_receiver *receiver, struct qv_error *err)
{
	receiver->silence_frames = (size_t)receiver->format.rate / 50;
	receiver->silence = calloc(receiver->silence_frames * (size_t)receiver->format.channels, sizeof(int16_t));
	if (!receiver->silence)
		return qv_fail(err, QV_E_NOMEM, "no memory for an audio receiver");
	receiver->buffer = jitter_buffer_new(receiver->format.rate, !receiver->paced, err);
	if (receiver->buffer)
		jitter_buffer_copies(receiver->buffer, receiver->codec_class->recover != NULL);
	if (receiver->paced)
		receiver->drift = resampler_new(&receiver->format, &receiver->format, err);
	bool conceals = receiver->paced && !receiver->codec_class->conceal;
	if (conceals)
		receiver->conceal = conceal_new(&receiver->format, err);
	if (!receiver->buffer || (receiver->paced && !receiver->drift) || (conceals && !receiver->conceal))
		return -1;
	int failed = pthread_create(&receiver->thread, NULL, run, receiver);
	return failed ? qv_fail_errno(err, QV_E_IO, failed, "starting the audio thread") : 0;
}

struct audio_receiver *audio_receiver_start(struct media *media, const struct qv_receive_plan *plan,
					    const struct qv_role *codec, const struct qv_stream_offer *offer,
					    struct qv_error *err)
{
	struct audio_receiver *receiver = calloc(1, sizeof *receiver);
	if (!receiver) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio receiver");
		return NULL;
	}
	receiver->media = media;
	receiver->plan = plan;
	receiver->codec = codec;
	receiver->format = offer->audio;
	receiver->paced = audio_sinks_paced(plan);
	receiver->codec_class = qv_audiocodec_class(codec->class);
	module_host_init(&receiver->codec_host, media, "audio.codec");
	pthread_mutex_init(&receiver->lock, NULL);
	condition_init(&receiver->changed);
	if (prepare(receiver, err) != 0) {
		audio_receiver_free(receiver);
		return NULL;
	}
	receiver->started = true;
	return receiver;
}

void audio_receiver_put(struct audio_receiver *receiver, struct unit_buffer *packet)
{
	struct ledger *ledger = receiver->media->ledger;
	pthread_mutex_lock(&receiver->lock);
	int given_up = jitter_buffer_put(receiver->buffer, packet, packet->ready_ns);
	pthread_cond_signal(&receiver->changed);
	pthread_mutex_unlock(&receiver->lock);
	if (given_up > 0)
		ledger_add(ledger, &ledger->totals.audio.dropped_inbox, (uint64_t)given_up);
}

void audio_receiver_end(struct audio_receiver *receiver)
{
	if (!receiver)
		return;
	pthread_mutex_lock(&receiver->lock);
	jitter_buffer_end(receiver->buffer);
	pthread_cond_signal(&receiver->changed);
	pthread_mutex_unlock(&receiver->lock);
}

void audio_receiver_free(struct audio_receiver *receiver)
{
	if (!receiver)
		return;
	if (receiver->started) {
		pthread_mutex_lock(&receiver->lock);
		receiver->stopped = true;
		pthread_cond_signal(&receiver->changed);
		pthread_mutex_unlock(&receiver->lock);
		pthread_join(receiver->thread, NULL);
	}
	jitter_buffer_free(receiver->buffer);
	unit_buffer_free(&receiver->packet);
	free(receiver->silence);
	conceal_free(receiver->conceal);
	resampler_free(receiver->drift);
	free(receiver->stretched);
	free(receiver->drifted);
	pthread_cond_destroy(&receiver->changed);
	pthread_mutex_destroy(&receiver->lock);
	module_host_clear(&receiver->codec_host);
	free(receiver);
}
