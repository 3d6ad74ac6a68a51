/* SPDX-License-Identifier: Apache-2.0 */
/* Events of keys as records of the audit log. */
#include "audit_event.h"

#include <string.h>

#include "kme.h"

#define CHUNK 64

static const char *api_of(struct kme *kme, const struct event *event)
{
	const struct sae *master = event->master ? kme_sae(kme, event->master) : NULL;
	switch (event->kind) {
	case EVENT_ACTIVATED:
		return master && !master->peer ? "enc_keys" : "inter-kme";
	case EVENT_DELIVERED_MASTER:
		return "enc_keys";
	case EVENT_DELIVERED_SLAVE:
		return "dec_keys";
	case EVENT_UNDONE:
		return "inter-kme";
	case EVENT_REFUSED:
		return event->api ? event->api : event->peer ? "inter-kme" : NULL;
	case EVENT_EXPIRED:
		break;
	}
	return NULL;
}

static bool is_delivery(enum event_kind kind)
{
	return kind == EVENT_DELIVERED_MASTER || kind == EVENT_DELIVERED_SLAVE;
}

int audit_event(struct kme *kme, const struct event *event, struct qv_error *err)
{
	struct audit_record records[CHUNK];
	bool delivery = is_delivery(event->kind);
	const struct audit_record common = { .time = wall_clock(),
					     .event = delivery ? "delivered" : event_name(event->kind),
					     .to = !delivery                               ? NULL
						   : event->kind == EVENT_DELIVERED_MASTER ? "master"
											   : "slave",
					     .api = api_of(kme, event),
					     .master = event->master,
					     .slave = event->slave,
					     .peer = event->peer,
					     .status = event->status,
					     .cause = event->reason };
	size_t done = 0, total = event->count ? event->count : 1;
	while (done < total) {
		size_t count = total - done < CHUNK ? total - done : CHUNK;
		for (size_t i = 0; i < count; i++) {
			records[i] = common;
			records[i].key_id = event->count ? event->key_ids[done + i] : NULL;
		}
		done += count;
		if (audit_write(kme->audit, records, count, delivery && done == total, err) != 0)
			return -1;
	}
	return 0;
}
