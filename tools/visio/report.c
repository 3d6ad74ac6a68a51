/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "secured_json.h"

/* Peers' texts may not be UTF-8 whole (cut at a limit); such a text is left out rather than the line. */
static json_t *text_or_null(const char *text)
{
	json_t *string = json_string(text);
	return string ? string : json_null();
}

static void print_json(json_t *event)
{
	/* One write per line, since calls that overlap print from several threads. */
	char *line = event ? json_dumps(event, JSON_COMPACT) : NULL;
	if (line)
		printf("%s\n", line);
	fflush(stdout);
	free(line);
	json_decref(event);
}

static json_t *milliseconds(double ms)
{
	return ms < 0 ? json_null() : json_real(ms);
}

static json_t *video_json(const struct qv_call_video_totals *v)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "captured", (json_int_t)v->captured,
			 "missed", (json_int_t)v->missed, "skipped", (json_int_t)v->skipped, "encoded",
			 (json_int_t)v->encoded, "dropped_outbox", (json_int_t)v->dropped_outbox, "sent",
			 (json_int_t)v->sent, "received", (json_int_t)v->received, "lost", (json_int_t)v->lost,
			 "dropped_inbox", (json_int_t)v->dropped_inbox, "damaged", (json_int_t)v->damaged, "decoded",
			 (json_int_t)v->decoded, "shown", (json_int_t)v->shown, "bytes", (json_int_t)v->bytes);
}

static json_t *audio_json(const struct qv_call_audio_totals *a)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "captured", (json_int_t)a->captured,
			 "missed", (json_int_t)a->missed, "packets_encoded", (json_int_t)a->packets_encoded,
			 "dropped_outbox", (json_int_t)a->dropped_outbox, "packets_sent", (json_int_t)a->packets_sent,
			 "packets_received", (json_int_t)a->packets_received, "dropped_inbox",
			 (json_int_t)a->dropped_inbox, "damaged", (json_int_t)a->damaged, "played",
			 (json_int_t)a->played, "concealed", (json_int_t)a->concealed, "underruns",
			 (json_int_t)a->underruns, "bytes", (json_int_t)a->bytes);
}

static json_t *decibels(double value)
{
	return isnan(value) ? json_null() : json_real(round(value * 10) / 10);
}

static json_t *level_json(const struct qv_sound_level *level)
{
	return json_pack("{s:o,s:o}", "rms", decibels(level->rms), "peak", decibels(level->peak));
}

/* For meters: how loud sound is here and there, and what the filter makes of it. */
static json_t *levels_json(const struct qv_call_stats *stats)
{
	const struct qv_audiofilter_meters *m = &stats->filter;
	json_t *levels =
		json_pack("{s:o,s:o}", "captured", level_json(&stats->captured), "played", level_json(&stats->played));
	if (levels && stats->filtered)
		json_object_set_new(
			levels, "filter",
			json_pack("{s:o,s:o,s:o,s:o}", "voice", isnan(m->voice) ? json_null() : json_real(m->voice),
				  "gain", decibels(m->gain_db), "echo_return_loss", decibels(m->echo_return_loss_db),
				  "echo_enhancement", decibels(m->echo_enhancement_db)));
	return levels;
}

json_t *report_size_json(const struct qv_call_stats *stats)
{
	return stats->sent_width > 0 ? json_pack("{s:i,s:i}", "width", stats->sent_width, "height", stats->sent_height)
				     : json_null();
}

json_t *report_otp_json(const struct qv_call_otp_state *state)
{
	if (!state->on)
		return json_null();
	return json_pack("{s:s,s:b,s:o,s:o,s:o,s:f,s:f,s:o,s:I,s:I,s:I,s:I}", "text", state->text, "dry", state->dry,
			 "seconds", state->seconds < 0 ? json_null() : json_real(state->seconds), "stock",
			 state->stock < 0 ? json_null() : json_real(state->stock), "budget",
			 state->budget < 0 ? json_null() : json_real(state->budget), "needed", state->needed,
			 "link_needed", state->link_needed, "kme_rate",
			 state->rate_known ? json_real(state->kme_rate) : json_null(), "left", (json_int_t)state->left,
			 "used", (json_int_t)state->used, "received", (json_int_t)state->received, "refused",
			 (json_int_t)state->refused);
}

static json_t *security_json(const struct report *report)
{
	const struct qv_tls_facts *facts = &report->secure->facts;
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:b}", "secured", secured_word(report->secure->secured),
			 "key_ID", report->secure->key_id, "peer_sae", report->secure->peer_sae, "protocol",
			 facts->protocol, "cipher", facts->cipher, "group", facts->group, "backend", facts->backend,
			 "module", report->secure->tls->head.name, "peer_certificate",
			 text_or_null(facts->peer_subject), "peer_verified", facts->peer_verified);
}

static uint64_t drops(const struct report *report, const struct qv_call_totals *totals)
{
	const struct qv_call_video_totals *v = &totals->video;
	if (report->role == VISIO_CLIENT)
		return v->missed + v->skipped + v->dropped_outbox;
	return v->lost + v->dropped_inbox + v->damaged;
}

static void stats_line(struct report *report, const struct qv_call_stats *stats)
{
	bool terminal = isatty(STDOUT_FILENO);
	char latency[32] = "-", rtt[32] = "-", size[32] = "";
	if (stats->sent_width > 0)
		snprintf(size, sizeof size, "  sent %dx%d", stats->sent_width, stats->sent_height);
	if (stats->latency_ms >= 0)
		snprintf(latency, sizeof latency, "%.0f ms", stats->latency_ms);
	if (stats->rtt_ms >= 0)
		snprintf(rtt, sizeof rtt, "%.1f ms", stats->rtt_ms);
	printf("%s%4.0f s  %4.1f fps  %6.0f kbit/s  latency %s  rtt %s  dropped %llu%s  | %s%s", terminal ? "\r" : "",
	       (double)stats->elapsed_ns / 1e9, stats->fps,
	       report->role == VISIO_CLIENT ? stats->kbit_sent : stats->kbit_received, latency, rtt,
	       (unsigned long long)drops(report, &stats->totals), size, report->secure->text,
	       terminal ? "\033[K" : "\n");
	report->line_open = terminal;
	fflush(stdout);
}

static json_t *skew_json(const struct qv_call_stats *stats)
{
	if (!stats->skew_valid)
		return json_null();
	return json_pack("{s:f,s:f,s:f}", "mean_ms", stats->skew_ms, "least_ms", stats->skew_least_ms, "most_ms",
			 stats->skew_most_ms);
}

/* Packets that were lost on the way, and came nevertheless. */
static json_t *repaired_json(const struct qv_call_totals *totals)
{
	return json_pack("{s:I,s:I}", "rebuilt", (json_int_t)totals->rebuilt, "resent", (json_int_t)totals->resent);
}

json_t *report_stats_json(const struct report *report, const struct qv_call_stats *stats)
{
	return json_pack("{s:s,s:f,s:f,s:f,s:f,s:o,s:o,s:o,s:o,s:I,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "event",
			 "stats", "seconds", (double)stats->elapsed_ns / 1e9, "fps", stats->fps, "kbit_sent",
			 stats->kbit_sent, "kbit_received", stats->kbit_received, "latency_ms",
			 milliseconds(stats->latency_ms), "jitter_buffer_ms", milliseconds(stats->jitter_buffer_ms),
			 "rtt_ms", milliseconds(stats->rtt_ms), "skew", skew_json(stats), "dropped",
			 (json_int_t)drops(report, &stats->totals), "secured", secured_word(report->secure->secured),
			 "key_ID", report->secure->key_id, "video", video_json(&stats->totals.video), "audio",
			 audio_json(&stats->totals.audio), "security", secured_json(&stats->security), "levels",
			 levels_json(stats), "otp", report_otp_json(&stats->otp), "repaired",
			 repaired_json(&stats->totals), "sent_size", report_size_json(stats));
}

static void on_stats(struct qv_call_observer *observer, const struct qv_call_stats *stats)
{
	struct report *report = (struct report *)(void *)observer;
	if (report->mode == STATS_LINE)
		stats_line(report, stats);
	if (report->mode == STATS_JSON)
		print_json(report_stats_json(report, stats));
}

static void on_opened(struct qv_call_observer *observer, const struct qv_call_opened *opened)
{
	struct report *report = (struct report *)(void *)observer;
	if (report->mode == STATS_JSON)
		print_json(json_pack("{s:s,s:o,s:b,s:b}", "event", "opened", "peer_program",
				     text_or_null(opened->peer_program), "video", opened->video != NULL, "audio",
				     opened->audio != NULL));
	else if (report->mode == STATS_LINE)
		printf("In a call with %s (%s)\n", report->peer, opened->peer_program);
	fflush(stdout);
}

void report_init(struct report *report, enum stats_mode mode, enum visio_role role,
		 const struct qv_secure_session *secure, const char *peer)
{
	*report = (struct report){
		.observer = { .opened = on_opened, .stats = on_stats },
		.mode = mode,
		.role = role,
		.secure = secure,
		.peer = peer,
	};
}

void report_listening(enum stats_mode mode, const char *address)
{
	if (mode == STATS_JSON)
		print_json(json_pack("{s:s,s:s}", "event", "listening", "address", address));
	else if (mode == STATS_LINE)
		printf("Listening on %s\n", address);
	fflush(stdout);
}

void report_secured(struct report *report)
{
	if (report->mode == STATS_JSON)
		print_json(json_pack("{s:s,s:s,s:o}", "event", "secured", "peer", report->peer, "security",
				     security_json(report)));
	else if (report->mode == STATS_LINE)
		printf("Secured: %s\n", report->secure->text);
	fflush(stdout);
}

void report_refused(enum stats_mode mode, const char *peer)
{
	if (mode == STATS_JSON)
		print_json(json_pack("{s:s,s:s,s:s}", "event", "refused", "peer", peer, "why", "busy"));
	else if (mode == STATS_LINE)
		printf("Told %s that this end is busy\n", peer);
	fflush(stdout);
}

static json_t *latency_json(const struct qv_call_result *result)
{
	json_t *stages = json_object();
	for (int i = 0; i < QV_STAGE_COUNT; i++) {
		const struct qv_call_latency *l = &result->latency[i];
		if (l->count > 0)
			json_object_set_new(stages, qv_call_stage_name((enum qv_call_stage)i),
					    json_pack("{s:I,s:f,s:f,s:f,s:f,s:f}", "count", (json_int_t)l->count,
						      "mean", (double)l->mean_us / 1e3, "median",
						      (double)l->median_us / 1e3, "p95", (double)l->p95_us / 1e3, "p99",
						      (double)l->p99_us / 1e3, "max", (double)l->max_us / 1e3));
	}
	return stages;
}

static void summary_json(const struct report *report, const struct qv_call_result *result, const struct qv_error *err)
{
	json_t *summary =
		json_pack("{s:s,s:s,s:s,s:f,s:o,s:o,s:o,s:o,s:o,s:o}", "event", "summary", "peer", report->peer, "end",
			  qv_call_end_name(result->end), "seconds", (double)result->duration_ns / 1e9, "security",
			  security_json(report), "video", video_json(&result->totals.video), "audio",
			  audio_json(&result->totals.audio), "latency_ms", latency_json(result), "rtt_ms",
			  milliseconds(result->rtt_ms), "repaired", repaired_json(&result->totals));
	if (summary && result->otp.on)
		json_object_set_new(summary, "otp", report_otp_json(&result->otp));
	if (summary && result->has_video)
		json_object_set_new(summary, "video_format",
				    json_pack("{s:s,s:i,s:i}", "codec", result->video.codec, "width",
					      result->video.video.width, "height", result->video.video.height));
	if (summary && result->has_audio)
		json_object_set_new(summary, "audio_format",
				    json_pack("{s:s,s:i,s:i}", "codec", result->audio.codec, "rate",
					      result->audio.audio.rate, "channels", result->audio.audio.channels));
	if (summary && err)
		json_object_set_new(
			summary, "error",
			json_pack("{s:s,s:o}", "code", qv_code_name(err->code), "message", text_or_null(err->message)));
	print_json(summary);
}

static void summary_text(const struct report *report, const struct qv_call_result *result, const struct qv_error *err)
{
	const struct qv_call_totals *t = &result->totals;
	bool client = report->role == VISIO_CLIENT;
	const struct qv_call_latency *total = &result->latency[QV_STAGE_TOTAL];
	double rate = result->has_audio ? result->audio.audio.rate : 1;
	printf("Call with %s over after %.1f s (%s)\n", report->peer, (double)result->duration_ns / 1e9,
	       err ? err->message : qv_call_end_name(result->end));
	printf("  pictures %s: %llu, dropped: %llu; sound %s: %.1f s\n", client ? "sent" : "shown",
	       (unsigned long long)(client ? t->video.sent : t->video.shown), (unsigned long long)drops(report, t),
	       client ? "captured" : "played", (double)(client ? t->audio.captured : t->audio.played) / rate);
	if (total->count > 0)
		printf("  capture to display: median %.1f ms, 95 %% under %.1f ms\n", (double)total->median_us / 1e3,
		       (double)total->p95_us / 1e3);
	printf("  %s\n", report->secure->text);
}

void report_summary(struct report *report, const struct qv_call_result *result, const struct qv_error *err)
{
	if (report->line_open)
		printf("\n");
	report->line_open = false;
	if (report->mode == STATS_JSON)
		summary_json(report, result, err);
	else
		summary_text(report, result, err);
	fflush(stdout);
}
