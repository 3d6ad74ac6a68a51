/* SPDX-License-Identifier: Apache-2.0 */
#include "adapter.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/clock.h>

#include "resampler.h"

struct audio_adapter {
	struct qv_audio_format from, to;
	size_t block_frames;
	struct resampler *resampler;
	int16_t *samples;
	size_t held, taken, room; /* samples per channel in `samples`, and how many of them were handed out */
	uint64_t position;        /* of samples[taken] in the output */
	bool begun;
	uint64_t expected;      /* of the next block of the source */
	uint64_t from_position; /* a place in the input, and the one in the output that is the same: */
	uint64_t to_position;
	int64_t capture_ns; /* of from_position */
};

struct audio_adapter *audio_adapter_new(const struct qv_audio_format *from, const struct qv_audio_format *to,
					size_t block_frames, struct qv_error *err)
{
	struct audio_adapter *adapter = calloc(1, sizeof *adapter);
	if (!adapter) {
		qv_fail(err, QV_E_NOMEM, "no memory for an audio adapter");
		return NULL;
	}
	adapter->from = *from;
	adapter->to = *to;
	adapter->block_frames = block_frames;
	adapter->resampler = resampler_new(from, to, err);
	if (adapter->resampler)
		return adapter;
	free(adapter);
	return NULL;
}

void audio_adapter_free(struct audio_adapter *adapter)
{
	if (!adapter)
		return;
	resampler_free(adapter->resampler);
	free(adapter->samples);
	free(adapter);
}

static uint64_t scaled(uint64_t frames, int from, int to)
{
	uint64_t seconds = frames / (uint64_t)from, rest = frames % (uint64_t)from;
	return seconds * (uint64_t)to + rest * (uint64_t)to / (uint64_t)from;
}

static int64_t span_ns(uint64_t frames, int rate)
{
	return (int64_t)scaled(frames, rate, (int)QV_NS_PER_SECOND);
}

static int make_room(struct audio_adapter *adapter, size_t frames, struct qv_error *err)
{
	size_t channels = (size_t)adapter->to.channels;
	if (adapter->taken > 0) {
		adapter->held -= adapter->taken;
		memmove(adapter->samples, adapter->samples + adapter->taken * channels,
			adapter->held * channels * sizeof adapter->samples[0]);
		adapter->taken = 0;
	}
	if (adapter->held + frames <= adapter->room)
		return 0;
	int16_t *grown = realloc(adapter->samples, (adapter->held + frames) * channels * sizeof adapter->samples[0]);
	if (!grown)
		return qv_fail(err, QV_E_NOMEM, "no memory for sound of another rate");
	adapter->samples = grown;
	adapter->room = adapter->held + frames;
	return 0;
}

/*
 * The source begins, or goes on elsewhere: with as much silence as the filter holds back, so that a block of the source
 * makes one of the output at once.
 */
static int begin_at(struct audio_adapter *adapter, const struct qv_audio_block *block, struct qv_error *err)
{
	size_t lag = resampler_lag(adapter->resampler);
	uint64_t end = adapter->position + (adapter->held - adapter->taken);
	uint64_t place = scaled(block->position, adapter->from.rate, adapter->to.rate);
	resampler_reset(adapter->resampler);
	adapter->held = adapter->taken = 0;
	if (make_room(adapter, lag, err) != 0)
		return -1;
	memset(adapter->samples, 0, lag * (size_t)adapter->to.channels * sizeof adapter->samples[0]);
	adapter->held = lag;
	adapter->position = !adapter->begun || place > end ? place : end;
	adapter->from_position = block->position;
	adapter->to_position = adapter->position + lag;
	adapter->begun = true;
	return 0;
}

int audio_adapter_push(struct audio_adapter *adapter, const struct qv_audio_block *block, struct qv_error *err)
{
	if (block->format.rate != adapter->from.rate || block->format.channels != adapter->from.channels)
		return qv_fail(err, QV_E_INTERNAL, "it delivered sound of %d Hz, %d channels, and had said %d Hz, %d",
			       block->format.rate, block->format.channels, adapter->from.rate, adapter->from.channels);
	if ((!adapter->begun || block->position != adapter->expected) && begin_at(adapter, block, err) != 0)
		return -1;
	/* Once a second the two places are told anew, where they are the same exactly. */
	uint64_t rate = (uint64_t)adapter->from.rate;
	uint64_t seconds = (block->position - adapter->from_position) / rate;
	adapter->from_position += seconds * rate;
	adapter->to_position += seconds * (uint64_t)adapter->to.rate;
	adapter->capture_ns = block->capture_ns - span_ns(block->position - adapter->from_position, adapter->from.rate);
	adapter->expected = block->position + block->frames;
	if (make_room(adapter, resampler_room(adapter->resampler, block->frames), err) != 0)
		return -1;
	adapter->held += resampler_run(adapter->resampler, block->samples, block->frames,
				       adapter->samples + adapter->held * (size_t)adapter->to.channels);
	return 0;
}

static bool hand_out(struct audio_adapter *adapter, size_t frames, struct qv_audio_block *block)
{
	int64_t since = adapter->position >= adapter->to_position
				? span_ns(adapter->position - adapter->to_position, adapter->to.rate)
				: -span_ns(adapter->to_position - adapter->position, adapter->to.rate);
	*block = (struct qv_audio_block){ .format = adapter->to,
					  .samples = adapter->samples + adapter->taken * (size_t)adapter->to.channels,
					  .frames = frames,
					  .capture_ns = adapter->capture_ns + since,
					  .position = adapter->position };
	adapter->taken += frames;
	adapter->position += frames;
	return true;
}

bool audio_adapter_take(struct audio_adapter *adapter, struct qv_audio_block *block)
{
	return adapter->held - adapter->taken >= adapter->block_frames &&
	       hand_out(adapter, adapter->block_frames, block);
}

bool audio_adapter_finish(struct audio_adapter *adapter, struct qv_audio_block *block)
{
	size_t left = adapter->held - adapter->taken;
	return left > 0 && hand_out(adapter, left, block);
}
