/* SPDX-License-Identifier: Apache-2.0 */
/* Audio sink "pulse": a loudspeaker through PulseAudio, or PipeWire in its place. */
#include <qvisio/audiosink.h>

#include <stdlib.h>
#include <sys/eventfd.h>

#include "../../audiosource/pulse/pulse_stream.h"

/* A device that takes nothing for this long does not play any more. */
#define STUCK_MS 5000

/* At close: the server's own buffers come on top of the latency. */
#define DRAIN_EXTRA_MS 1000

struct qv_audiosink {
	struct pulse_stream stream;
	int64_t latency_ms;
	bool drained; /* set with the loop locked */
};

static const struct qv_option options[] = {
	PULSE_OPTIONS("The sink to play to, as \"pactl list short sinks\" names it; without it the default one.", "40",
		      "Sound that the server holds: more endures longer hold-ups, less plays sooner."),
	{ .name = NULL },
};

static void on_drained(pa_stream *pa, int success, void *user)
{
	(void)pa, (void)success;
	struct qv_audiosink *sink = user;
	sink->drained = true;
	eventfd_write(sink->stream.event_fd, 1);
}

/* Lets the server play what it holds. */
static void drain(struct qv_audiosink *sink)
{
	struct pulse_stream *stream = &sink->stream;
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + (sink->latency_ms + DRAIN_EXTRA_MS) * QV_NS_PER_MS;
	pa_threaded_mainloop_lock(stream->loop);
	pa_operation *operation = NULL;
	if (pulse_stream_check(stream, NULL) == 0 && pa_stream_is_suspended(stream->stream) <= 0)
		operation = pa_stream_drain(stream->stream, on_drained, sink);
	while (operation && !sink->drained && pulse_stream_check(stream, NULL) == 0) {
		int64_t left = (deadline - qv_clock_now(&qv_clock_monotonic)) / QV_NS_PER_MS;
		if (left <= 0)
			break;
		pa_threaded_mainloop_unlock(stream->loop);
		int woken = pulse_stream_wait(stream, (int)left, NULL);
		pa_threaded_mainloop_lock(stream->loop);
		if (woken <= 0)
			break;
	}
	if (operation) {
		pa_operation_cancel(operation);
		pa_operation_unref(operation);
	}
	pa_threaded_mainloop_unlock(stream->loop);
}

static void sink_close(struct qv_audiosink *sink)
{
	if (!sink)
		return;
	if (sink->stream.stream)
		drain(sink);
	pulse_stream_close(&sink->stream);
	if (sink->stream.underruns > 0)
		qv_log_info(sink->stream.host.log, "%u underruns", sink->stream.underruns);
	free(sink);
}

static struct qv_audiosink *sink_open(const struct qv_host *host, const struct qv_options *values,
				      const struct qv_audio_format *format, struct qv_error *err)
{
	if (qv_audio_format_check(format, err) != 0)
		return NULL;
	struct qv_audiosink *sink = calloc(1, sizeof *sink);
	if (!sink) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio sink");
		return NULL;
	}
	sink->latency_ms = qv_options_int(values, "latency");
	if (pulse_stream_open(&sink->stream, host, values, format, PA_STREAM_PLAYBACK, err) != 0) {
		pulse_stream_close(&sink->stream);
		free(sink);
		return NULL;
	}
	return sink;
}

/* With the loop locked: gives the server what it has room for. Bytes given, or -1. */
static long give(struct pulse_stream *stream, const uint8_t *data, size_t bytes, bool *suspended, struct qv_error *err)
{
	if (pulse_stream_check(stream, err) != 0)
		return -1;
	*suspended = pa_stream_is_suspended(stream->stream) > 0;
	size_t room = pa_stream_writable_size(stream->stream);
	if (room == (size_t)-1)
		return pulse_stream_fail(stream, "asking for room", err);
	room -= room % stream->frame_bytes;
	if (room > bytes)
		room = bytes;
	if (room > 0 && pa_stream_write(stream->stream, data, room, NULL, 0, PA_SEEK_RELATIVE) < 0)
		return pulse_stream_fail(stream, "playing sound", err);
	return (long)room;
}

static int sink_write(struct qv_audiosink *sink, const struct qv_audio_block *block, struct qv_error *err)
{
	struct pulse_stream *stream = &sink->stream;
	if (qv_audio_block_check(block, &stream->format, err) != 0)
		return -1;
	/* Also a server that never lets it wait is to be cancelled. */
	if (qv_clock_sleep_until(0, stream->host.cancel_fd, err) != 0)
		return -1;
	size_t bytes = block->frames * stream->frame_bytes;
	int64_t block_ns = (int64_t)block->frames * QV_NS_PER_SECOND / stream->format.rate;
	int64_t idle_since = qv_clock_now(&qv_clock_monotonic);
	for (size_t done = 0; done < bytes;) {
		bool suspended = false;
		pa_threaded_mainloop_lock(stream->loop);
		long given = give(stream, (const uint8_t *)block->samples + done, bytes - done, &suspended, err);
		pa_threaded_mainloop_unlock(stream->loop);
		if (given < 0)
			return -1;
		done += (size_t)given;
		int64_t now = qv_clock_now(&qv_clock_monotonic);
		if (given > 0) {
			idle_since = now;
			continue;
		}
		/* Sound for a suspended device is dropped at its own pace, and the call goes on. */
		int64_t limit = idle_since + (suspended ? block_ns : STUCK_MS * QV_NS_PER_MS);
		if (now >= limit && suspended)
			return 0;
		if (now >= limit)
			return qv_fail(err, QV_E_IO, "PulseAudio has taken no sound for %d s", STUCK_MS / 1000);
		if (pulse_stream_wait(stream, (int)((limit - now) / QV_NS_PER_MS) + 1, err) < 0)
			return -1;
	}
	return 0;
}

static int64_t sink_delay(struct qv_audiosink *sink)
{
	struct pulse_stream *stream = &sink->stream;
	pa_usec_t latency = 0;
	int negative = 0;
	pa_threaded_mainloop_lock(stream->loop);
	int known = pa_stream_get_latency(stream->stream, &latency, &negative);
	pa_threaded_mainloop_unlock(stream->loop);
	return known < 0 || negative ? 0 : (int64_t)latency * 1000;
}

/* The server takes from the stream, at once, what its device then plays for this long. */
static int64_t sink_least_delay(struct qv_audiosink *sink)
{
	struct pulse_stream *stream = &sink->stream;
	pa_threaded_mainloop_lock(stream->loop);
	const pa_timing_info *timing = pa_stream_get_timing_info(stream->stream);
	int64_t least = timing ? (int64_t)timing->configured_sink_usec * 1000 : 0;
	pa_threaded_mainloop_unlock(stream->loop);
	/* A server that does not say what it was set to holds back as much as it was asked to at most. */
	return least > 0 && least < sink->latency_ms * QV_NS_PER_MS ? least : sink->latency_ms * QV_NS_PER_MS / 2;
}

static const struct qv_audiosink_class pulse = {
	.head = { .kind = "audiosink",
		  .name = "pulse",
		  .summary = "a loudspeaker through PulseAudio or PipeWire",
		  .abi_major = QV_AUDIOSINK_ABI_MAJOR,
		  .abi_minor = QV_AUDIOSINK_ABI_MINOR,
		  .size = sizeof(struct qv_audiosink_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = sink_open,
	.close = sink_close,
	.write = sink_write,
	.delay = sink_delay,
	.paced = true,
	.least_delay = sink_least_delay,
};

static const struct qv_class *const classes[] = { &pulse.head, NULL };

const struct qv_module qv_module = {
	.abi_major = QV_MODULE_ABI_MAJOR,
	.abi_minor = QV_MODULE_ABI_MINOR,
	.size = sizeof(struct qv_module),
	.version = "1.0",
	.license = "Apache-2.0 AND LGPL-2.1-or-later",
	.classes = classes,
};
