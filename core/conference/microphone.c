/* SPDX-License-Identifier: Apache-2.0 */
#include "microphone.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <qvisio/conference.h>

#include "../call/voice_filter.h"

#define READ_MS 200
#define HELD_MS 500 /* of sound, for late shares */

struct microphone {
	const struct media *media;
	const struct qv_role *role;
	struct module_host host;
	const struct qv_audiosource_class *class;
	pthread_mutex_t opening; /* held while the source is opened or closed; before `lock` */
	struct qv_audiosource *source;
	const struct qv_role *filter_role; /* NULL: none */
	struct voice_filter *filter;       /* of the open source */
	struct stop stop;
	pthread_t thread;
	pthread_mutex_t lock; /* of the rest */
	struct qv_audio_format format;
	unsigned opened; /* how often the source was, so far */
	struct qv_audiosource *shares[QV_CONFERENCE_SEATS];
	int16_t *samples;    /* ring of `room` samples per channel */
	size_t room;         /* samples per channel */
	uint64_t start, end; /* positions that are held */
	int64_t end_ns;      /* when the sample at `end` would have been heard */
	struct qv_error failure;
};

/* A share. */
struct qv_audiosource {
	struct microphone *microphone;
	const struct qv_host *host;
	int event_fd; /* readable when there is something new */
	struct qv_audio_format format;
	size_t block_frames;
	unsigned opened;
	uint64_t base, next; /* positions: of the first sample of this share, and of the next one */
	uint64_t before;     /* samples that the share has passed on of sources before */
	int16_t *samples;
};

static void tell_shares(struct microphone *microphone)
{
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++)
		if (microphone->shares[i])
			eventfd_write(microphone->shares[i]->event_fd, 1);
}

static void publish(struct microphone *microphone, const struct qv_audio_block *block)
{
	size_t channels = (size_t)microphone->format.channels, frames = block->frames, skipped = 0;
	pthread_mutex_lock(&microphone->lock);
	if (frames > microphone->room)
		skipped = frames - microphone->room;
	/* The source lost some: what is held ends there. */
	if (block->position + skipped != microphone->end)
		microphone->start = microphone->end = block->position + skipped;
	for (size_t i = skipped; i < frames; i++)
		memcpy(microphone->samples + (microphone->end + i - skipped) % microphone->room * channels,
		       block->samples + i * channels, channels * sizeof block->samples[0]);
	microphone->end += frames - skipped;
	if (microphone->end - microphone->start > microphone->room)
		microphone->start = microphone->end - microphone->room;
	microphone->end_ns = block->capture_ns + (int64_t)frames * QV_NS_PER_SECOND / microphone->format.rate;
	tell_shares(microphone);
	pthread_mutex_unlock(&microphone->lock);
}

static void *run(void *argument)
{
	struct microphone *microphone = argument;
	struct qv_audio_block block;
	struct qv_error err = QV_ERROR_INIT;
	while (!stop_raised(&microphone->stop)) {
		int got = microphone->class->read(microphone->source, &block, READ_MS, &err);
		if (got < 0)
			break;
		if (got > 0 && microphone->filter)
			voice_filter_run(microphone->filter, &block);
		if (got > 0)
			publish(microphone, &block);
	}
	pthread_mutex_lock(&microphone->lock);
	microphone->failure = err;
	/* Whoever still has a share then opens it anew. */
	if (stop_raised(&microphone->stop) && !stop_raised(&microphone->media->stop))
		qv_fail(&microphone->failure, QV_E_GONE, "another microphone was chosen");
	else if (err.code == QV_OK)
		qv_fail(&microphone->failure, QV_E_CANCELLED, "the conference was closed");
	tell_shares(microphone);
	pthread_mutex_unlock(&microphone->lock);
	return NULL;
}

static void close_source(struct microphone *microphone)
{
	if (!microphone->source)
		return;
	stop_raise(&microphone->stop);
	pthread_join(microphone->thread, NULL);
	microphone->class->close(microphone->source);
	microphone->source = NULL;
	voice_filter_close(microphone->filter);
	microphone->filter = NULL;
	stop_clear(&microphone->stop);
}

static int open_filter(struct microphone *microphone, const struct qv_audio_format *format, size_t block_frames,
		       struct qv_error *err)
{
	if (!microphone->filter_role)
		return 0;
	microphone->filter = voice_filter_open(microphone->media, microphone->filter_role, format, block_frames, err);
	return microphone->filter ? 0 : -1;
}

/* Nothing of it is held yet. */
static int begin(struct microphone *microphone, const struct qv_audio_format *format, struct qv_error *err)
{
	size_t room = (size_t)format->rate * HELD_MS / 1000;
	int16_t *samples = calloc(room * (size_t)format->channels, sizeof samples[0]);
	if (!samples)
		return qv_fail(err, QV_E_NOMEM, "no memory for shared sound");
	pthread_mutex_lock(&microphone->lock);
	free(microphone->samples);
	microphone->samples = samples;
	microphone->room = room;
	microphone->format = *format;
	microphone->opened++;
	microphone->start = microphone->end = 0;
	microphone->failure = (struct qv_error)QV_ERROR_INIT;
	pthread_mutex_unlock(&microphone->lock);
	return 0;
}

static int open_source(struct microphone *microphone, const struct qv_audio_format *format, size_t block_frames,
		       struct qv_error *err)
{
	if (stop_init(&microphone->stop, microphone->media->stop.poll_fd, err) != 0)
		return -1;
	microphone->host.host.cancel_fd = microphone->stop.poll_fd;
	microphone->source =
		microphone->class->open(&microphone->host.host, microphone->role->options, format, block_frames, err);
	struct qv_audio_format own = *format;
	if (microphone->source && microphone->class->format)
		microphone->class->format(microphone->source, &own);
	size_t own_frames = block_frames * (size_t)own.rate / (size_t)format->rate;
	if (microphone->source && begin(microphone, &own, err) == 0 &&
	    open_filter(microphone, &own, own_frames, err) == 0) {
		int failed = pthread_create(&microphone->thread, NULL, run, microphone);
		if (!failed)
			return 0;
		qv_fail_errno(err, QV_E_IO, failed, "starting the thread of the shared microphone");
	}
	if (microphone->source)
		microphone->class->close(microphone->source);
	microphone->source = NULL;
	voice_filter_close(microphone->filter);
	microphone->filter = NULL;
	stop_clear(&microphone->stop);
	return -1;
}

static bool has_failed(struct microphone *microphone)
{
	pthread_mutex_lock(&microphone->lock);
	bool failed = microphone->failure.code != QV_OK;
	pthread_mutex_unlock(&microphone->lock);
	return failed;
}

static bool same_format(const struct qv_audio_format *a, const struct qv_audio_format *b)
{
	return a->rate == b->rate && a->channels == b->channels;
}

/* With `opening` held: there is a source that works. */
static int have_source(struct microphone *microphone, const struct qv_audio_format *format, size_t block_frames,
		       struct qv_error *err)
{
	if (microphone->source && has_failed(microphone))
		close_source(microphone);
	return microphone->source ? 0 : open_source(microphone, format, block_frames, err);
}

static bool add_share(struct microphone *microphone, struct qv_audiosource *share)
{
	bool added = false;
	pthread_mutex_lock(&microphone->lock);
	share->opened = microphone->opened;
	share->base = share->next = microphone->end;
	for (size_t i = 0; i < QV_CONFERENCE_SEATS && !added; i++)
		if (!microphone->shares[i]) {
			microphone->shares[i] = share;
			added = true;
		}
	pthread_mutex_unlock(&microphone->lock);
	return added;
}

/* False: it was the last one. */
static bool remove_share(struct microphone *microphone, const struct qv_audiosource *share)
{
	bool others = false;
	pthread_mutex_lock(&microphone->lock);
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++) {
		if (microphone->shares[i] == share)
			microphone->shares[i] = NULL;
		others = others || microphone->shares[i];
	}
	pthread_mutex_unlock(&microphone->lock);
	return others;
}

static void close_share(struct qv_audiosource *share)
{
	if (!share)
		return;
	struct microphone *microphone = share->microphone;
	pthread_mutex_lock(&microphone->opening);
	if (!remove_share(microphone, share))
		close_source(microphone);
	pthread_mutex_unlock(&microphone->opening);
	close(share->event_fd);
	free(share->samples);
	free(share);
}

/* With `opening` held: blocks of the source's format that last as long as those asked for. */
static int make_room(struct qv_audiosource *share, const struct qv_audio_format *asked, size_t block_frames,
		     struct qv_error *err)
{
	share->format = share->microphone->format;
	share->block_frames = block_frames * (size_t)share->format.rate / (size_t)asked->rate;
	if (share->block_frames < 1)
		share->block_frames = 1;
	share->samples = calloc(share->block_frames * (size_t)share->format.channels, sizeof share->samples[0]);
	return share->samples ? 0 : qv_fail(err, QV_E_NOMEM, "no memory for a share of the microphone");
}

static struct qv_audiosource *open_share(const struct qv_host *host, const struct qv_options *options,
					 const struct qv_audio_format *format, size_t block_frames,
					 struct qv_error *err)
{
	struct qv_audiosource *share = calloc(1, sizeof *share);
	(void)options;
	if (!share) {
		qv_fail(err, QV_E_NOMEM, "no memory for a share of the microphone");
		return NULL;
	}
	share->microphone = host->object;
	share->host = host;
	share->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (share->event_fd < 0) {
		qv_fail_errno(err, QV_E_IO, errno, "making an event descriptor");
		free(share);
		return NULL;
	}
	struct microphone *microphone = share->microphone;
	pthread_mutex_lock(&microphone->opening);
	int status = have_source(microphone, format, block_frames, err);
	if (status == 0)
		status = make_room(share, format, block_frames, err);
	if (status == 0 && !add_share(microphone, share))
		status = qv_fail(err, QV_E_BUSY, "the shared microphone has no share left");
	pthread_mutex_unlock(&microphone->opening);
	if (status == 0)
		return share;
	close_share(share);
	return NULL;
}

static void share_format(const struct qv_audiosource *share, struct qv_audio_format *format)
{
	*format = share->format;
}

/* With the lock held: the source was opened anew, by another share. */
static int follow(struct qv_audiosource *share, struct qv_error *err)
{
	struct microphone *microphone = share->microphone;
	if (share->opened == microphone->opened)
		return 0;
	if (!same_format(&share->format, &microphone->format))
		return qv_fail(err, QV_E_GONE, "the shared microphone came back with another format");
	share->before += share->next - share->base;
	share->opened = microphone->opened;
	share->base = share->next = microphone->start;
	return 0;
}

/* With the lock held. */
static int take(struct qv_audiosource *share, struct qv_audio_block *block, struct qv_error *err)
{
	struct microphone *microphone = share->microphone;
	if (follow(share, err) != 0)
		return -1;
	if (share->next < microphone->start)
		share->next = microphone->start;
	size_t has = (size_t)(microphone->end - share->next), channels = (size_t)share->format.channels;
	size_t frames = has < share->block_frames ? has : share->block_frames;
	bool ended = microphone->failure.code != QV_OK;
	if (frames == 0 || (frames < share->block_frames && !ended)) {
		if (ended && err)
			*err = microphone->failure;
		return ended ? -1 : 0;
	}
	for (size_t i = 0; i < frames; i++)
		memcpy(share->samples + i * channels,
		       microphone->samples + (share->next + i) % microphone->room * channels,
		       channels * sizeof share->samples[0]);
	*block = (struct qv_audio_block){
		.format = share->format,
		.samples = share->samples,
		.frames = frames,
		.capture_ns = microphone->end_ns - (int64_t)has * QV_NS_PER_SECOND / share->format.rate,
		.position = share->before + share->next - share->base,
	};
	share->next += frames;
	return 1;
}

static int read_share(struct qv_audiosource *share, struct qv_audio_block *block, int timeout_ms, struct qv_error *err)
{
	for (int tries = 0; tries < 2; tries++) {
		eventfd_t told;
		eventfd_read(share->event_fd, &told);
		pthread_mutex_lock(&share->microphone->lock);
		int got = take(share, block, err);
		pthread_mutex_unlock(&share->microphone->lock);
		if (got != 0 || tries > 0)
			return got;
		int ready = qv_wait_fd(share->event_fd, POLLIN, timeout_ms, share->host->cancel_fd, err);
		if (ready <= 0)
			return ready;
	}
	return 0;
}

const struct qv_audiosource_class microphone_share_class = {
	.head = { .kind = "audiosource", .name = "shared" },
	.open = open_share,
	.close = close_share,
	.read = read_share,
	.format = share_format,
};

struct microphone *microphone_new(const struct media *media, const struct qv_role *role, const struct qv_role *filter,
				  struct qv_error *err)
{
	struct microphone *microphone = calloc(1, sizeof *microphone);
	if (!microphone) {
		qv_fail(err, QV_E_NOMEM, "no memory for a shared microphone");
		return NULL;
	}
	microphone->media = media;
	microphone->role = role;
	microphone->filter_role = filter;
	microphone->class = qv_audiosource_class(role->class);
	microphone->stop = (struct stop){ -1, -1 };
	module_host_init(&microphone->host, media, "audio.source");
	module_host_take(&microphone->host, role);
	pthread_mutex_init(&microphone->opening, NULL);
	pthread_mutex_init(&microphone->lock, NULL);
	return microphone;
}

void microphone_use(struct microphone *microphone, const struct qv_role *role)
{
	pthread_mutex_lock(&microphone->opening);
	close_source(microphone);
	microphone->role = role;
	microphone->class = qv_audiosource_class(role->class);
	module_host_take(&microphone->host, role);
	pthread_mutex_unlock(&microphone->opening);
}

void microphone_free(struct microphone *microphone)
{
	if (!microphone)
		return;
	close_source(microphone);
	free(microphone->samples);
	module_host_clear(&microphone->host);
	pthread_mutex_destroy(&microphone->opening);
	pthread_mutex_destroy(&microphone->lock);
	free(microphone);
}
