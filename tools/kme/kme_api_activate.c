/* SPDX-License-Identifier: Apache-2.0 */
/* Inter-KME API: a peer has keys for SAEs of this KME. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apis.h"
#include "carry.h"
#include "event.h"
#include "links.h"
#include "promise.h"

#define MISSING "some link keys are not in the pool"

/* The lane that the peer picks from. */
static unsigned peer_lane(const struct peer *peer)
{
	return 1 - peer->own_lane;
}

struct gathering {
	struct qv_keystore_visit visit; /* first */
	const struct peer *peer;
	const struct activation *activation;
	struct qv_secret *keys; /* all link keys, in the order of the labels */
	bool *found;
	size_t next;
};

/* Keys come in the order of the labels, with gaps where they are missing. */
static int gather_key(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	struct gathering *gathering = (struct gathering *)visit;
	while (gathering->next < gathering->activation->label_count &&
	       strcmp(gathering->activation->labels[gathering->next], key->label) != 0)
		gathering->next++;
	if (gathering->next == gathering->activation->label_count ||
	    key->sealed.size != QV_QKDLINK_KEY_BYTES + SEAL_OVERHEAD)
		return qv_fail(err, QV_E_IO, "stored key %s is not as it was stored", key->label);
	size_t at = gathering->next++;
	gathering->found[at] = true;
	return seal_unwrap(gathering->peer->kme->seal, "pool", gathering->peer->kme_id, key->label, key->sealed.bytes,
			   key->sealed.size, qv_secret_edit(gathering->keys) + at * QV_QKDLINK_KEY_BYTES, err);
}

static void reply_missing(const struct activation *activation, const bool *found, struct reply *reply)
{
	json_t *missing = json_array();
	for (size_t i = 0; i < activation->label_count; i++)
		if (!found[i])
			json_array_append_new(missing, json_string(activation->labels[i]));
	reply_json(reply, 409, json_pack("{s:s,s:o}", "message", MISSING, "missing", missing));
	snprintf(reply->why, sizeof reply->why, MISSING);
}

/* The labels of one key, divided by blanks; owned by the caller. */
static char *join_labels(char *const *labels, size_t count)
{
	size_t size = count * (QV_QKDLINK_LABEL_MAX + 1) + 1, used = 0;
	char *text = calloc(1, size);
	for (size_t i = 0; text && i < count; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " " : "", labels[i]);
	return text;
}

/* Where the link keys became the keys, the first slave's promise says so, and an undone request gives them back. */
static int add_promises(struct kme *kme, const struct activation *activation, const struct qv_secret *keys,
			struct promise_set *set, char **labels, struct qv_error *err)
{
	for (size_t i = 0; i < activation->key_count; i++) {
		const struct activation_key *key = &activation->keys[i];
		labels[i] =
			join_labels(activation->labels + key->first_label, activation->carried ? 0 : key->label_count);
		if (!labels[i])
			return qv_fail(err, QV_E_NOMEM, "no memory for keys");
		struct promised_key promised = { .id = key->id,
						 .master = activation->master,
						 .key = qv_secret_bytes(keys) + key->first_label * QV_QKDLINK_KEY_BYTES,
						 .size = key->label_count * QV_QKDLINK_KEY_BYTES,
						 .bytes = key->bytes };
		for (size_t j = 0; j < activation->slave_count; j++) {
			promised.slave = activation->slaves[j];
			promised.labels = j == 0 ? labels[i] : "";
			if (promise_set_add(kme, set, &promised, err) != 0)
				return -1;
		}
	}
	return 0;
}

static int settle(const struct peer *peer, const struct activation *activation, const struct promise_set *set,
		  struct qv_error *err)
{
	struct qv_settlement settlement = { .request = activation->request,
					    .link = peer->kme_id,
					    .lane = peer_lane(peer),
					    .take = (const char *const *)activation->labels,
					    .take_count = activation->label_count,
					    .promises = set->promises,
					    .promise_count = set->count };
	pthread_rwlock_rdlock(&peer->link->settling);
	int result = peer->kme->store_class->settle(peer->kme->store, &settlement, err);
	pthread_rwlock_unlock(&peer->link->settling);
	return result;
}

static size_t largest_key(const struct activation *activation)
{
	size_t labels = 0;
	for (size_t i = 0; i < activation->key_count; i++)
		if (activation->keys[i].label_count > labels)
			labels = activation->keys[i].label_count;
	return labels * QV_QKDLINK_KEY_BYTES;
}

static int promise_all(const struct peer *peer, const struct activation *activation, const struct qv_secret *keys,
		       struct qv_error *err)
{
	struct promise_set set;
	char **labels = calloc(activation->key_count, sizeof *labels);
	if (!labels)
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	int result =
		promise_set_new(&set, activation->key_count * activation->slave_count, largest_key(activation), err);
	if (result == 0)
		result = add_promises(peer->kme, activation, keys, &set, labels, err);
	if (result == 0)
		result = settle(peer, activation, &set, err);
	promise_set_clear(&set);
	labels_free(labels, activation->key_count);
	return result;
}

void activation_report(const struct peer *peer, const struct activation *activation, enum event_kind kind,
		       const struct reply *reply)
{
	char(*ids)[UUID_TEXT] = calloc(activation->key_count + 1, sizeof *ids);
	for (size_t i = 0; ids && i < activation->key_count; i++)
		memcpy(ids[i], activation->keys[i].id, sizeof *ids);
	for (size_t i = 0; i == 0 || i < activation->slave_count; i++)
		event_report(peer->kme,
			     &(struct event){ .kind = kind,
					      .master = activation->master[0] ? activation->master : NULL,
					      .slave = activation->slave_count ? activation->slaves[i] : NULL,
					      .peer = peer->kme_id,
					      .status = reply ? reply->status : 0,
					      .reason = reply ? reply->why : NULL,
					      .key_ids = (const char(*)[UUID_TEXT])ids,
					      .count = ids ? activation->key_count : 0 });
	free(ids);
}

static bool is_complete(const struct gathering *gathering)
{
	for (size_t i = 0; i < gathering->activation->label_count; i++)
		if (!gathering->found[i])
			return false;
	return true;
}

static void reply_activation(struct peer *peer, const struct activation *activation, int result,
			     const struct gathering *gathering, const struct qv_error *err, struct reply *reply)
{
	if (result == 0 && !activation->check)
		activation_report(peer, activation, EVENT_ACTIVATED, NULL);
	if (result >= 0) {
		link_hungry(peer);
		reply_json(reply, 200, json_pack("{s:s}", "request", activation->request));
	} else if (err->code == QV_E_NOT_FOUND && !is_complete(gathering)) {
		reply_missing(activation, gathering->found, reply);
	} else if (err->code == QV_E_DENIED) {
		reply_error(reply, 410, "the request was undone", NULL);
	} else if (err->code == QV_E_PROTOCOL) {
		qv_log_error(peer->log, "%s: the ends of the link differ, or somebody changes what KMEs say",
			     err->message);
		reply_error(reply, 403, "the carried keys do not authenticate", NULL);
	} else if (err->code == QV_E_INVALID) {
		reply_error(reply, 400, "a key_ID or a label is there twice", NULL);
	} else {
		qv_log_error(peer->log, "keys are not activated: %s", err->message);
		reply_unavailable(reply, "store", "the keys could not be stored");
	}
}

/* The answer to a request whose link keys are not all there: as the first time if it was settled before, else -1. */
static int settle_known(const struct peer *peer, const struct activation *activation, struct qv_error *err)
{
	/* No link key has such a label, so nothing new is settled, also if the missing ones come in just now. */
	static const char *const never[] = { " " };
	struct qv_settlement settlement = { .request = activation->request,
					    .link = peer->kme_id,
					    .lane = peer_lane(peer),
					    .take = never,
					    .take_count = 1 };
	return peer->kme->store_class->settle(peer->kme->store, &settlement, err);
}

static int settle_new(const struct peer *peer, const struct activation *activation, struct qv_secret *keys,
		      struct qv_error *err)
{
	uint8_t *bytes = qv_secret_edit(keys);
	if (activation->carried && carry_decrypt(activation, bytes, bytes, err) != 0)
		return -1;
	return promise_all(peer, activation, keys, err);
}

static void activate(struct peer *peer, const struct activation *activation, struct reply *reply)
{
	struct kme *kme = peer->kme;
	struct qv_error err = QV_ERROR_INIT;
	struct gathering gathering = { .visit.pool_key = gather_key, .peer = peer, .activation = activation };
	gathering.found = calloc(activation->label_count, sizeof *gathering.found);
	gathering.keys = qv_secret_new(activation->label_count * QV_QKDLINK_KEY_BYTES, &err);
	if (!gathering.found || !gathering.keys) {
		reply_unavailable(reply, "memory", "no memory");
	} else {
		int result = kme->store_class->find(kme->store, peer->kme_id, peer_lane(peer),
						    (const char *const *)activation->labels, activation->label_count,
						    &gathering.visit, &err);
		if (result == 0 && !is_complete(&gathering))
			result = settle_known(peer, activation, &err);
		else if (result == 0 && !activation->check)
			result = settle_new(peer, activation, gathering.keys, &err);
		reply_activation(peer, activation, result, &gathering, &err, reply);
	}
	free(gathering.found);
	qv_secret_free(gathering.keys);
}

/* A peer may only give keys in the name of its own SAEs, and only to ours. */
bool activation_allowed(const struct peer *peer, const struct activation *activation, struct reply *reply)
{
	const struct sae *master = kme_sae(peer->kme, activation->master);
	for (size_t i = 0; i < activation->slave_count; i++) {
		const struct sae *slave = kme_sae(peer->kme, activation->slaves[i]);
		if (slave && !slave->peer)
			continue;
		reply_detail(reply, 404, "the slave SAE is none of this KME", "slave_SAE_ID", activation->slaves[i]);
		return false;
	}
	if (!master || master->peer != peer) {
		reply_detail(reply, 403, "the master SAE is none of the calling KME, as this KME knows it",
			     "master_SAE_ID", activation->master);
		return false;
	}
	return true;
}

void kme_api_activate(struct peer *peer, const struct request *request, struct reply *reply)
{
	struct activation activation;
	struct qv_error err = QV_ERROR_INIT;
	if (activation_json(&activation, request->body, request->body_size, &err) != 0)
		reply_failure(reply, &err);
	else if (activation_allowed(peer, &activation, reply))
		activate(peer, &activation, reply);
	if (reply->status >= 400)
		activation_report(peer, &activation, EVENT_REFUSED, reply);
	activation_clear(&activation);
}
