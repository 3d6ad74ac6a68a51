/* SPDX-License-Identifier: Apache-2.0 */
/* Keys to the other end of a QKD link, by means of its link keys. */
#include <stdlib.h>
#include <string.h>

#include "activate.h"
#include "carry.h"
#include "compare.h"
#include "links.h"
#include "route.h"

#define ATTEMPTS 3
#define HOLD_NS  (2 * QV_NS_PER_SECOND)

static bool serves(const struct kme *kme, const struct peer *peer)
{
	(void)kme;
	return peer->link && peer->link->class;
}

struct reserving {
	struct qv_keystore_visit visit; /* first */
	struct kme *kme;
	struct leg *leg;
};

static int keep_key(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	struct reserving *reserving = (struct reserving *)visit;
	struct leg *leg = reserving->leg;
	size_t at = leg->label_count;
	leg->labels[at] = strdup(key->label);
	if (!leg->labels[at])
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	leg->label_count++;
	if (key->sealed.size != QV_QKDLINK_KEY_BYTES + SEAL_OVERHEAD)
		return qv_fail(err, QV_E_IO, "stored key %s has a wrong size", key->label);
	return seal_unwrap(reserving->kme->seal, "pool", leg->peer->kme_id, key->label, key->sealed.bytes,
			   key->sealed.size, qv_secret_edit(leg->link_keys) + at * QV_QKDLINK_KEY_BYTES, err);
}

static int release(struct kme *kme, const struct leg *leg, char *const *missing, size_t count, struct qv_error *err)
{
	int64_t now = wall_clock();
	return kme->store_class->release(kme->store, leg->request, (const char *const *)missing, count,
					 now - kme->limits.lag, now + HOLD_NS, err);
}

/* Reserves link keys under a new request. */
static int reserve(struct kme *kme, struct leg *leg, size_t count, struct qv_error *err)
{
	struct reserving reserving = { .visit.pool_key = keep_key, .kme = kme, .leg = leg };
	labels_free(leg->labels, leg->label_count);
	leg->label_count = 0;
	leg->labels = calloc(count, sizeof *leg->labels);
	if (!leg->labels)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	if (!leg->link_keys)
		leg->link_keys = qv_secret_new(count * QV_QKDLINK_KEY_BYTES, err);
	if (!leg->link_keys)
		return -1;
	uuid_random(leg->request);
	int result = kme->store_class->reserve(kme->store, leg->request, leg->peer->kme_id, leg->peer->own_lane, count,
					       wall_clock(), &reserving.visit, err);
	/* The last one that came is damaged: without it, the next request may succeed. */
	if (result != 0 && leg->label_count > 0)
		kme->store_class->release(kme->store, leg->request,
					  (const char *const *)&leg->labels[leg->label_count - 1], 1, INT64_MAX, 0,
					  NULL);
	return result;
}

/* What is asked of the peer. It borrows from the leg; freed with forget(). */
static int describe(const struct leg *leg, bool carried, struct activation *activation, struct qv_error *err)
{
	const struct issue *issue = leg->issue;
	size_t parts = issue->stride / QV_QKDLINK_KEY_BYTES;
	*activation = (struct activation){ .carried = carried,
					   .slaves = leg->slaves,
					   .slave_count = leg->slave_count,
					   .labels = leg->labels,
					   .label_count = leg->label_count };
	memcpy(activation->request, leg->request, UUID_TEXT);
	snprintf(activation->master, sizeof activation->master, "%s", issue->master);
	activation->keys = calloc(issue->count, sizeof *activation->keys);
	if (!activation->keys)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	activation->key_count = issue->count;
	for (size_t i = 0; i < issue->count; i++) {
		struct activation_key *key = &activation->keys[i];
		memcpy(key->id, issue->ids[i], UUID_TEXT);
		key->bytes = (uint32_t)issue->bytes;
		key->first_label = i * parts;
		key->label_count = parts;
	}
	return 0;
}

static void forget(struct activation *activation)
{
	free(activation->keys);
	free(activation->ciphertext);
}

/* One attempt with link keys that are reserved. 0 done; 1: the peer lacks link keys, others may do; -1. */
static int ask(struct kme *kme, struct leg *leg, const struct activation *activation, struct qv_error *err)
{
	char **missing = NULL;
	size_t count = 0;
	switch (activate_at_peer(leg->peer, activation, &missing, &count, err)) {
	case ACTIVATED:
		leg->activated = !activation->check;
		return 0;
	case ACTIVATION_MISSING: {
		qv_log_warning(leg->peer->log, "the peer lacks %zu of %zu link keys", count, leg->label_count);
		int result = release(kme, leg, missing, count, err);
		labels_free(missing, count);
		compare_later(leg->peer);
		if (result == 0)
			qv_fail(err, QV_E_NO_KEY, "KME \"%s\" does not have the same link keys (yet)",
				leg->peer->kme_id);
		return result == 0 ? 1 : -1;
	}
	case ACTIVATION_REFUSED:
		release(kme, leg, NULL, 0, NULL);
		return -1;
	case ACTIVATION_UNKNOWN:
		break;
	}
	if (activation->check)
		release(kme, leg, NULL, 0, NULL);
	else
		undo_later(leg->peer, leg->request);
	return -1;
}

/* Reserves and asks, with other link keys where the peer lacks some. */
static int reserve_and_ask(struct kme *kme, struct leg *leg, bool carried, struct qv_error *err)
{
	size_t count = leg->issue->count * leg->issue->stride / QV_QKDLINK_KEY_BYTES + carried;
	int result = 1;
	for (int i = 0; i < ATTEMPTS && result > 0; i++) {
		struct activation activation = { .key_count = 0 };
		result = reserve(kme, leg, count, err);
		if (result == 0) {
			result = describe(leg, carried, &activation, err);
			if (result != 0)
				release(kme, leg, NULL, 0, NULL);
		}
		activation.check = carried;
		if (result == 0)
			result = ask(kme, leg, &activation, err);
		forget(&activation);
	}
	return result == 0 ? 0 : -1;
}

/* The keys are the link keys, cut to size: nothing of them crosses the network. */
static int derive(struct kme *kme, struct leg *leg, struct qv_error *err)
{
	if (reserve_and_ask(kme, leg, false, err) != 0)
		return -1;
	leg->issue->keys = leg->link_keys;
	leg->link_keys = NULL;
	link_hungry(leg->peer);
	return 0;
}

static int prepare(struct kme *kme, struct leg *leg, struct qv_error *err)
{
	return reserve_and_ask(kme, leg, true, err);
}

/* A pad may be sent once. So it leaves the store before it is used, and does not come back if anything fails. */
static int use_up(struct kme *kme, const struct leg *leg, struct qv_error *err)
{
	struct qv_settlement settlement = { .request = leg->request, .link = leg->peer->kme_id, .finish = true };
	if (kme->store_class->settle(kme->store, &settlement, err) >= 0)
		return 0;
	release(kme, leg, NULL, 0, NULL);
	return -1;
}

static int activate(struct kme *kme, struct leg *leg, struct qv_error *err)
{
	struct activation activation;
	if (use_up(kme, leg, err) != 0)
		return -1;
	link_hungry(leg->peer);
	int result = describe(leg, true, &activation, err);
	if (result == 0) {
		activation.ciphertext = malloc(activation_carried_size(&activation));
		if (!activation.ciphertext)
			result = qv_fail(err, QV_E_NOMEM, "no memory for keys");
	}
	if (result == 0) {
		carry_encrypt(&activation, qv_secret_bytes(leg->issue->keys), qv_secret_bytes(leg->link_keys));
		result = ask(kme, leg, &activation, err) == 0 ? 0 : -1;
	}
	/* The pads are gone here, and may still be there. */
	if (result != 0)
		compare_later(leg->peer);
	forget(&activation);
	return result;
}

static void abandon(struct kme *kme, struct leg *leg)
{
	if (leg->activated)
		undo_later(leg->peer, leg->request);
	else
		release(kme, leg, NULL, 0, NULL);
}

const struct route route_direct = { .name = "direct",
				    .choice = ROUTE_DIRECT,
				    .serves = serves,
				    .derive = derive,
				    .prepare = prepare,
				    .activate = activate,
				    .abandon = abandon };
