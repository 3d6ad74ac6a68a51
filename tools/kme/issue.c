/* SPDX-License-Identifier: Apache-2.0 */
#include "issue.h"

#include <stdlib.h>
#include <string.h>

#include "activate.h"
#include "body.h"
#include "event.h"
#include "links.h"
#include "promise.h"

#define ATTEMPTS 3
/* Link keys that the peer lacks although this KME has had them for so long will never come. */
#define SETTLE_NS (60 * QV_NS_PER_SECOND)
#define HOLD_NS   (2 * QV_NS_PER_SECOND)

struct reserving {
	struct qv_keystore_visit visit; /* first */
	struct kme *kme;
	struct issue *issue;
};

static int keep_key(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	struct reserving *reserving = (struct reserving *)visit;
	struct issue *issue = reserving->issue;
	size_t at = issue->label_count;
	issue->labels[at] = strdup(key->label);
	if (!issue->labels[at])
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	issue->label_count++;
	if (key->sealed.size != QV_QKDLINK_KEY_BYTES + SEAL_OVERHEAD)
		return qv_fail(err, QV_E_IO, "stored key %s has a wrong size", key->label);
	return seal_unwrap(reserving->kme->seal, "pool", issue->peer->kme_id, key->label, key->sealed.bytes,
			   key->sealed.size, qv_secret_edit(issue->keys) + at * QV_QKDLINK_KEY_BYTES, err);
}

static int reserve(struct kme *kme, struct issue *issue, struct qv_error *err)
{
	struct reserving reserving = { .visit.pool_key = keep_key, .kme = kme, .issue = issue };
	size_t parts = issue->count * issue->stride / QV_QKDLINK_KEY_BYTES;
	issue->labels = calloc(parts, sizeof *issue->labels);
	if (!issue->labels)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	int result = kme->store_class->reserve(kme->store, issue->request, issue->peer->kme_id, issue->peer->own_lane,
					       parts, wall_clock(), &reserving.visit, err);
	/* The last one that came is damaged: without it, the next request may succeed. */
	if (result != 0 && issue->label_count > 0)
		kme->store_class->release(kme->store, issue->request,
					  (const char *const *)&issue->labels[issue->label_count - 1], 1, INT64_MAX, 0,
					  NULL);
	return result;
}

static int release(struct kme *kme, const struct issue *issue, char *const *missing, size_t count, struct qv_error *err)
{
	int64_t now = wall_clock();
	return kme->store_class->release(kme->store, issue->request, (const char *const *)missing, count,
					 now - SETTLE_NS, now + HOLD_NS, err);
}

static int finish(struct kme *kme, const struct issue *issue, struct qv_error *err)
{
	struct qv_settlement settlement = { .request = issue->request, .link = issue->peer->kme_id, .finish = true };
	if (kme->store_class->settle(kme->store, &settlement, err) >= 0)
		return 0;
	undo_later(issue->peer, issue->request);
	return -1;
}

static void forget_labels(struct issue *issue)
{
	labels_free(issue->labels, issue->label_count);
	issue->labels = NULL;
	issue->label_count = 0;
}

/* One attempt. 0 issued; 1: the peer lacks link keys, others may do; -1. */
static int attempt(struct kme *kme, struct issue *issue, struct qv_error *err)
{
	char **missing = NULL;
	size_t count = 0;
	uuid_random(issue->request);
	forget_labels(issue);
	if (reserve(kme, issue, err) != 0)
		return -1;
	switch (activate_at_peer(issue, &missing, &count, err)) {
	case ACTIVATED:
		link_hungry(issue->peer);
		return finish(kme, issue, err);
	case ACTIVATION_MISSING: {
		qv_log_warning(issue->peer->log, "the peer lacks %zu of %zu link keys", count, issue->label_count);
		int result = release(kme, issue, missing, count, err);
		labels_free(missing, count);
		return result == 0 ? 1 : -1;
	}
	case ACTIVATION_REFUSED:
		release(kme, issue, NULL, 0, NULL);
		return -1;
	case ACTIVATION_UNKNOWN:
		break;
	}
	undo_later(issue->peer, issue->request);
	return -1;
}

static int issue_with_peer(struct kme *kme, struct issue *issue, struct qv_error *err)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		int result = attempt(kme, issue, err);
		if (result <= 0)
			return result;
	}
	return qv_fail(err, QV_E_NO_KEY, "KME \"%s\" does not have the same link keys (yet)", issue->peer->kme_id);
}

/* Both SAEs are this KME's: no link is needed. */
static int issue_here(struct kme *kme, struct issue *issue, struct qv_error *err)
{
	uuid_random(issue->request);
	qv_secret_free(issue->keys);
	issue->keys = qv_secret_random(issue->count * issue->stride, err);
	if (!issue->keys)
		return -1;
	struct promise_set set;
	int result = promise_set_new(&set, issue->count, issue->stride, err);
	for (size_t i = 0; result == 0 && i < issue->count; i++)
		result =
			promise_set_add(kme, &set,
					&(struct promised_key){ .id = issue->ids[i],
								.master = issue->master,
								.slave = issue->slave,
								.labels = "",
								.key = qv_secret_bytes(issue->keys) + i * issue->stride,
								.size = issue->stride,
								.bytes = issue->bytes },
					err);
	if (result == 0) {
		struct qv_settlement settlement = { .request = issue->request,
						    .promises = set.promises,
						    .promise_count = set.count };
		result = kme->store_class->settle(kme->store, &settlement, err) < 0 ? -1 : 0;
	}
	promise_set_clear(&set);
	return result;
}

int issue_keys(struct kme *kme, struct issue *issue, struct qv_error *err)
{
	size_t parts = (issue->bytes + QV_QKDLINK_KEY_BYTES - 1) / QV_QKDLINK_KEY_BYTES;
	issue->stride = parts * QV_QKDLINK_KEY_BYTES;
	issue->ids = calloc(issue->count, sizeof *issue->ids);
	issue->keys = qv_secret_new(issue->count * issue->stride, err);
	if (!issue->keys)
		return -1;
	if (!issue->ids)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	for (size_t i = 0; i < issue->count; i++)
		uuid_random(issue->ids[i]);
	int result = issue->peer ? issue_with_peer(kme, issue, err) : issue_here(kme, issue, err);
	if (result == 0)
		event_report(kme, &(struct event){ .kind = EVENT_ACTIVATED,
						   .master = issue->master,
						   .slave = issue->slave,
						   .peer = issue->peer ? issue->peer->kme_id : NULL,
						   .key_ids = (const char(*)[UUID_TEXT])issue->ids,
						   .count = issue->count });
	return result;
}

void issue_clear(struct issue *issue)
{
	forget_labels(issue);
	free(issue->ids);
	qv_secret_free(issue->keys);
	issue->ids = NULL;
	issue->keys = NULL;
}
