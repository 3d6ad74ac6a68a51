/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <qvisio/clock.h>

#include "../links.h"
#include "../watch.h"
#include "series.h"

#define PROBE_SECONDS 2
#define STALE_SECONDS 10 /* a sample that takes longer: the store hangs */

struct sampler {
	struct site *site;
	struct live *live;
	pthread_t samples, probes;
	bool samples_run, probes_run;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping;
	struct series *series;
	uint64_t ticks;
	int64_t sampled; /* s of the monotonic clock */
	struct qv_error store_error;
};

static int64_t seconds(void)
{
	return qv_clock_now(&qv_clock_monotonic) / QV_NS_PER_SECOND;
}

/* Waits; false when it is time to stop. */
static bool pause_until(struct sampler *sampler, struct timespec *until)
{
	pthread_mutex_lock(&sampler->lock);
	int timeout = 0;
	while (!sampler->stopping && !timeout)
		timeout = pthread_cond_clockwait(&sampler->changed, &sampler->lock, CLOCK_MONOTONIC, until);
	bool go_on = !sampler->stopping;
	pthread_mutex_unlock(&sampler->lock);
	return go_on;
}

/* Called with the lock. NULL: no memory. */
static struct series *find_series(struct sampler *sampler, const char *peer, bool add)
{
	struct series **at = &sampler->series;
	while (*at && strcmp((*at)->peer, peer) != 0)
		at = &(*at)->next;
	if (!*at && add)
		*at = series_new(peer);
	return *at;
}

static void sample_link(struct sampler *sampler, struct kme *kme, const struct peer *peer, struct qv_error *err)
{
	int64_t level[2];
	for (unsigned i = 0; i < 2; i++) {
		unsigned lane = i == 0 ? peer->own_lane : 1 - peer->own_lane;
		level[i] = kme->store_class->stock(kme->store, peer->kme_id, lane, err);
	}
	pthread_mutex_lock(&sampler->lock);
	struct series *series = find_series(sampler, peer->kme_id, true);
	if (series) {
		series->seen = true;
		memcpy(series->level, level, sizeof level);
	}
	pthread_mutex_unlock(&sampler->lock);
}

/* Peers that the configuration has no more are forgotten. Called with the lock. */
static void end_pass(struct sampler *sampler)
{
	for (struct series **at = &sampler->series; *at;) {
		struct series *series = *at;
		if (!series->seen) {
			*at = series->next;
			series_free(series);
			continue;
		}
		series_note(series, sampler->ticks);
		series->seen = false;
		at = &series->next;
	}
	sampler->ticks++;
	sampler->sampled = seconds();
}

static void sample(struct sampler *sampler)
{
	struct qv_error err = QV_ERROR_INIT;
	struct kme *kme = kme_hold(sampler->site);
	for (size_t i = 0; i < kme->peer_count; i++)
		if (link_has_keys(kme->peers[i].link))
			sample_link(sampler, kme, &kme->peers[i], &err);
	pthread_mutex_lock(&sampler->lock);
	sampler->store_error = err;
	end_pass(sampler);
	pthread_mutex_unlock(&sampler->lock);
	char *text = sampler_state(sampler, kme);
	kme_release(kme);
	if (text)
		live_state(sampler->live, text);
	free(text);
}

static void *sample_all(void *argument)
{
	struct sampler *sampler = argument;
	struct timespec next;
	clock_gettime(CLOCK_MONOTONIC, &next);
	do {
		sample(sampler);
		/* After a store that hung, no hurry to make up for it. */
		if (next.tv_sec + 2 < seconds())
			clock_gettime(CLOCK_MONOTONIC, &next);
		next.tv_sec++;
	} while (pause_until(sampler, &next));
	return NULL;
}

static void probe(struct sampler *sampler, const struct peer *peer)
{
	struct qv_error err = QV_ERROR_INIT;
	struct peer_answer answer = { 0 };
	bool answered = peer_client_post(peer->client, "/inter-kme/v1/alive", "{}", &answer, &err) == PEER_ANSWERED;
	if (answered && answer.status == 401)
		qv_fail(&err, QV_E_DENIED, "it answers, but does not know this KME's certificate");
	peer_answer_clear(&answer);
	pthread_mutex_lock(&sampler->lock);
	struct series *series = find_series(sampler, peer->kme_id, false);
	if (series) {
		series->probed = true;
		series->reachable = err.code == QV_OK;
		snprintf(series->why, sizeof series->why, "%.190s", err.message);
	}
	pthread_mutex_unlock(&sampler->lock);
}

static void *probe_all(void *argument)
{
	struct sampler *sampler = argument;
	struct timespec next;
	clock_gettime(CLOCK_MONOTONIC, &next);
	/* The first pass of the other thread makes the list. */
	next.tv_nsec += 200000000;
	if (next.tv_nsec >= 1000000000) {
		next.tv_sec++;
		next.tv_nsec -= 1000000000;
	}
	while (pause_until(sampler, &next)) {
		struct kme *kme = kme_hold(sampler->site);
		for (size_t i = 0; i < kme->peer_count; i++)
			probe(sampler, &kme->peers[i]);
		kme_release(kme);
		clock_gettime(CLOCK_MONOTONIC, &next);
		next.tv_sec += PROBE_SECONDS;
	}
	return NULL;
}

struct sampler *sampler_start(struct kme *kme, struct live *live, struct qv_error *err)
{
	struct sampler *sampler = calloc(1, sizeof *sampler);
	if (!sampler) {
		qv_fail(err, QV_E_NOMEM, "no memory to watch the KME");
		return NULL;
	}
	sampler->site = kme->site;
	sampler->live = live;
	sampler->sampled = seconds();
	pthread_mutex_init(&sampler->lock, NULL);
	pthread_cond_init(&sampler->changed, NULL);
	sampler->samples_run = pthread_create(&sampler->samples, NULL, sample_all, sampler) == 0;
	sampler->probes_run = pthread_create(&sampler->probes, NULL, probe_all, sampler) == 0;
	if (sampler->samples_run && sampler->probes_run)
		return sampler;
	qv_fail(err, QV_E_NOMEM, "the threads that watch the KME cannot be started");
	sampler_stop(sampler);
	return NULL;
}

void sampler_stop(struct sampler *sampler)
{
	if (!sampler)
		return;
	pthread_mutex_lock(&sampler->lock);
	sampler->stopping = true;
	pthread_cond_broadcast(&sampler->changed);
	pthread_mutex_unlock(&sampler->lock);
	if (sampler->samples_run)
		pthread_join(sampler->samples, NULL);
	if (sampler->probes_run)
		pthread_join(sampler->probes, NULL);
	while (sampler->series) {
		struct series *series = sampler->series;
		sampler->series = series->next;
		series_free(series);
	}
	pthread_cond_destroy(&sampler->changed);
	pthread_mutex_destroy(&sampler->lock);
	free(sampler);
}

static void add_cause(json_t *causes, const char *what, const char *whose, const char *why)
{
	json_array_append_new(causes, json_pack("{s:s,s:s*,s:s}", "what", what, "peer", whose, "why", why));
}

static void link_causes(json_t *causes, const struct series *series)
{
	if (series->probed && !series->reachable)
		add_cause(causes, "peer", series->peer, series->why);
	if (series->level[0] == 0)
		add_cause(causes, "stock", series->peer, "no keys are left to give out");
}

/* What is not as it should be. Called with the lock. */
static json_t *list_causes(const struct sampler *sampler, const struct kme *kme)
{
	json_t *causes = json_array();
	struct audit *audit = kme->audit;
	struct audit_status status = { .working = true };
	if (sampler->store_error.code != QV_OK)
		add_cause(causes, "store", NULL, sampler->store_error.message);
	else if (seconds() - sampler->sampled > STALE_SECONDS)
		add_cause(causes, "store", NULL, "it does not answer");
	if (audit)
		audit_status(audit, &status);
	if (!status.working)
		add_cause(causes, "audit", NULL, "the audit log cannot be written");
	for (const struct series *series = sampler->series; series; series = series->next)
		link_causes(causes, series);
	return causes;
}

static json_t *level_json(int64_t level)
{
	return level < 0 ? json_null() : json_integer(level);
}

static json_t *links_json(const struct sampler *sampler)
{
	json_t *links = json_array();
	for (const struct series *series = sampler->series; series; series = series->next)
		json_array_append_new(links,
				      json_pack("{s:s,s:o,s:o,s:o,s:s*}", "peer", series->peer, "reachable",
						series->probed ? json_boolean(series->reachable) : json_null(), "own",
						level_json(series->level[0]), "theirs", level_json(series->level[1]),
						"why", series->probed && !series->reachable ? series->why : NULL));
	return links;
}

static json_t *audit_json(struct audit *audit)
{
	struct audit_status status;
	char hash[AUDIT_HASH_TEXT];
	if (!audit)
		return json_null();
	audit_status(audit, &status);
	audit_hash_text(hash, status.head.hash);
	return json_pack("{s:b,s:I,s:s,s:I}", "working", status.working, "sequence", (json_int_t)status.head.sequence,
			 "hash", hash, "failed", (json_int_t)status.failed);
}

static json_t *totals_json(const struct metrics *metrics)
{
	uint64_t answers, errors;
	metrics_totals(metrics, &answers, &errors);
	json_t *json = json_pack("{s:I,s:I}", "requests", (json_int_t)answers, "errors", (json_int_t)errors);
	for (unsigned i = 0; json && i < METRICS_EVENTS; i++)
		json_object_set_new(json, metrics_event_name(i), json_integer((json_int_t)metrics_keys(metrics, i)));
	/* A refused request may have asked for no key that is known. */
	if (json)
		json_object_set_new(json, "refused", json_integer((json_int_t)metrics_events(metrics, EVENT_REFUSED)));
	return json;
}

char *sampler_state(struct sampler *sampler, const struct kme *kme)
{
	pthread_mutex_lock(&sampler->lock);
	json_t *causes = list_causes(sampler, kme);
	json_t *json =
		json_pack("{s:I,s:s,s:o,s:o,s:o,s:o}", "time", (json_int_t)(wall_clock() / QV_NS_PER_MS), "status",
			  json_array_size(causes) ? "trouble" : "ok", "causes", causes, "links", links_json(sampler),
			  "totals", totals_json(&kme->watch->metrics), "audit", audit_json(kme->audit));
	pthread_mutex_unlock(&sampler->lock);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

char *sampler_health(struct sampler *sampler, const struct kme *kme, bool *well)
{
	pthread_mutex_lock(&sampler->lock);
	json_t *causes = list_causes(sampler, kme);
	pthread_mutex_unlock(&sampler->lock);
	*well = json_array_size(causes) == 0;
	json_t *json = json_pack("{s:s,s:o}", "status", *well ? "ok" : "trouble", "causes", causes);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

json_t *sampler_history(struct sampler *sampler, bool day)
{
	json_t *links = json_array();
	pthread_mutex_lock(&sampler->lock);
	for (const struct series *series = sampler->series; series && sampler->ticks; series = series->next)
		json_array_append_new(links, series_json(series, sampler->ticks - 1, day));
	pthread_mutex_unlock(&sampler->lock);
	return json_pack("{s:i,s:o}", "interval", day ? 60 : 1, "links", links);
}

/* A label's value: backslash, quote and newline are escaped. */
static void print_label(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			putc('\\', out);
		if (*text == '\n')
			fputs("\\n", out);
		else
			putc(*text, out);
	}
}

static void gauge(FILE *out, const char *name, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void print_pools(const struct sampler *sampler, FILE *out)
{
	static const char *const lanes[] = { "own", "theirs" };
	gauge(out, "qkd_kme_pool_keys",
	      "Link keys of 256 bits in store; lane own: this KME picks them, theirs: the peer does.");
	for (const struct series *series = sampler->series; series; series = series->next)
		for (size_t lane = 0; lane < 2; lane++) {
			if (series->level[lane] < 0)
				continue;
			fputs("qkd_kme_pool_keys{peer=\"", out);
			print_label(out, series->peer);
			fprintf(out, "\",lane=\"%s\"} %" PRId64 "\n", lanes[lane], series->level[lane]);
		}
	gauge(out, "qkd_kme_peer_up", "Whether a peer answers.");
	for (const struct series *series = sampler->series; series; series = series->next) {
		if (!series->probed)
			continue;
		fputs("qkd_kme_peer_up{peer=\"", out);
		print_label(out, series->peer);
		fprintf(out, "\"} %d\n", series->reachable);
	}
}

void sampler_print(struct sampler *sampler, const struct kme *kme, FILE *out)
{
	pthread_mutex_lock(&sampler->lock);
	print_pools(sampler, out);
	gauge(out, "qkd_kme_store_up", "Whether the key store answered when it was asked last.");
	fprintf(out, "qkd_kme_store_up %d\n",
		sampler->store_error.code == QV_OK && seconds() - sampler->sampled <= STALE_SECONDS);
	pthread_mutex_unlock(&sampler->lock);
	gauge(out, "qkd_kme_pool_max_keys", "Link keys that a pool is filled up to.");
	fprintf(out, "qkd_kme_pool_max_keys %" PRId64 "\n", kme->limits.stored);
}
