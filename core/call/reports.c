/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of a call: each second, and at its end. */
#include <math.h>

#include "lip_sync.h"
#include "side.h"

static void fill_sent_size(const struct side *side, struct qv_call_stats *stats)
{
	if (!side->out)
		return;
	struct ledger *ledger = side->out->media.ledger;
	pthread_mutex_lock(&ledger->lock);
	stats->sent_width = ledger->sent_width;
	stats->sent_height = ledger->sent_height;
	pthread_mutex_unlock(&ledger->lock);
}

static void fill_stats(struct side *side, int64_t median, struct qv_call_stats *stats)
{
	const struct qv_call_result *result = side->result;
	bool receives = side->in && (side->in->has_video || side->in->has_audio);
	if (!receives)
		stats->fps = stats->fps_sent;
	ways_stats(side, stats);
	fill_sent_size(side, stats);
	stats->report_valid = result->report_valid;
	stats->report = result->report;
	stats->latency_ms = stats->jitter_buffer_ms = -1;
	stats->otp = side->otp.state;
	if (receives) {
		struct ledger *ledger = side->in->media.ledger;
		pthread_mutex_lock(&ledger->lock);
		stats->jitter_buffer_ms = ledger->jitter_buffer_ns < 0 ? -1 : (double)ledger->jitter_buffer_ns / 1e6;
		pthread_mutex_unlock(&ledger->lock);
		stats->latency_ms = median < 0 ? -1 : (double)median / 1e6;
		struct lip_sync_skew skew = lip_sync_skew(side->in->media.lip_sync);
		stats->skew_valid = skew.count > 0;
		stats->skew_ms = skew.mean_ms;
		stats->skew_least_ms = skew.least_ms;
		stats->skew_most_ms = skew.most_ms;
	} else if (stats->report_valid) {
		if (stats->report.latency_us >= 0)
			stats->latency_ms = (double)stats->report.latency_us / 1000;
		if (result->sends_audio)
			stats->jitter_buffer_ms = stats->report.jitter_buffer_us / 1000.0;
	}
}

static void fill_levels(const struct side *side, struct qv_call_stats *stats)
{
	stats->captured = stats->played = (struct qv_sound_level){ -120, -120 };
	if (side->in)
		stats->played = ledger_take_level(side->in->media.ledger);
	if (!side->out)
		return;
	struct ledger *ledger = side->out->media.ledger;
	stats->captured = ledger_take_level(ledger);
	pthread_mutex_lock(&ledger->lock);
	stats->filtered = ledger->filtered;
	stats->filter = ledger->meters;
	pthread_mutex_unlock(&ledger->lock);
}

static struct qv_call_totals totals_of(const struct side *side)
{
	struct qv_call_totals sent = { 0 }, received = { 0 };
	if (side->out)
		sent = ledger_totals(side->out->media.ledger);
	if (side->in)
		received = ledger_totals(side->in->media.ledger);
	ledger_merge(&received, &sent);
	const struct connection *c = side->media.connection;
	received.bytes_sent = c->wire.bytes_out + c->udp_bytes_out;
	ways_totals(side, &received);
	received.bytes_received = c->wire.bytes_in + c->udp_bytes_in;
	return received;
}

void reports_second(struct side *side, bool last)
{
	struct qv_call_stats stats = { 0 };
	int64_t median = side->in ? ledger_interval(side->in->media.ledger) : -1;
	if (last)
		ways_last(side);
	if (median >= 0 || !last)
		side->latency_ns = median;
	if (side->in && (side->in->has_video || side->in->has_audio))
		incoming_report(side->in, side->latency_ns);
	if (last)
		return;
	otp_second(&side->otp);
	rekeying_show(side);
	connection_wake(side->media.connection); /* for a key that has protected much */
	if (!side->observer || !side->observer->stats)
		return;
	stats.totals = totals_of(side);
	stats.security = side->shown;
	media_stats(&side->media, &side->before, &side->before_ns, &stats);
	fill_stats(side, median, &stats);
	fill_levels(side, &stats);
	window_set_levels(&side->control->window, side->result->sends_audio ? stats.captured.rms : NAN,
			  side->in && side->in->has_audio ? stats.played.rms : NAN);
	side->observer->stats(side->observer, &stats);
}

void reports_fill_result(struct side *side)
{
	struct qv_call_result *result = side->result;
	if (side->out)
		ledger_result(side->out->media.ledger, result);
	if (side->in && (result->has_video || result->has_audio) && (side->in->has_video || side->in->has_audio)) {
		struct qv_error video = result->video_error, audio = result->audio_error;
		ledger_result(side->in->media.ledger, result);
		if (result->video_error.code == QV_OK)
			result->video_error = video;
		if (result->audio_error.code == QV_OK)
			result->audio_error = audio;
	}
	media_result(&side->media, result);
	result->otp = side->otp.state;
	result->totals = totals_of(side);
}
