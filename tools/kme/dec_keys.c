/* SPDX-License-Identifier: Apache-2.0 */
/* ETSI GS QKD 014 clause 5.4: keys for the slave SAE by their IDs, once. */
#include <stdlib.h>
#include <string.h>

#include "apis.h"
#include "event.h"
#include "promise.h"
#include "route.h"

#define NOT_FOUND "one or more keys specified are not found on KME"
#define KEY_ROOM  1024 /* bytes of the largest key */

struct delivery {
	struct qv_keystore_visit visit; /* first */
	struct kme *kme;
	struct qv_secret *keys;
	size_t count;
	uint32_t *bytes;
};

static int take_key(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	struct delivery *delivery = (struct delivery *)visit;
	delivery->bytes[delivery->count] = promise->key_bytes;
	return promise_open(delivery->kme, promise, qv_secret_edit(delivery->keys) + delivery->count++ * KEY_ROOM,
			    KEY_ROOM, err);
}

static void refuse(const struct sae_call *call, const struct qv_error *err, struct reply *reply)
{
	qv_log_info(call->kme->log, "no keys of SAE %.200s for SAE %s: %s", call->other, call->caller->id,
		    err->message);
	if (err->code == QV_E_NOT_FOUND)
		reply_error(reply, 400, NOT_FOUND, NULL);
	else if (err->code == QV_E_DENIED)
		reply_empty(reply, 401);
	else
		reply_unavailable(reply, "store", "the key store does not answer");
}

static int deliver(const struct sae_call *call, const struct key_ids *ids, struct delivery *delivery,
		   struct qv_error *err)
{
	struct kme *kme = call->kme;
	const char **list = calloc(ids->count, sizeof *list);
	delivery->bytes = calloc(ids->count, sizeof *delivery->bytes);
	delivery->keys = qv_secret_new(ids->count * KEY_ROOM, err);
	int result = -1;
	if (!list || !delivery->bytes)
		qv_fail(err, QV_E_NOMEM, "no memory for keys");
	else if (delivery->keys) {
		for (size_t i = 0; i < ids->count; i++)
			list[i] = ids->ids[i];
		result = kme->store_class->deliver(kme->store, call->caller->id, call->other, list, ids->count,
						   wall_clock(), &delivery->visit, err);
	}
	free(list);
	return result;
}

/*
 * A promise does not say how its key came. Where only one route leads to the master's KME the key came by that one;
 * otherwise nothing is told.
 */
static enum route_choice certain_route(const struct sae_call *call)
{
	const struct sae *master = kme_sae(call->kme, call->other);
	if (!master)
		return ROUTE_NONE;
	if (!master->peer)
		return ROUTE_DIRECT;
	bool direct = route_find(call->kme, master->peer, ROUTE_DIRECT) != NULL;
	bool relayed = route_find(call->kme, master->peer, ROUTE_RELAYED) != NULL;
	if (direct == relayed)
		return ROUTE_NONE;
	return direct ? ROUTE_DIRECT : ROUTE_RELAYED;
}

static void reply_delivery(const struct sae_call *call, const struct key_ids *ids, const struct delivery *delivery,
			   struct reply *reply)
{
	const char(*key_ids)[UUID_TEXT] = (const char(*)[UUID_TEXT])ids->ids;
	if (event_report(call->kme, &(struct event){ .kind = EVENT_DELIVERED_SLAVE,
						     .master = call->other,
						     .slave = call->caller->id,
						     .key_ids = key_ids,
						     .count = ids->count }) != 0)
		reply_unrecorded(reply);
	else
		reply_keys(reply, key_ids, delivery->keys, ids->count, KEY_ROOM, delivery->bytes,
			   ids->tell_route ? certain_route(call) : ROUTE_NONE);
}

static void deliver_ids(const struct sae_call *call, const struct key_ids *ids, struct reply *reply)
{
	struct qv_error err = QV_ERROR_INIT;
	struct delivery delivery = { .visit.promise = take_key, .kme = call->kme };
	if (ids->unknown)
		reply_error(reply, 400, NOT_FOUND, json_pack("[{s:s}]", "key_ID", "not every key_ID is a UUID"));
	else if (deliver(call, ids, &delivery, &err) != 0)
		refuse(call, &err, reply);
	else
		reply_delivery(call, ids, &delivery, reply);
	free(delivery.bytes);
	qv_secret_free(delivery.keys);
}

void dec_keys_handle(const struct sae_call *call, struct reply *reply)
{
	struct key_ids ids;
	struct qv_error err = QV_ERROR_INIT;
	const struct request *request = call->request;
	int result;
	if (strcmp(request->method, "POST") == 0)
		result = key_ids_json(&ids, request->body, request->body_size, call->kme->limits.per_request, &err);
	else if (strcmp(request->method, "GET") == 0)
		result = key_ids_query(&ids, call->uri, &err);
	else {
		reply_method(reply, "GET, POST");
		return;
	}
	if (result == 0)
		deliver_ids(call, &ids, reply);
	else
		reply_failure(reply, &err);
	report_refused(call, call->other, call->caller->id, &ids, reply);
	key_ids_clear(&ids);
}
