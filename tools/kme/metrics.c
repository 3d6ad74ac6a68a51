/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <inttypes.h>
#include <string.h>

#define SECOND 1e9

static const double bounds[METRICS_BUCKETS - 1] = { 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
						    0.025,  0.05,    0.1,    0.25,  0.5,    1,     5 };

/* Whatever is not among them is counted as the last one. */
static const unsigned statuses[METRICS_STATUSES] = {
	200, 400, 401, 403, 404, 405, 408, 409, 410, 413, 429, 500, 503, 0
};

static const char *const apis[METRIC_APIS] = { "status", "enc_keys", "dec_keys", "other", "inter_kme", "alive" };

static const char *const operations[STORE_OPERATIONS] = { "property", "import",  "stock", "reserve", "release", "find",
							  "settle",   "deliver", "undo",  "purge",   "other" };

static const char *const tls_causes[TLS_CAUSES] = { "silent", "no_agreement", "refused_us", "certificate" };

static const char *const events[METRICS_EVENTS] = {
	[EVENT_ACTIVATED] = "activated",
	[EVENT_DELIVERED_MASTER] = "delivered_master",
	[EVENT_DELIVERED_SLAVE] = "delivered_slave",
	[EVENT_EXPIRED] = "expired",
	[EVENT_REFUSED] = "refused",
	[EVENT_UNDONE] = "undone",
};

static const char *const causes[] = { "bad_request", "not_authorized", "not_found", "method",      "conflict",
				      "too_large",   "too_many",       "no_keys",   "no_route",    "peer",
				      "store",       "audit",          "memory",    "unavailable", "other" };

#define CAUSES (sizeof causes / sizeof causes[0])
_Static_assert(CAUSES <= sizeof((struct metrics *)0)->causes / sizeof(counter), "room for the causes");

static void add(counter *to, uint64_t count)
{
	atomic_fetch_add_explicit(to, count, memory_order_relaxed);
}

static uint64_t get(const counter *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

void histogram_add(struct histogram *histogram, int64_t ns)
{
	size_t i = 0;
	while (i < METRICS_BUCKETS - 1 && (double)ns > bounds[i] * SECOND)
		i++;
	add(&histogram->buckets[i], 1);
	add(&histogram->sum_ns, ns > 0 ? (uint64_t)ns : 0);
}

void metrics_event(struct metrics *metrics, const struct event *event)
{
	add(&metrics->events[event->kind], 1);
	add(&metrics->keys[event->kind], event->count);
}

void metrics_tls_established(struct metrics *metrics)
{
	add(&metrics->tls_established, 1);
}

void metrics_tls_failed(struct metrics *metrics, enum metric_tls cause)
{
	add(&metrics->tls_failed[cause], 1);
}

static const char *cause_of(unsigned status)
{
	switch (status) {
	case 400:
		return "bad_request";
	case 401:
	case 403:
		return "not_authorized";
	case 404:
		return "not_found";
	case 405:
		return "method";
	case 409:
	case 410:
		return "conflict";
	case 413:
		return "too_large";
	case 429:
		return "too_many";
	case 503:
		return "unavailable";
	default:
		return "other";
	}
}

void metrics_answer(struct metrics *metrics, enum metric_api api, unsigned status, const char *cause, int64_t ns)
{
	size_t i = 0, at = 0;
	while (i < METRICS_STATUSES - 1 && statuses[i] != status)
		i++;
	add(&metrics->answers[api][i], 1);
	histogram_add(&metrics->latency[api], ns);
	if (status < 400)
		return;
	if (!cause)
		cause = cause_of(status);
	while (at < CAUSES - 1 && strcmp(causes[at], cause) != 0)
		at++;
	add(&metrics->causes[at], 1);
}

void metrics_totals(const struct metrics *metrics, uint64_t *answers, uint64_t *errors)
{
	*answers = *errors = 0;
	for (size_t api = 0; api < METRIC_ALIVE; api++)
		for (size_t i = 0; i < METRICS_STATUSES; i++) {
			uint64_t count = get(&metrics->answers[api][i]);
			*answers += count;
			*errors += i > 0 ? count : 0;
		}
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_histogram(FILE *out, const char *name, const char *label, const char *value,
			    const struct histogram *histogram)
{
	uint64_t count = 0;
	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		count += get(&histogram->buckets[i]);
		if (i < METRICS_BUCKETS - 1)
			fprintf(out, "%s_bucket{%s=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, label, value, bounds[i],
				count);
		else
			fprintf(out, "%s_bucket{%s=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, label, value, count);
	}
	fprintf(out, "%s_sum{%s=\"%s\"} %.9f\n", name, label, value, (double)get(&histogram->sum_ns) / SECOND);
	fprintf(out, "%s_count{%s=\"%s\"} %" PRIu64 "\n", name, label, value, count);
}

static void print_list(FILE *out, const char *name, const char *label, const char *const *values, const counter *counts,
		       size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, values[i], get(&counts[i]));
}

static void print_answers(const struct metrics *metrics, FILE *out)
{
	head(out, "qkd_kme_requests_total", "counter", "Requests answered, by API and HTTP status.");
	for (size_t api = 0; api < METRIC_APIS; api++)
		for (size_t i = 0; i < METRICS_STATUSES; i++) {
			char status[16] = "other";
			if (statuses[i])
				snprintf(status, sizeof status, "%u", statuses[i]);
			uint64_t count = get(&metrics->answers[api][i]);
			if (count || i == 0)
				fprintf(out, "qkd_kme_requests_total{api=\"%s\",code=\"%s\"} %" PRIu64 "\n", apis[api],
					status, count);
		}
	head(out, "qkd_kme_request_duration_seconds", "histogram", "Time that a request was worked on, by API.");
	for (size_t api = 0; api < METRIC_APIS; api++)
		print_histogram(out, "qkd_kme_request_duration_seconds", "api", apis[api], &metrics->latency[api]);
	head(out, "qkd_kme_errors_total", "counter", "Requests that were not met, by cause.");
	print_list(out, "qkd_kme_errors_total", "cause", causes, metrics->causes, CAUSES);
}

void metrics_print(const struct metrics *metrics, FILE *out)
{
	head(out, "qkd_kme_keys_total", "counter", "Keys, by what happened to them.");
	print_list(out, "qkd_kme_keys_total", "event", events, metrics->keys, METRICS_EVENTS);
	head(out, "qkd_kme_key_events_total", "counter", "Events of keys, however many keys each was about.");
	print_list(out, "qkd_kme_key_events_total", "event", events, metrics->events, METRICS_EVENTS);
	print_answers(metrics, out);
	head(out, "qkd_kme_tls_handshakes_total", "counter", "TLS handshakes that succeeded.");
	fprintf(out, "qkd_kme_tls_handshakes_total %" PRIu64 "\n", get(&metrics->tls_established));
	head(out, "qkd_kme_tls_handshake_failures_total", "counter", "TLS handshakes that failed, by cause.");
	print_list(out, "qkd_kme_tls_handshake_failures_total", "cause", tls_causes, metrics->tls_failed, TLS_CAUSES);
	head(out, "qkd_kme_store_duration_seconds", "histogram",
	     "Time that calls of the key store took, by operation.");
	for (size_t i = 0; i < STORE_OPERATIONS; i++)
		print_histogram(out, "qkd_kme_store_duration_seconds", "operation", operations[i], &metrics->store[i]);
	head(out, "qkd_kme_store_errors_total", "counter", "Calls of the key store that its medium failed.");
	print_list(out, "qkd_kme_store_errors_total", "operation", operations, metrics->store_errors, STORE_OPERATIONS);
}

const char *metrics_event_name(unsigned kind)
{
	return events[kind];
}

uint64_t metrics_keys(const struct metrics *metrics, unsigned kind)
{
	return get(&metrics->keys[kind]);
}

uint64_t metrics_events(const struct metrics *metrics, unsigned kind)
{
	return get(&metrics->events[kind]);
}
