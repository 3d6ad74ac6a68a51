/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted while the KME runs. Atomic counters: safe on any thread, never blocks. */
#ifndef KME_METRICS_H
#define KME_METRICS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "event.h"

#define METRICS_EVENTS  6 /* kinds of events */
#define METRICS_BUCKETS 15

typedef atomic_uint_fast64_t counter;

struct histogram {
	counter buckets[METRICS_BUCKETS]; /* not cumulative; the last one is for everything above */
	counter sum_ns;
};

enum metric_api {
	METRIC_STATUS,
	METRIC_ENC_KEYS,
	METRIC_DEC_KEYS,
	METRIC_SAE_OTHER,
	METRIC_INTER_KME,
	METRIC_ALIVE, /* peers that only look whether this KME is there */
	METRIC_APIS
};

enum metric_store {
	STORE_PROPERTY,
	STORE_IMPORT,
	STORE_STOCK,
	STORE_RESERVE,
	STORE_RELEASE,
	STORE_FIND,
	STORE_SETTLE,
	STORE_DELIVER,
	STORE_UNDO,
	STORE_PURGE,
	STORE_OTHER,
	STORE_OPERATIONS
};

enum metric_tls {
	TLS_SILENT,       /* no TLS came at all */
	TLS_NO_AGREEMENT, /* no common version or cipher */
	TLS_REFUSED_US,   /* the client went away once it had seen our certificate */
	TLS_CERTIFICATE,  /* of the client: none, not of our CA, expired, revoked */
	TLS_CAUSES
};

#define METRICS_STATUSES 14

struct metrics {
	counter keys[METRICS_EVENTS];   /* keys that an event of this kind happened to */
	counter events[METRICS_EVENTS]; /* events, whatever the number of keys */
	counter answers[METRIC_APIS][METRICS_STATUSES];
	struct histogram latency[METRIC_APIS];
	struct histogram store[STORE_OPERATIONS];
	counter store_errors[STORE_OPERATIONS];
	counter causes[16];
	counter tls_failed[TLS_CAUSES];
	counter tls_established;
};

void metrics_event(struct metrics *metrics, const struct event *event);

void metrics_tls_established(struct metrics *metrics);
void metrics_tls_failed(struct metrics *metrics, enum metric_tls cause);

/* `cause` says more than the status, or is NULL. */
void metrics_answer(struct metrics *metrics, enum metric_api api, unsigned status, const char *cause, int64_t ns);

void histogram_add(struct histogram *histogram, int64_t ns);

/* By enum event_kind: a word for labels, and how many keys and events there were. */
const char *metrics_event_name(unsigned kind);
uint64_t metrics_keys(const struct metrics *metrics, unsigned kind);
uint64_t metrics_events(const struct metrics *metrics, unsigned kind);

/* All requests answered but for METRIC_ALIVE, and those with a status of 400 or more. */
void metrics_totals(const struct metrics *metrics, uint64_t *answers, uint64_t *errors);

/* The text format of Prometheus, version 0.0.4, appended to a stream. */
void metrics_print(const struct metrics *metrics, FILE *out);

#endif
