/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

#include "audit_event.h"
#include "kme.h"
#include "watch.h"

const char *event_name(enum event_kind kind)
{
	static const char *const names[] = {
		[EVENT_ACTIVATED] = "activated",
		[EVENT_DELIVERED_MASTER] = "delivered to the master",
		[EVENT_DELIVERED_SLAVE] = "delivered to the slave",
		[EVENT_EXPIRED] = "expired",
		[EVENT_REFUSED] = "refused",
		[EVENT_UNDONE] = "undone",
	};
	return names[kind];
}

int event_report(struct kme *kme, const struct event *event)
{
	qv_log_debug(kme->log, "%zu key%s %s: master %.255s, slave %.255s%s%s%s%.300s", event->count,
		     event->count == 1 ? "" : "s", event_name(event->kind), event->master ? event->master : "unknown",
		     event->slave ? event->slave : "unknown", event->peer ? ", KME " : "",
		     event->peer ? event->peer : "", event->reason ? ": " : "", event->reason ? event->reason : "");
	for (size_t i = 0; i < event->count; i++)
		qv_log_debug(kme->log, "key %s %s", event->key_ids[i], event_name(event->kind));
	if (kme->watch)
		watch_event(kme->watch, event);
	return kme->audit ? audit_event(kme, event, NULL) : 0;
}

bool event_ready(struct kme *kme)
{
	return !kme->audit || audit_ready(kme->audit);
}
