/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/audiosink.h>

struct qv_videosink {
	pthread_t thread;
};

static struct qv_videosink *videosink_open(const struct qv_host *host, const struct qv_options *options,
					   const char *title, struct qv_error *err)
{
	(void)host;
	(void)options;
	(void)title;
	parts_lock();
	bool fails = parts.sink_fails_open;
	parts.sink_opens += !fails;
	parts_unlock();
	if (fails) {
		qv_fail(err, QV_E_IO, "no display");
		return NULL;
	}
	struct qv_videosink *sink = calloc(1, sizeof *sink);
	sink->thread = pthread_self();
	return sink;
}

static void videosink_close(struct qv_videosink *sink)
{
	parts_lock();
	parts.sink_closes++;
	parts.same_sink_thread &= pthread_equal(sink->thread, pthread_self()) != 0;
	parts_unlock();
	free(sink);
}

static int videosink_show(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	int number, outcome = 0;
	memcpy(&number, frame->plane[0], sizeof number);
	parts_lock();
	parts.same_sink_thread &= pthread_equal(sink->thread, pthread_self()) != 0;
	if (parts.shown < 4096) {
		parts.shown_number[parts.shown] = (uint64_t)number;
		parts.shown_capture_ns[parts.shown] = frame->capture_ns;
	}
	parts.shown++;
	parts_changed();
	while (parts.show_blocks)
		parts_await(NULL);
	if (parts.sink_closed_after && parts.shown >= parts.sink_closed_after)
		outcome = qv_fail(err, QV_E_END, "the window was closed");
	else if (parts.sink_fails_after && parts.shown >= parts.sink_fails_after)
		outcome = qv_fail(err, QV_E_IO, "the display failed");
	parts_unlock();
	return outcome;
}

static const struct qv_videosink_class videosink = {
	.head = { .kind = "videosink", .name = "counting" },
	.open = videosink_open,
	.close = videosink_close,
	.show = videosink_show,
};

struct qv_audiosink {
	const struct qv_host *host;
	int64_t heard_until; /* paced: when what was written has been played */
	int written;
};

static struct qv_audiosink *audiosink_open(const struct qv_host *host, const struct qv_options *options,
					   const struct qv_audio_format *format, struct qv_error *err)
{
	(void)options;
	(void)format;
	(void)err;
	struct qv_audiosink *sink = calloc(1, sizeof *sink);
	sink->host = host;
	parts_lock();
	parts.sink_opens++;
	parts_unlock();
	return sink;
}

static void audiosink_close(struct qv_audiosink *sink)
{
	parts_lock();
	parts.sink_closes++;
	parts_unlock();
	free(sink);
}

static int audiosink_write(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err)
{
	parts_lock();
	for (size_t i = 0; i < block->frames; i++)
		if (parts.played + i < sizeof parts.samples / sizeof parts.samples[0])
			parts.samples[parts.played + i] = block->samples[i];
	parts.played += block->frames;
	sink->written++;
	bool fails = parts.audio_sink_fails_after && sink->written >= parts.audio_sink_fails_after;
	parts_unlock();
	return fails ? qv_fail(err, QV_E_GONE, "the loudspeaker was unplugged") : 0;
}

static int64_t audiosink_delay(struct qv_audiosink *sink)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	return sink->heard_until > now ? sink->heard_until - now : 0;
}

#define DEVICE_NS (40 * QV_NS_PER_MS) /* what the device holds */

static int paced_write(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	if (sink->heard_until < now)
		sink->heard_until = now;
	sink->heard_until += (int64_t)block->frames * QV_NS_PER_SECOND / AUDIO_RATE;
	if (qv_clock_sleep_until(sink->heard_until - DEVICE_NS, sink->host->cancel_fd, err) != 0)
		return -1;
	return audiosink_write(sink, block, err);
}

static const struct qv_audiosink_class audiosink = {
	.head = { .kind = "audiosink", .name = "counting" },
	.open = audiosink_open,
	.close = audiosink_close,
	.write = audiosink_write,
	.delay = audiosink_delay,
};

static const struct qv_audiosink_class paced_audiosink = {
	.head = { .kind = "audiosink", .name = "paced" },
	.open = audiosink_open,
	.close = audiosink_close,
	.write = paced_write,
	.delay = audiosink_delay,
	.paced = true,
};

static struct qv_audiosink *absent_open(const struct qv_host *host, const struct qv_options *options,
					const struct qv_audio_format *format, struct qv_error *err)
{
	(void)host;
	(void)options;
	(void)format;
	qv_fail(err, QV_E_GONE, "there is no such loudspeaker");
	return NULL;
}

static const struct qv_audiosink_class absent_audiosink = {
	.head = { .kind = "audiosink", .name = "absent" },
	.open = absent_open,
	.close = audiosink_close,
	.write = paced_write,
	.delay = audiosink_delay,
	.paced = true,
};

const struct qv_role audio_absent_sink_role = { .class = &absent_audiosink.head };
const struct qv_role video_sink_role = { .class = &videosink.head };
const struct qv_role audio_sink_role = { .class = &audiosink.head };
const struct qv_role audio_paced_sink_role = { .class = &paced_audiosink.head };
