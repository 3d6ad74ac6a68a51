/* SPDX-License-Identifier: Apache-2.0 */
/* Inter-KME API: a request is undone, its link keys go back into the pool. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apis.h"
#include "event.h"
#include "links.h"
#include "promise.h"

#define POOL_SEALED (QV_QKDLINK_KEY_BYTES + SEAL_OVERHEAD)

/* Link keys to put back, and the promises that were made of them. */
struct returning {
	struct qv_keystore_visit visit; /* first */
	const struct peer *peer;
	struct qv_pool_key *keys; /* label and sealed bytes owned */
	size_t count, room;
	struct undone {
		char id[1][UUID_TEXT];
		char master[QV_SAE_ID_MAX + 1], slave[QV_SAE_ID_MAX + 1];
	} * undone;
	size_t undone_count, undone_room;
};

static int note_undone(struct returning *returning, const struct qv_promise *promise, struct qv_error *err)
{
	if (returning->undone_count == returning->undone_room) {
		size_t room = returning->undone_room ? returning->undone_room * 2 : 8;
		struct undone *grown = realloc(returning->undone, room * sizeof *grown);
		if (!grown)
			return qv_fail(err, QV_E_NOMEM, "no memory for keys");
		returning->undone = grown;
		returning->undone_room = room;
	}
	struct undone *undone = &returning->undone[returning->undone_count++];
	snprintf(undone->id[0], sizeof undone->id[0], "%s", promise->key_id);
	snprintf(undone->master, sizeof undone->master, "%s", promise->master);
	snprintf(undone->slave, sizeof undone->slave, "%s", promise->slave);
	return 0;
}

static void report_undone(const struct returning *returning, const char *request)
{
	char reason[64];
	snprintf(reason, sizeof reason, "request %s", request);
	for (size_t i = 0; i < returning->undone_count; i++)
		event_report(returning->peer->kme,
			     &(struct event){ .kind = EVENT_UNDONE,
					      .master = returning->undone[i].master,
					      .slave = returning->undone[i].slave,
					      .peer = returning->peer->kme_id,
					      .reason = reason,
					      .key_ids = (const char(*)[UUID_TEXT])returning->undone[i].id,
					      .count = 1 });
}

static int return_key(struct returning *returning, const char *label, size_t length, const uint8_t *key,
		      struct qv_error *err)
{
	if (returning->count == returning->room) {
		size_t room = returning->room ? returning->room * 2 : 8;
		struct qv_pool_key *grown = realloc(returning->keys, room * sizeof *grown);
		if (!grown)
			return qv_fail(err, QV_E_NOMEM, "no memory for keys");
		returning->keys = grown;
		returning->room = room;
	}
	char *name = strndup(label, length);
	uint8_t *sealed = malloc(POOL_SEALED);
	if (!name || !sealed) {
		free(name);
		free(sealed);
		return qv_fail(err, QV_E_NOMEM, "no memory for keys");
	}
	seal_wrap(returning->peer->kme->seal, "pool", returning->peer->kme_id, name, key, QV_QKDLINK_KEY_BYTES, sealed);
	returning->keys[returning->count++] = (struct qv_pool_key){ name, { sealed, POOL_SEALED } };
	return 0;
}

/* Takes a promised key apart into the link keys that it was made of. */
static int return_promise(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	struct returning *returning = (struct returning *)visit;
	const struct sae *master = kme_sae(returning->peer->kme, promise->master);
	if (master && master->peer != returning->peer)
		return qv_fail(err, QV_E_INVALID, "the request is another KME's");
	if (note_undone(returning, promise, err) != 0)
		return -1;
	size_t size = promise->sealed.size < SEAL_OVERHEAD ? 0 : promise->sealed.size - SEAL_OVERHEAD;
	struct qv_secret *key = qv_secret_new(size, err);
	int result = key ? promise_open(returning->peer->kme, promise, qv_secret_edit(key), size, err) : -1;
	const char *label = promise->labels;
	for (size_t at = 0; result == 0 && *label; at += QV_QKDLINK_KEY_BYTES) {
		size_t length = strcspn(label, " ");
		if (at + QV_QKDLINK_KEY_BYTES > size)
			result = qv_fail(err, QV_E_IO, "stored key %s has more labels than bytes", promise->key_id);
		else
			result = return_key(returning, label, length, qv_secret_bytes(key) + at, err);
		label += length + (label[length] == ' ');
	}
	qv_secret_free(key);
	return result;
}

static void undo(struct peer *peer, const char *request, struct reply *reply)
{
	struct kme *kme = peer->kme;
	struct qv_error err = QV_ERROR_INIT;
	struct returning returning = { .visit.promise = return_promise, .peer = peer };
	/* A request that is settled in between would be undone without its link keys. */
	pthread_rwlock_wrlock(&peer->link->settling);
	int result = kme->store_class->promises(kme->store, request, &returning.visit, &err);
	if (result == 0)
		result = kme->store_class->undo(kme->store, request, peer->kme_id, 1 - peer->own_lane, returning.keys,
						returning.count, wall_clock(), &err);
	pthread_rwlock_unlock(&peer->link->settling);
	if (result == 0) {
		report_undone(&returning, request);
		reply_json(reply, 200, json_pack("{s:s}", "request", request));
	} else if (err.code == QV_E_BUSY) {
		reply_error(reply, 409, "a key of the request was delivered", NULL);
	} else if (err.code == QV_E_INVALID) {
		reply_failure(reply, &err);
	} else {
		qv_log_error(peer->log, "request %s is not undone: %s", request, err.message);
		reply_unavailable(reply, "store", "the request could not be undone");
	}
	for (size_t i = 0; i < returning.count; i++) {
		free((void *)(uintptr_t)returning.keys[i].label);
		free((void *)(uintptr_t)returning.keys[i].sealed.bytes);
	}
	free(returning.keys);
	free(returning.undone);
}

void kme_api_undo(struct peer *peer, const struct request *request, struct reply *reply)
{
	char id[UUID_TEXT];
	struct qv_error err = QV_ERROR_INIT;
	if (undo_json(id, request->body, request->body_size, &err) == 0)
		undo(peer, id, reply);
	else
		reply_failure(reply, &err);
}
