/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/clock.h>

#include "admin/admin.h"
#include "apis.h"

struct watch *watch_new(struct qv_error *err)
{
	struct watch *watch = calloc(1, sizeof *watch);
	if (!watch)
		qv_fail(err, QV_E_NOMEM, "no memory to watch the KME");
	else
		watch->started = wall_clock();
	return watch;
}

void watch_free(struct watch *watch)
{
	free(watch);
}

void watch_event(struct watch *watch, const struct event *event)
{
	metrics_event(&watch->metrics, event);
	struct admin *admin = watch->admin;
	if (admin)
		admin_event(admin, event);
}

/* By the end of the path; the handler itself looks closer. */
static enum metric_api api_of(const char *target)
{
	static const struct {
		const char *name;
		enum metric_api api;
	} names[] = {
		{ "/status", METRIC_STATUS },
		{ "/enc_keys", METRIC_ENC_KEYS },
		{ "/dec_keys", METRIC_DEC_KEYS },
	};
	size_t length = strcspn(target, "?");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t end = strlen(names[i].name);
		if (length >= end && memcmp(target + length - end, names[i].name, end) == 0)
			return names[i].api;
	}
	return METRIC_SAE_OTHER;
}

static void watched(struct kme *kme, enum metric_api api, server_handler *handler, const struct request *request,
		    struct reply *reply)
{
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	handler(kme, request, reply);
	metrics_answer(&kme->watch->metrics, api, reply->status, reply->cause,
		       qv_clock_now(&qv_clock_monotonic) - start);
}

void watched_sae_api(void *kme, const struct request *request, struct reply *reply)
{
	watched(kme, api_of(request->target), sae_api_handle, request, reply);
}

void watched_kme_api(void *kme, const struct request *request, struct reply *reply)
{
	bool alive = strcmp(request->target, "/inter-kme/v1/alive") == 0;
	watched(kme, alive ? METRIC_ALIVE : METRIC_INTER_KME, kme_api_handle, request, reply);
}
