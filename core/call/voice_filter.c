/* SPDX-License-Identifier: Apache-2.0 */
#include "voice_filter.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/audiofilter.h>

#include "../audio/far_end.h"

struct voice_filter {
	const struct media *media;
	struct module_host host;
	const struct qv_audiofilter_class *class;
	struct qv_audiofilter *filter; /* NULL: it failed */
	struct qv_audio_format format;
	size_t length;     /* of the filter's blocks */
	int16_t *gathered; /* one channel, not yet a block */
	size_t gathered_frames;
	int16_t *played;           /* beside a block */
	int16_t *done;             /* one channel, filtered */
	size_t done_frames, ahead; /* silence put before what is done, so that it lasts for every block */
	int16_t *samples;          /* of the format */
	uint64_t next;             /* place of the sample after those gathered */
	bool begun;
};

static size_t common_divisor(size_t a, size_t b)
{
	while (b) {
		size_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static int open_filter(struct voice_filter *filter, const struct qv_role *role, size_t block_frames,
		       struct qv_error *err)
{
	int rate = filter->format.rate;
	if (filter->class->plan(role->options, rate, &filter->length, err) != 0)
		return -1;
	if (filter->length < 1 || filter->length > (size_t)rate)
		return qv_fail(err, QV_E_INTERNAL, "it asks for blocks of %zu samples", filter->length);
	filter->ahead = filter->length - common_divisor(filter->length, block_frames);
	filter->gathered = calloc(filter->length, sizeof(int16_t));
	filter->played = calloc(filter->length, sizeof(int16_t));
	filter->done = calloc((size_t)rate + 2 * filter->length, sizeof(int16_t));
	filter->samples = calloc((size_t)rate * (size_t)filter->format.channels, sizeof(int16_t));
	if (!filter->gathered || !filter->played || !filter->done || !filter->samples)
		return qv_fail(err, QV_E_NOMEM, "no memory for filtered sound");
	if (filter->media->far_end && far_end_begin(filter->media->far_end, rate, err) != 0)
		return -1;
	filter->filter = filter->class->open(&filter->host.host, role->options, rate, err);
	return filter->filter ? 0 : -1;
}

struct voice_filter *voice_filter_open(const struct media *media, const struct qv_role *role,
				       const struct qv_audio_format *format, size_t block_frames, struct qv_error *err)
{
	struct voice_filter *filter = calloc(1, sizeof *filter);
	if (!filter) {
		qv_fail(err, QV_E_NOMEM, "no memory for filtered sound");
		return NULL;
	}
	filter->media = media;
	filter->format = *format;
	filter->class = qv_audiofilter_class(role->class);
	module_host_init(&filter->host, media, "audio.filter");
	module_host_take(&filter->host, role);
	if (open_filter(filter, role, block_frames, err) == 0)
		return filter;
	qv_error_prefix(err, "audio filter \"%s\"", filter->class->head.name);
	voice_filter_close(filter);
	return NULL;
}

void voice_filter_close(struct voice_filter *filter)
{
	if (!filter)
		return;
	filter->class->close(filter->filter);
	free(filter->gathered);
	free(filter->played);
	free(filter->done);
	free(filter->samples);
	module_host_clear(&filter->host);
	free(filter);
}

static void give_up(struct voice_filter *filter, const struct qv_error *err)
{
	qv_log_error(filter->media->host->log, "audio filter \"%s\": %s; sound goes on unfiltered",
		     filter->class->head.name, err->message);
	filter->class->close(filter->filter);
	filter->filter = NULL;
}

static void filter_gathered(struct voice_filter *filter)
{
	struct far_end *far = filter->media->far_end;
	struct qv_error err = QV_ERROR_INIT;
	int16_t *out = filter->done + filter->done_frames;
	bool heard = far && far_end_take(far, filter->next - filter->length, filter->played, filter->length);
	memcpy(out, filter->gathered, filter->length * sizeof *out);
	filter->done_frames += filter->length;
	filter->gathered_frames = 0;
	if (filter->filter && filter->class->process(filter->filter, out, heard ? filter->played : NULL, &err) != 0)
		give_up(filter, &err);
}

static int16_t mixed(const int16_t *frame, int channels)
{
	int sum = 0;
	for (int c = 0; c < channels; c++)
		sum += frame[c];
	return (int16_t)(sum / channels);
}

/* After sound was lost, what was gathered before it belongs to nothing. */
static void begin(struct voice_filter *filter, uint64_t position)
{
	filter->begun = true;
	filter->next = position;
	filter->gathered_frames = 0;
	filter->done_frames = filter->ahead;
	memset(filter->done, 0, filter->ahead * sizeof filter->done[0]);
}

static void give(struct voice_filter *filter, struct qv_audio_block *block)
{
	size_t channels = (size_t)filter->format.channels, frames = block->frames;
	while (filter->done_frames < frames) /* a last block, shorter than others */
		filter->done[filter->done_frames++] = 0;
	for (size_t i = 0; i < frames; i++)
		for (size_t c = 0; c < channels; c++)
			filter->samples[i * channels + c] = filter->done[i];
	filter->done_frames -= frames;
	memmove(filter->done, filter->done + frames, filter->done_frames * sizeof filter->done[0]);
	block->samples = filter->samples;
}

static void tell_meters(struct voice_filter *filter)
{
	struct qv_audiofilter_meters meters;
	filter->class->meters(filter->filter, &meters);
	ledger_filtered(filter->media->ledger, &meters);
}

void voice_filter_run(struct voice_filter *filter, struct qv_audio_block *block)
{
	if (!filter->filter)
		return;
	size_t lag = filter->class->lag(filter->filter) + filter->ahead;
	if (!filter->begun || block->position != filter->next)
		begin(filter, block->position);
	if (filter->media->far_end && far_end_captured(filter->media->far_end, block->position, block->capture_ns) &&
	    filter->class->reset)
		filter->class->reset(filter->filter);
	for (size_t i = 0; i < block->frames; i++) {
		const int16_t *frame = block->samples + i * (size_t)filter->format.channels;
		filter->gathered[filter->gathered_frames++] = mixed(frame, filter->format.channels);
		filter->next++;
		if (filter->gathered_frames == filter->length)
			filter_gathered(filter);
	}
	give(filter, block);
	block->capture_ns -= (int64_t)lag * QV_NS_PER_SECOND / filter->format.rate;
	if (filter->filter)
		tell_meters(filter);
}
