/* SPDX-License-Identifier: Apache-2.0 */
/* What watches the KME: counters always, and the admin pages where the configuration has them. */
#ifndef KME_WATCH_H
#define KME_WATCH_H

#include "event.h"
#include "metrics.h"
#include "reply.h"
#include "server.h"

struct admin;

struct watch {
	struct metrics metrics;
	_Atomic(struct admin *) admin; /* NULL: none; set when all else runs already */
	int64_t started;               /* ns of CLOCK_REALTIME */
};

struct watch *watch_new(struct qv_error *err);
void watch_free(struct watch *watch); /* NULL is fine */

void watch_event(struct watch *watch, const struct event *event);

/* Handlers that answer as the inner ones, and are counted. */
void watched_sae_api(void *kme, const struct request *request, struct reply *reply);
void watched_kme_api(void *kme, const struct request *request, struct reply *reply);

#endif
