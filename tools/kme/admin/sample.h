/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at the KME once a second, on a thread of its own: what the pools hold, whether the store answers; and on
 * another one, every few seconds, whether the peers do. Whoever asks gets what was seen last, so that no page waits for
 * a store or a peer, and none loads them.
 */
#ifndef KME_ADMIN_SAMPLE_H
#define KME_ADMIN_SAMPLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "../kme.h"
#include "live.h"

struct sampler;

/* Sends each state to `live`. */
struct sampler *sampler_start(struct kme *kme, struct live *live, struct qv_error *err);
void sampler_stop(struct sampler *sampler); /* NULL is fine */

/* The state as JSON text; owned by the caller. NULL: no memory. */
char *sampler_state(struct sampler *sampler, const struct kme *kme);

/* { "status", "causes" }, and whether all is well; owned by the caller. */
char *sampler_health(struct sampler *sampler, const struct kme *kme, bool *well);

/* Pool levels of the last 10 minutes, or of the last day. */
json_t *sampler_history(struct sampler *sampler, bool day);

/* Gauges in the text format of Prometheus. */
void sampler_print(struct sampler *sampler, const struct kme *kme, FILE *out);

#endif
