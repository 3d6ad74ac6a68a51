/* SPDX-License-Identifier: Apache-2.0 */
/* The texts that the admin interface answers with; owned by the caller, NULL: no memory. Any thread. */
#ifndef KME_ADMIN_ANSWERS_H
#define KME_ADMIN_ANSWERS_H

#include "../event.h"
#include "live.h"
#include "sample.h"

char *answer_metrics(struct kme *kme, struct sampler *sampler, struct live *live);

/* What does not change while the KME runs with its configuration. */
char *answer_kme(const struct kme *kme, bool token);

/* Of a KME that relays keys. */
char *answer_relay(struct kme *kme);

char *answer_history(struct sampler *sampler, bool day);

json_t *event_json(const struct event *event);

#endif
