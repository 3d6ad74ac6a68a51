/* SPDX-License-Identifier: Apache-2.0 */
#include "link_keys.h"

#include <stdlib.h>
#include <string.h>

#include "../body.h"
#include "../links.h"

struct reserving {
	struct qv_keystore_visit visit; /* first */
	struct kme *kme;
	const struct peer *peer;
	struct link_keys *keys;
};

static int open_key(struct kme *kme, const struct peer *peer, const struct qv_pool_key *key, uint8_t *out,
		    struct qv_error *err)
{
	if (key->sealed.size != QV_QKDLINK_KEY_BYTES + SEAL_OVERHEAD)
		return qv_fail(err, QV_E_IO, "stored key %s has a wrong size", key->label);
	return seal_unwrap(kme->seal, "pool", peer->kme_id, key->label, key->sealed.bytes, key->sealed.size, out, err);
}

static int keep_key(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	struct reserving *reserving = (struct reserving *)visit;
	struct link_keys *keys = reserving->keys;
	size_t at = keys->count;
	keys->labels[at] = strdup(key->label);
	if (!keys->labels[at])
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	keys->count++;
	return open_key(reserving->kme, reserving->peer, key, qv_secret_edit(keys->keys) + at * QV_QKDLINK_KEY_BYTES,
			err);
}

int link_keys_take(struct kme *kme, const struct peer *peer, size_t count, struct link_keys *keys, struct qv_error *err)
{
	char request[UUID_TEXT];
	struct reserving reserving = { .visit.pool_key = keep_key, .kme = kme, .peer = peer, .keys = keys };
	uuid_random(request);
	*keys = (struct link_keys){ .labels = calloc(count, sizeof(char *)),
				    .keys = qv_secret_new(count * QV_QKDLINK_KEY_BYTES, err) };
	if (!keys->labels || !keys->keys)
		return qv_fail(err, QV_E_NOMEM, "no memory for link keys");
	if (kme->store_class->reserve(kme->store, request, peer->kme_id, peer->own_lane, count, wall_clock(),
				      &reserving.visit, err) != 0) {
		/* The last one that came is damaged: without it, the next message may go. */
		if (keys->count > 0)
			kme->store_class->release(kme->store, request,
						  (const char *const *)&keys->labels[keys->count - 1], 1, INT64_MAX, 0,
						  NULL);
		return -1;
	}
	struct qv_settlement settlement = { .request = request, .link = peer->kme_id, .finish = true };
	int result = kme->store_class->settle(kme->store, &settlement, err);
	if (result < 0)
		kme->store_class->release(kme->store, request, NULL, 0, 0, 0, NULL);
	else
		link_hungry((struct peer *)(uintptr_t)peer);
	return result < 0 ? -1 : 0;
}

void link_keys_clear(struct link_keys *keys)
{
	labels_free(keys->labels, keys->count);
	qv_secret_free(keys->keys);
	*keys = (struct link_keys){ .labels = NULL };
}

struct finding {
	struct qv_keystore_visit visit; /* first */
	const struct peer *peer;
	const struct hop_message *message;
	struct qv_secret *keys;
	size_t next;
};

static int found_key(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	struct finding *finding = (struct finding *)visit;
	const struct hop_message *message = finding->message;
	/* One that is missing leaves a gap. */
	if (finding->next == message->label_count || strcmp(message->labels[finding->next], key->label) != 0)
		return qv_fail(err, QV_E_NOT_FOUND, "a link key is not in the pool");
	size_t at = finding->next++;
	return open_key(finding->peer->kme, finding->peer, key,
			qv_secret_edit(finding->keys) + at * QV_QKDLINK_KEY_BYTES, err);
}

struct qv_secret *link_keys_find(const struct peer *peer, const struct hop_message *message, struct qv_error *err)
{
	struct kme *kme = peer->kme;
	struct finding finding = { .visit.pool_key = found_key, .peer = peer, .message = message };
	finding.keys = qv_secret_new(message->label_count * QV_QKDLINK_KEY_BYTES, err);
	int result = -1;
	if (finding.keys)
		result = kme->store_class->find(kme->store, peer->kme_id, 1 - peer->own_lane,
						(const char *const *)message->labels, message->label_count,
						&finding.visit, err);
	if (result == 0 && finding.next < message->label_count)
		result = qv_fail(err, QV_E_NOT_FOUND, "a link key is not in the pool");
	if (result == 0)
		return finding.keys;
	qv_secret_free(finding.keys);
	return NULL;
}

int link_keys_settle(const struct peer *peer, const struct hop_message *message, struct qv_error *err)
{
	struct qv_settlement settlement = { .request = message->request,
					    .link = peer->kme_id,
					    .lane = 1 - peer->own_lane,
					    .take = (const char *const *)message->labels,
					    .take_count = message->label_count };
	if (peer->kme->store_class->settle(peer->kme->store, &settlement, err) < 0)
		return -1;
	link_hungry((struct peer *)(uintptr_t)peer);
	return 0;
}
