/* SPDX-License-Identifier: Apache-2.0 */
/* Audio source "pulse": a microphone through PulseAudio, or PipeWire in its place. */
#include <qvisio/audiosource.h>

#include <stdlib.h>
#include <string.h>

#include "pulse_stream.h"

/* Sound that waited longer for its reader is left out: nobody in a call wants to hear it. */
#define STALE_SECONDS 1

/* A delay in the flow longer than this is sound that was lost without a word: a suspended device, a full buffer. */
#define SILENT_LOSS_NS (QV_NS_PER_SECOND / 2)

/* Sound as the server sent it, copied: whoever holds a fragment of libpulse's own over an unlocking of the loop blocks that
   loop for good when the server goes away, for it waits until its memory is given back. */
struct fragment {
	uint8_t *bytes;
	size_t size, taken, capacity;
	int64_t time_ns; /* when its first sample was heard */
};

struct qv_audiosource {
	struct pulse_stream stream;
	struct fragment fragment;
	size_t block_frames;
	size_t filled; /* samples per channel of the next block that are here */
	uint64_t position;
	uint64_t lost;
	int64_t next_ns; /* when the sample at `position` should have been heard; 0 before the first block */
	int16_t samples[];
};

static const struct qv_option options[] = {
	PULSE_OPTIONS("The source to record, as \"pactl list short sources\" names it; without it the default one.",
		      "10", "Sound that the server gathers before it hands it over."),
	{ .name = NULL },
};

static void source_close(struct qv_audiosource *source)
{
	if (!source)
		return;
	pulse_stream_close(&source->stream);
	if (source->lost > 0)
		qv_log_warning(source->stream.host.log, "overruns lost %.3f s of sound",
			       (double)source->lost / source->stream.format.rate);
	free(source->fragment.bytes);
	free(source);
}

static struct qv_audiosource *source_open(const struct qv_host *host, const struct qv_options *values,
					  const struct qv_audio_format *format, size_t block_frames,
					  struct qv_error *err)
{
	if (qv_audio_blocks_check(format, block_frames, err) != 0)
		return NULL;
	struct qv_audiosource *source =
		calloc(1, sizeof *source + block_frames * (size_t)format->channels * sizeof source->samples[0]);
	if (!source) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio block");
		return NULL;
	}
	source->block_frames = block_frames;
	if (pulse_stream_open(&source->stream, host, values, format, PA_STREAM_RECORD, err) != 0) {
		source_close(source);
		return NULL;
	}
	return source;
}

static void jump(struct qv_audiosource *source, uint64_t frames)
{
	source->position += frames;
	source->lost += frames;
	if (source->next_ns) /* before the first block nothing is due */
		source->next_ns += (int64_t)(frames * QV_NS_PER_SECOND / (uint64_t)source->stream.format.rate);
}

/* Sound that is lost or left out: what was gathered of the block before it goes with it, as one jump. */
static void skip(struct qv_audiosource *source, size_t bytes)
{
	jump(source, bytes / source->stream.frame_bytes + source->filled);
	source->filled = 0;
}

/* With the loop locked. */
static int leave_out_stale(struct qv_audiosource *source, struct qv_error *err)
{
	struct pulse_stream *stream = &source->stream;
	size_t limit = (size_t)stream->format.rate * STALE_SECONDS * stream->frame_bytes;
	size_t waiting = pa_stream_readable_size(stream->stream);
	if (waiting == (size_t)-1 || waiting <= limit)
		return 0;
	skip(source, source->fragment.size - source->fragment.taken);
	source->fragment.taken = source->fragment.size;
	while (pa_stream_readable_size(stream->stream) > limit / 10) {
		const void *data;
		size_t bytes;
		if (pa_stream_peek(stream->stream, &data, &bytes) < 0)
			return pulse_stream_fail(stream, "reading sound", err);
		if (bytes == 0)
			break;
		skip(source, bytes);
		pa_stream_drop(stream->stream);
	}
	return 0;
}

/* Moves the position over what was lost without a word between the last block and this one. */
static void find_silent_loss(struct qv_audiosource *source, int64_t time_ns)
{
	int64_t gap = time_ns - source->next_ns;
	if (source->next_ns == 0)
		source->next_ns = time_ns;
	else if (gap > SILENT_LOSS_NS)
		jump(source, (uint64_t)gap / 1000 * (uint64_t)source->stream.format.rate / 1000000);
	source->next_ns = time_ns + (int64_t)source->block_frames * QV_NS_PER_SECOND / source->stream.format.rate;
}

/* When the first sample of the fragment was heard that is about to be read. With the loop locked. */
static int64_t time_of_fragment(struct pulse_stream *stream)
{
	pa_usec_t latency = 0;
	int negative = 0;
	/* Unknown only until the server told its timing, which open waits for. */
	if (pa_stream_get_latency(stream->stream, &latency, &negative) < 0)
		latency = 0;
	return qv_clock_now(&qv_clock_monotonic) - (negative ? -1 : 1) * (int64_t)latency * 1000;
}

/* When the first sample of a block was heard whose last one was just taken from the fragment. */
static int64_t time_of_block(const struct qv_audiosource *source)
{
	const struct fragment *fragment = &source->fragment;
	int64_t samples = (int64_t)(fragment->taken / source->stream.frame_bytes);
	int64_t end = fragment->time_ns + samples * QV_NS_PER_SECOND / source->stream.format.rate;
	/* Interpolated between the server's reports, it may be ahead of the clock by some ms: nothing is heard early. */
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	return (end < now ? end : now) - (int64_t)source->block_frames * QV_NS_PER_SECOND / source->stream.format.rate;
}

static int copy_fragment(struct fragment *fragment, const void *data, size_t bytes, struct qv_error *err)
{
	if (bytes > fragment->capacity) {
		uint8_t *grown = realloc(fragment->bytes, bytes);
		if (!grown)
			return qv_fail(err, QV_E_NOMEM, "no memory for %zu bytes of sound", bytes);
		fragment->bytes = grown;
		fragment->capacity = bytes;
	}
	memcpy(fragment->bytes, data, bytes);
	fragment->size = bytes;
	fragment->taken = 0;
	return 0;
}

/* With the loop locked: the next fragment of the server. 1, or 0 when none is here. */
static int next_fragment(struct qv_audiosource *source, struct qv_error *err)
{
	struct pulse_stream *stream = &source->stream;
	for (;;) {
		const void *data;
		size_t bytes;
		if (pa_stream_peek(stream->stream, &data, &bytes) < 0)
			return pulse_stream_fail(stream, "reading sound", err);
		if (bytes == 0)
			return 0;
		source->fragment.time_ns = time_of_fragment(stream);
		int copied = data ? copy_fragment(&source->fragment, data, bytes, err) : 0;
		pa_stream_drop(stream->stream);
		if (data)
			return copied < 0 ? -1 : 1;
		skip(source, bytes);
	}
}

/* With the loop locked: takes sound that is here. 1 when a block is whole, 0 when more has to come. */
static int take(struct qv_audiosource *source, int64_t *time_ns, struct qv_error *err)
{
	struct fragment *fragment = &source->fragment;
	size_t frame_bytes = source->stream.frame_bytes;
	while (source->filled < source->block_frames) {
		if (fragment->taken == fragment->size) {
			int got = next_fragment(source, err);
			if (got <= 0)
				return got;
		}
		size_t wanted = (source->block_frames - source->filled) * frame_bytes;
		size_t here = fragment->size - fragment->taken;
		size_t bytes = here < wanted ? here : wanted;
		memcpy((uint8_t *)source->samples + source->filled * frame_bytes, fragment->bytes + fragment->taken,
		       bytes);
		source->filled += bytes / frame_bytes;
		fragment->taken += bytes;
	}
	*time_ns = time_of_block(source);
	return 1;
}

static int source_read(struct qv_audiosource *source, struct qv_audio_block *block, int timeout_ms,
		       struct qv_error *err)
{
	struct pulse_stream *stream = &source->stream;
	/* Also a server that never lets it wait is to be cancelled. */
	if (qv_clock_sleep_until(0, stream->host.cancel_fd, err) != 0)
		return -1;
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS, time_ns = 0;
	for (;;) {
		pa_threaded_mainloop_lock(stream->loop);
		int got = pulse_stream_check(stream, err);
		if (got == 0)
			got = leave_out_stale(source, err);
		if (got == 0)
			got = take(source, &time_ns, err);
		pa_threaded_mainloop_unlock(stream->loop);
		if (got < 0)
			return -1;
		if (got > 0)
			break;
		int64_t left = (deadline - qv_clock_now(&qv_clock_monotonic) + QV_NS_PER_MS - 1) / QV_NS_PER_MS;
		if (timeout_ms >= 0 && left <= 0)
			return 0;
		if (pulse_stream_wait(stream, timeout_ms < 0 ? -1 : (int)left, err) < 0)
			return -1;
	}
	find_silent_loss(source, time_ns);
	*block = (struct qv_audio_block){ .format = stream->format,
					  .samples = source->samples,
					  .frames = source->block_frames,
					  .capture_ns = time_ns,
					  .position = source->position };
	source->position += source->block_frames;
	source->filled = 0;
	return 1;
}

static const struct qv_audiosource_class pulse = {
	.head = { .kind = "audiosource",
		  .name = "pulse",
		  .summary = "a microphone through PulseAudio or PipeWire",
		  .abi_major = QV_AUDIOSOURCE_ABI_MAJOR,
		  .abi_minor = QV_AUDIOSOURCE_ABI_MINOR,
		  .size = sizeof(struct qv_audiosource_class),
		  .option_size = sizeof(struct qv_option),
		  .options = options },
	.open = source_open,
	.close = source_close,
	.read = source_read,
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
