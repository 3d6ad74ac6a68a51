/* SPDX-License-Identifier: Apache-2.0 */
#include "speaker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <qvisio/conference.h>

#include "../audio/far_end.h"
#include "../call/audio_sinks.h"
#include "mixer.h"

/* That a paced device may take at once. */
#define PACED_LEAD_MS 1000
/* What a sink says to hear at once may still wait for its thread. */
#define HEARD_AFTER_MS (QV_AUDIOFILTER_AHEAD_MS + 5)

struct speaker {
	struct media *media;
	struct qv_receive_plan plan;
	struct audio_sinks *sinks; /* NULL: no call has come yet */
	int used_fd;               /* readable when one has */
	struct qv_audio_format format;
	bool paced;
	int16_t *block;
	pthread_t thread;
	struct speaker_input inputs[QV_CONFERENCE_SEATS];
	pthread_mutex_t lock; /* of the rest */
	struct mixer *mixer;
	struct qv_audiosink *open[QV_CONFERENCE_SEATS];
	int64_t device_ns; /* what the real sinks held after the last block */
	int64_t heard_ns;  /* when a sample that is mixed now would be */
	struct qv_error failure;
};

/* An input that a call has open. */
struct qv_audiosink {
	struct speaker *speaker;
	size_t number;
	const struct qv_host *host;
	int event_fd; /* readable when there is room again */
};

static void tell_inputs(struct speaker *speaker)
{
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++)
		if (speaker->open[i])
			eventfd_write(speaker->open[i]->event_fd, 1);
}

static void mix(struct speaker *speaker)
{
	pthread_mutex_lock(&speaker->lock);
	mixer_run(speaker->mixer, speaker->block);
	tell_inputs(speaker);
	pthread_mutex_unlock(&speaker->lock);
}

/* For echo cancellation, when it is to be heard. */
static void note_played(struct speaker *speaker, const struct qv_audio_block *block)
{
	if (!speaker->media->far_end)
		return;
	int64_t delay = audio_sinks_delay(speaker->sinks), least = HEARD_AFTER_MS * QV_NS_PER_MS;
	far_end_put(speaker->media->far_end, block, block->capture_ns + (delay > least ? delay : least));
}

static int play(struct speaker *speaker, uint64_t position, struct qv_error *err)
{
	struct qv_audio_block block = {
		.format = speaker->format,
		.samples = speaker->block,
		.frames = mixer_block(speaker->mixer),
		.capture_ns = qv_clock_now(&qv_clock_monotonic),
		.position = position,
	};
	note_played(speaker, &block);
	if (audio_sinks_write(speaker->sinks, &block, err) != 0)
		return -1;
	int64_t device = audio_sinks_delay(speaker->sinks), heard = qv_clock_now(&qv_clock_monotonic) + device;
	pthread_mutex_lock(&speaker->lock);
	speaker->device_ns = device;
	speaker->heard_ns = heard;
	pthread_mutex_unlock(&speaker->lock);
	return 0;
}

/*
 * A device that makes us wait paces us; where there is none (any more) our own clock does. After a pause nothing is made
 * up for.
 */
static int keep_pace(const struct speaker *speaker, int64_t began, int64_t *due, struct qv_error *err)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic), lead = speaker->paced ? PACED_LEAD_MS * QV_NS_PER_MS : 0;
	bool waited = now - began > MIXER_BLOCK_MS * QV_NS_PER_MS / 2;
	if (*due < now - QV_NS_PER_SECOND || (speaker->paced && waited))
		*due = now;
	*due += MIXER_BLOCK_MS * QV_NS_PER_MS;
	return *due - lead > now ? qv_clock_sleep_until(*due - lead, speaker->media->stop.poll_fd, err) : 0;
}

/* 0: a call has its input open. */
static int await_call(struct speaker *speaker, struct qv_error *err)
{
	return qv_wait_fd(speaker->used_fd, POLLIN, -1, speaker->media->stop.poll_fd, err) < 0 ? -1 : 0;
}

static int open_sinks(struct speaker *speaker, struct qv_error *err)
{
	speaker->sinks = audio_sinks_open(speaker->media, &speaker->plan, &speaker->format, err);
	return speaker->sinks ? 0 : -1;
}

static void *run(void *argument)
{
	struct speaker *speaker = argument;
	struct qv_error err = QV_ERROR_INIT;
	if (!speaker->sinks && await_call(speaker, &err) == 0)
		open_sinks(speaker, &err);
	int64_t due = qv_clock_now(&qv_clock_monotonic);
	uint64_t position = 0;
	while (speaker->sinks && !stop_raised(&speaker->media->stop)) {
		int64_t began = qv_clock_now(&qv_clock_monotonic);
		mix(speaker);
		if (play(speaker, position, &err) != 0 || keep_pace(speaker, began, &due, &err) != 0)
			break;
		position += mixer_block(speaker->mixer);
	}
	if (err.code != QV_OK && err.code != QV_E_CANCELLED)
		qv_log_error(speaker->media->host->log, "%s; no more sound is played", err.message);
	pthread_mutex_lock(&speaker->lock);
	speaker->failure = err;
	if (err.code == QV_OK)
		qv_fail(&speaker->failure, QV_E_CANCELLED, "the conference was closed");
	tell_inputs(speaker);
	pthread_mutex_unlock(&speaker->lock);
	return NULL;
}

static void free_speaker(struct speaker *speaker)
{
	audio_sinks_close(speaker->sinks);
	mixer_free(speaker->mixer);
	free(speaker->block);
	if (speaker->used_fd >= 0)
		close(speaker->used_fd);
	pthread_mutex_destroy(&speaker->lock);
	free(speaker);
}

struct speaker *speaker_open(struct media *media, const struct qv_conference_plan *plan,
			     const struct qv_audio_format *format, struct qv_error *err)
{
	struct speaker *speaker = calloc(1, sizeof *speaker);
	if (!speaker) {
		qv_fail(err, QV_E_NOMEM, "no memory for a mixer");
		return NULL;
	}
	speaker->used_fd = -1;
	speaker->media = media;
	speaker->format = *format;
	speaker->plan = (struct qv_receive_plan){ .audio_sinks = plan->audio_sinks,
						  .audio_sink_count = plan->audio_sink_count };
	speaker->paced = audio_sinks_paced(&speaker->plan);
	pthread_mutex_init(&speaker->lock, NULL);
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++)
		speaker->inputs[i] = (struct speaker_input){ speaker, i };
	speaker->mixer = mixer_new(format, err);
	if (!speaker->mixer)
		goto failed;
	speaker->block = calloc(mixer_block(speaker->mixer) * (size_t)format->channels, sizeof speaker->block[0]);
	if (!speaker->block) {
		qv_fail(err, QV_E_NOMEM, "no memory for a mixer");
		goto failed;
	}
	speaker->used_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (speaker->used_fd < 0) {
		qv_fail_errno(err, QV_E_IO, errno, "making an event descriptor");
		goto failed;
	}
	if (!plan->late && open_sinks(speaker, err) != 0)
		goto failed;
	int failure = pthread_create(&speaker->thread, NULL, run, speaker);
	if (!failure)
		return speaker;
	qv_fail_errno(err, QV_E_IO, failure, "starting the thread of the mixer");
failed:
	free_speaker(speaker);
	return NULL;
}

void speaker_close(struct speaker *speaker)
{
	if (!speaker)
		return;
	pthread_join(speaker->thread, NULL);
	free_speaker(speaker);
}

struct speaker_input *speaker_input(struct speaker *speaker, size_t number)
{
	return &speaker->inputs[number];
}

double speaker_level(struct speaker *speaker, size_t number)
{
	pthread_mutex_lock(&speaker->lock);
	double level = mixer_level(speaker->mixer, number);
	pthread_mutex_unlock(&speaker->lock);
	return level;
}

static struct qv_audiosink *open_input(const struct qv_host *host, const struct qv_options *options,
				       const struct qv_audio_format *format, struct qv_error *err)
{
	struct speaker_input *input = host->object;
	struct speaker *speaker = input->speaker;
	(void)options;
	(void)format; /* input_format tells what is taken */
	struct qv_audiosink *sink = calloc(1, sizeof *sink);
	if (!sink) {
		qv_fail(err, QV_E_NOMEM, "no memory for an input of the mixer");
		return NULL;
	}
	*sink = (struct qv_audiosink){ speaker, input->number, host, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (sink->event_fd < 0) {
		qv_fail_errno(err, QV_E_IO, errno, "making an event descriptor");
		free(sink);
		return NULL;
	}
	pthread_mutex_lock(&speaker->lock);
	speaker->open[sink->number] = sink;
	mixer_clear(speaker->mixer, sink->number);
	pthread_mutex_unlock(&speaker->lock);
	eventfd_write(speaker->used_fd, 1);
	return sink;
}

static void close_input(struct qv_audiosink *sink)
{
	if (!sink)
		return;
	pthread_mutex_lock(&sink->speaker->lock);
	sink->speaker->open[sink->number] = NULL;
	pthread_mutex_unlock(&sink->speaker->lock);
	close(sink->event_fd);
	free(sink);
}

static int put(struct qv_audiosink *sink, const int16_t *samples, size_t frames, size_t *done, struct qv_error *err)
{
	struct speaker *speaker = sink->speaker;
	size_t channels = (size_t)speaker->format.channels;
	pthread_mutex_lock(&speaker->lock);
	bool failed = speaker->failure.code != QV_OK;
	if (failed && err)
		*err = speaker->failure;
	if (!failed)
		*done += mixer_put(speaker->mixer, sink->number, samples + *done * channels, frames - *done);
	pthread_mutex_unlock(&speaker->lock);
	return failed ? -1 : 0;
}

static int write_input(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err)
{
	size_t done = 0;
	for (;;) {
		eventfd_t told;
		eventfd_read(sink->event_fd, &told);
		if (put(sink, block->samples, block->frames, &done, err) != 0)
			return -1;
		if (done == block->frames)
			return 0;
		if (qv_wait_fd(sink->event_fd, POLLIN, -1, sink->host->cancel_fd, err) < 0)
			return -1;
	}
}

static int64_t input_delay(struct qv_audiosink *sink)
{
	struct speaker *speaker = sink->speaker;
	pthread_mutex_lock(&speaker->lock);
	int64_t held = (int64_t)mixer_held(speaker->mixer, sink->number) * QV_NS_PER_SECOND / speaker->format.rate;
	int64_t after = speaker->heard_ns - qv_clock_now(&qv_clock_monotonic);
	pthread_mutex_unlock(&speaker->lock);
	return held + MIXER_AHEAD_MS * QV_NS_PER_MS + (after > 0 ? after : 0);
}

static void input_format(const struct qv_audiosink *sink, struct qv_audio_format *format)
{
	*format = sink->speaker->format;
}

/* What the limiter and the device hold, and what the mixer takes at once. */
static int64_t input_least_delay(struct qv_audiosink *sink)
{
	struct speaker *speaker = sink->speaker;
	pthread_mutex_lock(&speaker->lock);
	int64_t device = speaker->device_ns;
	pthread_mutex_unlock(&speaker->lock);
	return device + (MIXER_AHEAD_MS + MIXER_BLOCK_MS) * QV_NS_PER_MS;
}

const struct qv_audiosink_class speaker_input_class = {
	.head = { .kind = "audiosink", .name = "mixer" },
	.open = open_input,
	.close = close_input,
	.write = write_input,
	.delay = input_delay,
	.format = input_format,
	.least_delay = input_least_delay,
	.paced = true,
};
