/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ledger *ledger_new(struct qv_error *err)
{
	struct ledger *ledger = calloc(1, sizeof *ledger);
	if (!ledger) {
		qv_fail(err, QV_E_NOMEM, "no memory for the figures of a call");
		return NULL;
	}
	pthread_mutex_init(&ledger->lock, NULL);
	ledger->jitter_buffer_ns = -1;
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	if (!ledger)
		return;
	pthread_mutex_destroy(&ledger->lock);
	free(ledger);
}

void ledger_add(struct ledger *ledger, uint64_t *counter, uint64_t amount)
{
	pthread_mutex_lock(&ledger->lock);
	*counter += amount;
	pthread_mutex_unlock(&ledger->lock);
}

void ledger_stage(struct ledger *ledger, enum qv_call_stage stage, int64_t duration_ns)
{
	pthread_mutex_lock(&ledger->lock);
	histogram_add(&ledger->stage[stage], duration_ns / 1000);
	if (stage == QV_STAGE_TOTAL)
		histogram_add(&ledger->interval, duration_ns / 1000);
	pthread_mutex_unlock(&ledger->lock);
}

void ledger_frame(struct ledger *ledger, int64_t now)
{
	pthread_mutex_lock(&ledger->lock);
	if (ledger->first_frame_ns == 0)
		ledger->first_frame_ns = now;
	ledger->last_frame_ns = now;
	pthread_mutex_unlock(&ledger->lock);
}

void ledger_picture(struct ledger *ledger, const struct qv_video_format *format)
{
	pthread_mutex_lock(&ledger->lock);
	ledger->sent_width = format->width;
	ledger->sent_height = format->height;
	pthread_mutex_unlock(&ledger->lock);
}

void ledger_sound(struct ledger *ledger, const struct qv_audio_block *block)
{
	size_t count = block->frames * (size_t)block->format.channels;
	double squares = 0;
	int peak = 0;
	for (size_t i = 0; i < count; i++) {
		int sample = abs(block->samples[i]);
		squares += (double)sample * sample;
		peak = sample > peak ? sample : peak;
	}
	pthread_mutex_lock(&ledger->lock);
	ledger->loudness.squares += squares;
	ledger->loudness.count += count;
	if (peak > ledger->loudness.peak)
		ledger->loudness.peak = peak;
	pthread_mutex_unlock(&ledger->lock);
}

void ledger_filtered(struct ledger *ledger, const struct qv_audiofilter_meters *meters)
{
	pthread_mutex_lock(&ledger->lock);
	ledger->filtered = true;
	ledger->meters = *meters;
	pthread_mutex_unlock(&ledger->lock);
}

static double dbfs(double amplitude)
{
	double level = amplitude > 0 ? 20 * log10(amplitude / 32768) : -120;
	return level > -120 ? level : -120;
}

struct qv_sound_level ledger_take_level(struct ledger *ledger)
{
	pthread_mutex_lock(&ledger->lock);
	struct loudness heard = ledger->loudness;
	ledger->loudness = (struct loudness){ 0 };
	pthread_mutex_unlock(&ledger->lock);
	return (struct qv_sound_level){
		.rms = dbfs(heard.count ? sqrt(heard.squares / (double)heard.count) : 0),
		.peak = dbfs(heard.peak),
	};
}

void ledger_finish(struct ledger *ledger, struct medium_state *state, bool closed, const struct qv_error *err)
{
	pthread_mutex_lock(&ledger->lock);
	state->closed = closed;
	if (err)
		state->error = *err;
	state->finished = true;
	pthread_mutex_unlock(&ledger->lock);
}

struct qv_call_totals ledger_totals(struct ledger *ledger)
{
	pthread_mutex_lock(&ledger->lock);
	struct qv_call_totals totals = ledger->totals;
	pthread_mutex_unlock(&ledger->lock);
	return totals;
}

struct medium_state ledger_state(struct ledger *ledger, const struct medium_state *state)
{
	pthread_mutex_lock(&ledger->lock);
	struct medium_state copy = *state;
	pthread_mutex_unlock(&ledger->lock);
	return copy;
}

int64_t ledger_interval(struct ledger *ledger)
{
	pthread_mutex_lock(&ledger->lock);
	int64_t median = ledger->interval.count ? histogram_quantile(&ledger->interval, 0.5) * 1000 : -1;
	memset(&ledger->interval, 0, sizeof ledger->interval);
	pthread_mutex_unlock(&ledger->lock);
	return median;
}

static struct qv_call_latency summary(const struct histogram *histogram)
{
	struct qv_call_latency latency = { .count = histogram->count };
	if (histogram->count == 0)
		return latency;
	latency.mean_us = histogram->sum / (int64_t)histogram->count;
	latency.median_us = histogram_quantile(histogram, 0.5);
	latency.p95_us = histogram_quantile(histogram, 0.95);
	latency.p99_us = histogram_quantile(histogram, 0.99);
	latency.max_us = histogram->max;
	return latency;
}

void ledger_result(struct ledger *ledger, struct qv_call_result *result)
{
	/* Threads may still be on their way out. */
	pthread_mutex_lock(&ledger->lock);
	result->totals = ledger->totals;
	result->video_error = ledger->video.error;
	result->audio_error = ledger->audio.error;
	result->first_frame_ns = ledger->first_frame_ns;
	result->last_frame_ns = ledger->last_frame_ns;
	for (int i = 0; i < QV_STAGE_COUNT; i++)
		result->latency[i] = summary(&ledger->stage[i]);
	pthread_mutex_unlock(&ledger->lock);
}

void ledger_merge(struct qv_call_totals *into, const struct qv_call_totals *from)
{
	struct qv_call_video_totals *v = &into->video;
	struct qv_call_audio_totals *a = &into->audio;
	v->captured += from->video.captured;
	v->missed += from->video.missed;
	v->skipped += from->video.skipped;
	v->encoded += from->video.encoded;
	v->dropped_outbox += from->video.dropped_outbox;
	v->sent += from->video.sent;
	v->received += from->video.received;
	v->lost += from->video.lost;
	v->dropped_inbox += from->video.dropped_inbox;
	v->damaged += from->video.damaged;
	v->decoded += from->video.decoded;
	v->shown += from->video.shown;
	v->bytes += from->video.bytes;
	a->captured += from->audio.captured;
	a->missed += from->audio.missed;
	a->packets_encoded += from->audio.packets_encoded;
	a->dropped_outbox += from->audio.dropped_outbox;
	a->packets_sent += from->audio.packets_sent;
	a->packets_received += from->audio.packets_received;
	a->dropped_inbox += from->audio.dropped_inbox;
	a->damaged += from->audio.damaged;
	a->played += from->audio.played;
	a->concealed += from->audio.concealed;
	a->underruns += from->audio.underruns;
	a->bytes += from->audio.bytes;
}
