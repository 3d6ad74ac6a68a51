/* SPDX-License-Identifier: Apache-2.0 */
#include "microphone.h"

#include <stdlib.h>
#include <string.h>

#include "../call/voice_filter.h"
#include "shared_device.h"

#define READ_MS 200
#define HELD_MS 500 /* of sound, for late shares */

struct microphone {
	struct shared_device device; /* its lock is of what stands behind the filter, too */
	const struct qv_audiosource_class *class;
	struct qv_audiosource *source;
	const struct qv_role *filter_role; /* NULL: none */
	struct voice_filter *filter;       /* of the open source */
	struct qv_audio_format format;
	int16_t *samples;    /* ring of `room` samples per channel */
	size_t room;         /* samples per channel */
	uint64_t start, end; /* positions that are held */
	int64_t end_ns;      /* when the sample at `end` would have been heard */
};

/* A share. */
struct qv_audiosource {
	struct share share;
	struct microphone *microphone;
	struct qv_audio_format format;
	size_t block_frames;
	uint64_t base, next; /* positions: of the first sample of this share, and of the next one */
	uint64_t before;     /* samples that the share has passed on of sources before */
	int16_t *samples;
};

static void publish(struct microphone *microphone, const struct qv_audio_block *block)
{
	size_t channels = (size_t)microphone->format.channels, frames = block->frames, skipped = 0;
	pthread_mutex_lock(&microphone->device.lock);
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
	shared_device_tell(&microphone->device);
	pthread_mutex_unlock(&microphone->device.lock);
}

static void *run(void *argument)
{
	struct microphone *microphone = argument;
	struct qv_audio_block block;
	struct qv_error err = QV_ERROR_INIT;
	while (!stop_raised(&microphone->device.stop)) {
		int got = microphone->class->read(microphone->source, &block, READ_MS, &err);
		if (got < 0)
			break;
		if (got > 0 && microphone->filter)
			voice_filter_run(microphone->filter, &block);
		if (got > 0)
			publish(microphone, &block);
	}
	shared_device_ended(&microphone->device, &err, "microphone");
	return NULL;
}

static void close_source(struct microphone *microphone)
{
	if (!microphone->source)
		return;
	shared_device_join(&microphone->device);
	microphone->class->close(microphone->source);
	microphone->source = NULL;
	voice_filter_close(microphone->filter);
	microphone->filter = NULL;
	stop_clear(&microphone->device.stop);
}

static int open_filter(struct microphone *microphone, const struct qv_audio_format *format, size_t block_frames,
		       struct qv_error *err)
{
	if (!microphone->filter_role)
		return 0;
	microphone->filter =
		voice_filter_open(microphone->device.media, microphone->filter_role, format, block_frames, err);
	return microphone->filter ? 0 : -1;
}

/* Nothing of it is held yet. */
static int begin(struct microphone *microphone, const struct qv_audio_format *format, struct qv_error *err)
{
	size_t room = (size_t)format->rate * HELD_MS / 1000;
	int16_t *samples = calloc(room * (size_t)format->channels, sizeof samples[0]);
	if (!samples)
		return qv_fail(err, QV_E_NOMEM, "no memory for shared sound");
	pthread_mutex_lock(&microphone->device.lock);
	free(microphone->samples);
	microphone->samples = samples;
	microphone->room = room;
	microphone->format = *format;
	microphone->start = microphone->end = 0;
	shared_device_opened(&microphone->device);
	pthread_mutex_unlock(&microphone->device.lock);
	return 0;
}

static int open_source(struct microphone *microphone, const struct qv_audio_format *format, size_t block_frames,
		       struct qv_error *err)
{
	if (shared_device_prepare(&microphone->device, err) != 0)
		return -1;
	microphone->source = microphone->class->open(&microphone->device.host.host, microphone->device.role->options,
						     format, block_frames, err);
	struct qv_audio_format own = *format;
	if (microphone->source && microphone->class->format)
		microphone->class->format(microphone->source, &own);
	size_t own_frames = block_frames * (size_t)own.rate / (size_t)format->rate;
	if (microphone->source && begin(microphone, &own, err) == 0 &&
	    open_filter(microphone, &own, own_frames, err) == 0) {
		int failed = pthread_create(&microphone->device.thread, NULL, run, microphone);
		if (!failed)
			return 0;
		qv_fail_errno(err, QV_E_IO, failed, "starting the thread of the shared microphone");
	}
	if (microphone->source)
		microphone->class->close(microphone->source);
	microphone->source = NULL;
	voice_filter_close(microphone->filter);
	microphone->filter = NULL;
	stop_clear(&microphone->device.stop);
	return -1;
}

static bool same_format(const struct qv_audio_format *a, const struct qv_audio_format *b)
{
	return a->rate == b->rate && a->channels == b->channels;
}

/* With `opening` held: there is a source that works. */
static int have_source(struct microphone *microphone, const struct qv_audio_format *format, size_t block_frames,
		       struct qv_error *err)
{
	if (microphone->source && shared_device_has_failed(&microphone->device))
		close_source(microphone);
	return microphone->source ? 0 : open_source(microphone, format, block_frames, err);
}

static int add_share(struct microphone *microphone, struct qv_audiosource *share, struct qv_error *err)
{
	pthread_mutex_lock(&microphone->device.lock);
	share->base = share->next = microphone->end;
	int status = share_add(&microphone->device, &share->share, "microphone", err);
	pthread_mutex_unlock(&microphone->device.lock);
	return status;
}

/* False: it was the last one. */
static bool remove_share(struct microphone *microphone, const struct qv_audiosource *share)
{
	pthread_mutex_lock(&microphone->device.lock);
	bool others = share_remove(&microphone->device, &share->share);
	pthread_mutex_unlock(&microphone->device.lock);
	return others;
}

static void close_share(struct qv_audiosource *share)
{
	if (!share)
		return;
	struct microphone *microphone = share->microphone;
	pthread_mutex_lock(&microphone->device.opening);
	if (!remove_share(microphone, share))
		close_source(microphone);
	pthread_mutex_unlock(&microphone->device.opening);
	share_clear(&share->share);
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
	if (share_init(&share->share, host, err) != 0) {
		free(share);
		return NULL;
	}
	struct microphone *microphone = share->microphone;
	pthread_mutex_lock(&microphone->device.opening);
	int status = have_source(microphone, format, block_frames, err);
	if (status == 0)
		status = make_room(share, format, block_frames, err);
	if (status == 0)
		status = add_share(microphone, share, err);
	pthread_mutex_unlock(&microphone->device.opening);
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
	if (share->share.opened == microphone->device.opened)
		return 0;
	if (!same_format(&share->format, &microphone->format))
		return qv_fail(err, QV_E_GONE, "the shared microphone came back with another format");
	share->before += share->next - share->base;
	share->share.opened = microphone->device.opened;
	share->base = share->next = microphone->start;
	return 0;
}

/* With the lock held. */
static int take(struct share *of, void *into, struct qv_error *err)
{
	struct qv_audiosource *share = (struct qv_audiosource *)of;
	struct microphone *microphone = share->microphone;
	struct qv_audio_block *block = into;
	if (follow(share, err) != 0)
		return -1;
	if (share->next < microphone->start)
		share->next = microphone->start;
	size_t has = (size_t)(microphone->end - share->next), channels = (size_t)share->format.channels;
	size_t frames = has < share->block_frames ? has : share->block_frames;
	bool ended = microphone->device.failure.code != QV_OK;
	if (frames == 0 || (frames < share->block_frames && !ended)) {
		if (ended && err)
			*err = microphone->device.failure;
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
	return share_read(&share->microphone->device, &share->share, take, block, timeout_ms, err);
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
	shared_device_init(&microphone->device, media, role, "audio.source");
	microphone->filter_role = filter;
	microphone->class = qv_audiosource_class(role->class);
	return microphone;
}

void microphone_use(struct microphone *microphone, const struct qv_role *role)
{
	pthread_mutex_lock(&microphone->device.opening);
	close_source(microphone);
	microphone->device.role = role;
	microphone->class = qv_audiosource_class(role->class);
	module_host_take(&microphone->device.host, role);
	pthread_mutex_unlock(&microphone->device.opening);
}

void microphone_free(struct microphone *microphone)
{
	if (!microphone)
		return;
	close_source(microphone);
	free(microphone->samples);
	shared_device_clear(&microphone->device);
	free(microphone);
}
