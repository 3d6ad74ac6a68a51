/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <qvisio/audiosource.h>
#include <qvisio/videosource.h>

static int pause_until(const struct qv_host *host, int64_t due, int timeout_ms, struct qv_error *err)
{
	int64_t limit = qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	if (qv_clock_sleep_until(due < limit ? due : limit, host->cancel_fd, err) != 0)
		return -1;
	return due <= limit ? 1 : 0;
}

struct qv_videosource {
	const struct qv_host *host;
	int64_t due;
	int number;
	uint8_t luma[16 * 16], chroma[8 * 8];
};

static struct qv_videosource *videosource_open(const struct qv_host *host, const struct qv_options *options,
					       const struct qv_video_want *want, struct qv_error *err)
{
	(void)options;
	(void)want;
	(void)err;
	struct qv_videosource *source = calloc(1, sizeof *source);
	source->host = host;
	source->due = qv_clock_now(&qv_clock_monotonic);
	parts_lock();
	parts.source_opens++;
	parts_unlock();
	return source;
}

static void videosource_close(struct qv_videosource *source)
{
	if (!source)
		return;
	parts_lock();
	parts.source_closes++;
	parts_unlock();
	free(source);
}

static void videosource_format(const struct qv_videosource *source, struct qv_video_format *format)
{
	(void)source;
	*format = parts_video_format;
}

static int videosource_read(struct qv_videosource *source, struct qv_frame *frame, int timeout_ms, struct qv_error *err)
{
	parts_lock();
	int last = parts.video_frames, gone = parts.video_gone_after, interval = parts.video_interval_ms;
	parts_unlock();
	if (gone && source->number >= gone)
		return qv_fail(err, QV_E_GONE, "the camera was unplugged");
	if (last != NO_LIMIT && source->number >= last)
		return qv_fail(err, QV_E_END, "end");
	int ready = pause_until(source->host, source->due, timeout_ms, err);
	if (ready <= 0)
		return ready;
	source->due += interval * QV_NS_PER_MS;
	*frame = (struct qv_frame){ .format = parts_video_format,
				    .plane = { source->luma, source->chroma, source->chroma },
				    .stride = { 16, 8, 8 },
				    .size = { sizeof source->luma, sizeof source->chroma, sizeof source->chroma },
				    .capture_ns = qv_clock_now(&qv_clock_monotonic),
				    .sequence = (uint64_t)source->number };
	memcpy(source->luma, &source->number, sizeof source->number);
	source->number++;
	parts_lock();
	parts.produced_frames++;
	parts_unlock();
	return 1;
}

static const struct qv_videosource_class videosource = {
	.head = { .kind = "videosource", .name = "counting" },
	.open = videosource_open,
	.close = videosource_close,
	.format = videosource_format,
	.read = videosource_read,
};

struct qv_audiosource {
	const struct qv_host *host;
	int64_t due;
	int number;
	uint64_t position;
	int16_t samples[AUDIO_BLOCK];
};

static struct qv_audiosource *audiosource_open(const struct qv_host *host, const struct qv_options *options,
					       const struct qv_audio_format *format, size_t block_frames,
					       struct qv_error *err)
{
	(void)options;
	(void)format;
	(void)block_frames;
	(void)err;
	struct qv_audiosource *source = calloc(1, sizeof *source);
	source->host = host;
	source->due = qv_clock_now(&qv_clock_monotonic);
	parts_lock();
	parts.source_opens++;
	parts_unlock();
	return source;
}

static void audiosource_close(struct qv_audiosource *source)
{
	if (!source)
		return;
	parts_lock();
	parts.source_closes++;
	parts_unlock();
	free(source);
}

/* Waits, at most `timeout_ms`, until block `number` may be made. */
static bool in_step(int number, int timeout_ms)
{
	struct timespec deadline;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_nsec += timeout_ms * 1000000L;
	deadline.tv_sec += deadline.tv_nsec / 1000000000L;
	deadline.tv_nsec %= 1000000000L;
	bool in_time = true;
	parts_lock();
	while (parts.audio_lockstep && parts.played / AUDIO_BLOCK + 10 < (uint64_t)number && in_time)
		in_time = parts_await(&deadline);
	parts_unlock();
	return in_time;
}

static int audiosource_read(struct qv_audiosource *source, struct qv_audio_block *block, int timeout_ms,
			    struct qv_error *err)
{
	parts_lock();
	int last = parts.audio_blocks, gone = parts.audio_gone_after, interval = parts.audio_interval_ms;
	int gap = parts.audio_gap_at;
	parts_unlock();
	if (gone && source->number >= gone)
		return qv_fail(err, QV_E_GONE, "the microphone was unplugged");
	if (last != NO_LIMIT && source->number >= last)
		return qv_fail(err, QV_E_END, "end");
	if (!in_step(source->number, timeout_ms))
		return 0;
	int ready = pause_until(source->host, source->due, timeout_ms, err);
	if (ready <= 0)
		return ready;
	source->due += interval * QV_NS_PER_MS;
	if (gap && source->number == gap)
		source->position += AUDIO_BLOCK;
	/* Every sample tells its position. */
	for (int i = 0; i < AUDIO_BLOCK; i++)
		source->samples[i] = (int16_t)((source->position + (uint64_t)i) % 32000 + 1);
	*block = (struct qv_audio_block){ .format = { AUDIO_RATE, 1 },
					  .samples = source->samples,
					  .frames = AUDIO_BLOCK,
					  .capture_ns = qv_clock_now(&qv_clock_monotonic),
					  .position = source->position };
	source->number++;
	source->position += AUDIO_BLOCK;
	parts_lock();
	parts.produced_blocks++;
	parts_unlock();
	return 1;
}

static const struct qv_audiosource_class audiosource = {
	.head = { .kind = "audiosource", .name = "counting" },
	.open = audiosource_open,
	.close = audiosource_close,
	.read = audiosource_read,
};

const struct qv_role video_source_role = { .class = &videosource.head };
const struct qv_role audio_source_role = { .class = &audiosource.head };
