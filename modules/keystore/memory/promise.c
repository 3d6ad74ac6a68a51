/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that wait for their slave SAE. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

static const char *slave_of(const struct promise *promise)
{
	return promise->key_id + promise->slave_at;
}

static const char *master_of(const struct promise *promise)
{
	return promise->key_id + promise->master_at;
}

static struct qv_promise view_of(const struct promise *promise)
{
	return (struct qv_promise){ .key_id = promise->key_id,
				    .slave = slave_of(promise),
				    .master = master_of(promise),
				    .labels = (const char *)promise->sealed + promise->sealed_size,
				    .key_bytes = promise->key_bytes,
				    .sealed = { promise->sealed, promise->sealed_size },
				    .expires = promise->expiry.time };
}

static struct promise *promise_new(const struct qv_promise *from, struct qv_error *err)
{
	size_t id = strlen(from->key_id) + 1, slave = strlen(from->slave) + 1, master = strlen(from->master) + 1;
	size_t labels = strlen(from->labels) + 1;
	struct promise *promise = malloc(sizeof *promise + id + slave + master);
	uint8_t *sealed = malloc(from->sealed.size + labels);
	if (!promise || !sealed) {
		free(promise);
		free(sealed);
		no_memory(err);
		return NULL;
	}
	*promise = (struct promise){ .expiry.time = from->expires,
				     .sealed = sealed,
				     .sealed_size = from->sealed.size,
				     .key_bytes = from->key_bytes,
				     .slave_at = (uint32_t)id,
				     .master_at = (uint32_t)(id + slave) };
	memcpy(promise->key_id, from->key_id, id);
	memcpy(promise->key_id + id, from->slave, slave);
	memcpy(promise->key_id + id + slave, from->master, master);
	if (from->sealed.size)
		memcpy(sealed, from->sealed.bytes, from->sealed.size);
	memcpy(sealed + from->sealed.size, from->labels, labels);
	return promise;
}

void promise_free(struct promise *promise)
{
	if (promise)
		free(promise->sealed);
	free(promise);
}

static struct promise *find(struct qv_keystore *store, const char *key_id, const char *slave, bool *others)
{
	struct table_node *node = table_first(&store->promises, table_hash(&store->promises, "", 0, key_id));
	*others = false;
	for (; node; node = table_next(node)) {
		struct promise *promise = (struct promise *)node;
		if (strcmp(promise->key_id, key_id) != 0)
			continue;
		if (strcmp(slave_of(promise), slave) == 0)
			return promise;
		*others = true;
	}
	return NULL;
}

static void add(struct qv_keystore *store, struct request *request, struct promise *promise)
{
	table_add(&store->promises, &promise->node, table_hash(&store->promises, "", 0, promise->key_id));
	heap_add(&store->expiries, &promise->expiry, promise->expiry.time);
	promise->request = request;
	promise->prev = request->last_promise;
	promise->next = NULL;
	*(promise->prev ? &promise->prev->next : &request->promises) = promise;
	request->last_promise = promise;
}

/* Out of the store; the caller frees it. Its request stays. */
static void drop(struct qv_keystore *store, struct promise *promise)
{
	struct request *request = promise->request;
	table_remove(&store->promises, &promise->node);
	heap_remove(&store->expiries, &promise->expiry);
	*(promise->prev ? &promise->prev->next : &request->promises) = promise->next;
	*(promise->next ? &promise->next->prev : &request->last_promise) = promise->prev;
}

/* What a settlement brings, made before the store is locked; what was used is NULL then. */
struct settling {
	const struct qv_settlement *settlement;
	struct request *request;
	struct promise **promises;
	struct key_list gone;
};

static void settling_clear(struct settling *settling)
{
	for (size_t i = 0; settling->promises && i < settling->settlement->promise_count; i++)
		promise_free(settling->promises[i]);
	free(settling->promises);
	free(settling->request);
	pool_free_list(&settling->gone);
}

static int prepare(struct settling *settling, struct qv_error *err)
{
	const struct qv_settlement *settlement = settling->settlement;
	settling->request = request_new(settlement->request, err);
	settling->promises = calloc(settlement->promise_count + 1, sizeof(struct promise *));
	if (!settling->request || !settling->promises)
		return no_memory(err);
	for (size_t i = 0; i < settlement->promise_count; i++) {
		settling->promises[i] = promise_new(&settlement->promises[i], err);
		if (!settling->promises[i])
			return -1;
	}
	return 0;
}

static void unmark_labels(struct qv_keystore *store, struct link *link, const char *const *labels, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pool_find(store, link, labels[i])->marked = false;
}

/* Marks what is to be taken; all of it or nothing. */
static int mark_labels(struct qv_keystore *store, struct link *link, const struct qv_settlement *settlement,
		       struct qv_error *err)
{
	for (size_t i = 0; i < settlement->take_count; i++) {
		struct pool_key *key = pool_find(store, link, settlement->take[i]);
		if (!key || key->request || key->lane != settlement->lane || key->marked) {
			unmark_labels(store, link, settlement->take, i);
			return qv_fail(err, QV_E_NOT_FOUND, "the pool has no key %s", settlement->take[i]);
		}
		key->marked = true;
	}
	return 0;
}

/* Adds all promises, or none when one of that name is there. */
static int add_promises(struct qv_keystore *store, struct settling *settling, struct request *request,
			struct qv_error *err)
{
	size_t count = settling->settlement->promise_count;
	bool others;
	if (heap_reserve(&store->expiries, count) != 0 || heap_reserve(&store->noted, 1) != 0)
		return no_memory(err);
	for (size_t i = 0; i < count; i++) {
		struct promise *promise = settling->promises[i];
		if (find(store, promise->key_id, slave_of(promise), &others)) {
			while (i-- > 0)
				drop(store, settling->promises[i]);
			return qv_fail(err, QV_E_INVALID, "key %s is promised already", promise->key_id);
		}
		add(store, request, promise);
	}
	for (size_t i = 0; i < count; i++)
		settling->promises[i] = NULL;
	return 0;
}

static void take_keys(struct qv_keystore *store, struct settling *settling, struct link *link, struct request *request)
{
	const struct qv_settlement *settlement = settling->settlement;
	for (size_t i = 0; i < settlement->take_count; i++) {
		struct pool_key *key = pool_find(store, link, settlement->take[i]);
		pool_remove(store, key);
		list_append(&settling->gone, key);
	}
	while (settlement->finish && request->reserved.first) {
		struct pool_key *key = request->reserved.first;
		pool_remove(store, key);
		list_append(&settling->gone, key);
	}
}

static void note_request(struct qv_keystore *store, struct request *request, int64_t now)
{
	if (request->is_noted)
		return;
	request->is_noted = true;
	heap_add(&store->noted, &request->noted, now);
}

static int settle(struct qv_keystore *store, struct settling *settling, struct qv_error *err)
{
	const struct qv_settlement *settlement = settling->settlement;
	struct request *request = request_find(store, settlement->request);
	if (request && request->is_noted)
		return request->undone ? qv_fail(err, QV_E_DENIED, "request %s was undone", settlement->request) : 1;
	if (settlement->finish && !(request && request->reserved.first))
		return qv_fail(err, QV_E_NOT_FOUND, "request %s has no keys reserved", settlement->request);
	struct link *link = settlement->take_count ? link_get(store, settlement->link, err) : NULL;
	if (settlement->take_count && (!link || mark_labels(store, link, settlement, err) != 0))
		return -1;
	bool is_new = !request;
	if (is_new)
		request = settling->request;
	if (add_promises(store, settling, request, err) != 0) {
		unmark_labels(store, link, settlement->take, settlement->take_count);
		return -1;
	}
	if (is_new) {
		request_add(store, request);
		settling->request = NULL;
	}
	take_keys(store, settling, link, request);
	/* Where promises were made, the same request may come again. */
	if (settlement->promise_count)
		note_request(store, request, wall_clock());
	request_settle_up(store, request);
	return 0;
}

int store_settle(struct qv_keystore *store, const struct qv_settlement *settlement, struct qv_error *err)
{
	struct settling settling = { .settlement = settlement };
	int result = prepare(&settling, err);
	if (result == 0) {
		pthread_mutex_lock(&store->lock);
		result = settle(store, &settling, err);
		pthread_mutex_unlock(&store->lock);
	}
	settling_clear(&settling);
	return result;
}

/* A key on its way to a visitor: the sealed bytes are owned here. */
struct given {
	struct promise *promise;
	uint8_t *sealed;
	struct qv_promise view;
};

static int check_delivery(struct promise *promise, bool others, const char *key_id, const char *master, int64_t now,
			  struct qv_error *err)
{
	if (promise ? strcmp(master_of(promise), master) != 0 : others)
		return qv_fail(err, QV_E_DENIED, "key %s was made for another SAE", key_id);
	if (!promise || !promise->sealed || promise->marked || promise->expiry.time < now)
		return qv_fail(err, QV_E_NOT_FOUND, "key %s is unknown, delivered or expired", key_id);
	promise->marked = true;
	return 0;
}

static void take_sealed(struct given *given, const char *key_id, const char *slave, const char *master)
{
	struct promise *promise = given->promise;
	given->sealed = promise->sealed;
	/* The promise itself may be purged before the visitor sees it. */
	given->view = view_of(promise);
	given->view.key_id = key_id;
	given->view.slave = slave;
	given->view.master = master;
	promise->sealed = NULL;
}

int store_deliver(struct qv_keystore *store, const char *slave, const char *master, const char *const *key_ids,
		  size_t count, int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct given *given = calloc(count + 1, sizeof *given);
	if (!given)
		return no_memory(err);
	size_t found = 0;
	int result = 0;
	pthread_mutex_lock(&store->lock);
	for (; found < count && result == 0; found += result == 0) {
		bool others;
		given[found].promise = find(store, key_ids[found], slave, &others);
		result = check_delivery(given[found].promise, others, key_ids[found], master, now, err);
	}
	for (size_t i = 0; i < found; i++) {
		given[i].promise->marked = false;
		if (result == 0)
			take_sealed(&given[i], key_ids[i], slave, master);
	}
	pthread_mutex_unlock(&store->lock);
	for (size_t i = 0; i < count && result == 0; i++)
		result = visit->promise(visit, &given[i].view, err);
	for (size_t i = 0; i < found; i++)
		free(given[i].sealed);
	free(given);
	return result;
}

static int copy_promises(const struct request *request, struct promise **copies, struct qv_error *err)
{
	for (const struct promise *promise = request->promises; promise; promise = promise->next) {
		if (!promise->sealed)
			continue;
		struct qv_promise view = view_of(promise);
		struct promise *copy = promise_new(&view, err);
		if (!copy)
			return -1;
		copy->next = NULL;
		*copies = copy;
		copies = &copy->next;
	}
	return 0;
}

int store_promises(struct qv_keystore *store, const char *request_id, struct qv_keystore_visit *visit,
		   struct qv_error *err)
{
	struct promise *copies = NULL;
	pthread_mutex_lock(&store->lock);
	struct request *request = request_find(store, request_id);
	int result = request ? copy_promises(request, &copies, err) : 0;
	pthread_mutex_unlock(&store->lock);
	while (copies) {
		struct promise *copy = copies;
		struct qv_promise view = view_of(copy);
		if (result == 0)
			result = visit->promise(visit, &view, err);
		copies = copy->next;
		promise_free(copy);
	}
	return result;
}

/* All that an undo may need, made before the store is locked. */
static int prepare_undo(const char *id, const struct qv_pool_key *keys, size_t count, int64_t now,
			struct request **request, struct key_list *fresh, struct qv_error *err)
{
	*request = request_new(id, err);
	for (size_t i = 0; *request && i < count; i++) {
		struct pool_key *key = pool_key_new(&keys[i], now, err);
		if (!key)
			return -1;
		list_append(fresh, key);
	}
	return *request ? 0 : -1;
}

static bool any_delivered(const struct request *request)
{
	for (const struct promise *promise = request->promises; promise; promise = promise->next)
		if (!promise->sealed)
			return true;
	return false;
}

static void drop_promises(struct qv_keystore *store, struct request *request)
{
	while (request->promises) {
		struct promise *promise = request->promises;
		drop(store, promise);
		promise_free(promise);
	}
}

static void return_keys(struct qv_keystore *store, struct link *link, unsigned lane, struct key_list *keys)
{
	struct key_list known = { NULL, NULL };
	while (keys->first) {
		struct pool_key *key = keys->first;
		keys->first = key->next;
		if (!pool_add(store, link, lane, key))
			list_append(&known, key);
	}
	keys->last = NULL;
	*keys = known;
}

int store_undo(struct qv_keystore *store, const char *request_id, const char *link_name, unsigned lane,
	       const struct qv_pool_key *keys, size_t count, int64_t now, struct qv_error *err)
{
	struct key_list returned = { NULL, NULL };
	struct request *fresh = NULL, *request;
	int result = prepare_undo(request_id, keys, count, now, &fresh, &returned, err);
	pthread_mutex_lock(&store->lock);
	struct link *link = result == 0 && count ? link_get(store, link_name, err) : NULL;
	if (result == 0 && ((count && !link) || heap_reserve(&store->noted, 1) != 0))
		result = no_memory(err);
	request = result == 0 ? request_find(store, request_id) : NULL;
	if (request && any_delivered(request))
		result = qv_fail(err, QV_E_BUSY, "a key of request %s was delivered already", request_id);
	if (result == 0) {
		if (!request) {
			request = fresh;
			fresh = NULL;
			request_add(store, request);
		}
		drop_promises(store, request);
		note_request(store, request, now);
		request->undone = true;
		if (link)
			return_keys(store, link, lane, &returned);
	}
	pthread_mutex_unlock(&store->lock);
	pool_free_list(&returned);
	free(fresh);
	return result;
}

#define FORGET_STEP 1000

/* Unlinks at most `max` that expired; returns how many. */
static size_t take_expired(struct qv_keystore *store, int64_t now, size_t max, struct promise **expired)
{
	struct heap_node *first;
	size_t count = 0;
	for (; count < max && (first = heap_first(&store->expiries)) && first->time < now; count++) {
		struct promise *promise = (struct promise *)((char *)first - offsetof(struct promise, expiry));
		drop(store, promise);
		request_settle_up(store, promise->request);
		promise->next = NULL;
		*expired = promise;
		expired = &promise->next;
	}
	return count;
}

static bool forget_some(struct qv_keystore *store, int64_t forget_before)
{
	struct heap_node *first;
	unsigned steps = 0;
	for (; steps < FORGET_STEP && (first = heap_first(&store->noted)) && first->time < forget_before; steps++) {
		struct request *request = (struct request *)((char *)first - offsetof(struct request, noted));
		heap_remove(&store->noted, first);
		request->is_noted = request->undone = false;
		request_settle_up(store, request);
	}
	return steps == FORGET_STEP;
}

int64_t store_purge(struct qv_keystore *store, int64_t now, int64_t forget_before, size_t max,
		    struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct promise *expired = NULL;
	bool more = true;
	int result = 0;
	pthread_mutex_lock(&store->lock);
	size_t count = take_expired(store, now, max, &expired);
	pthread_mutex_unlock(&store->lock);
	/* In steps, so that nobody waits for all of it. */
	while (more) {
		pthread_mutex_lock(&store->lock);
		more = forget_some(store, forget_before);
		pthread_mutex_unlock(&store->lock);
	}
	for (struct promise *promise = expired, *next; promise; promise = next) {
		next = promise->next;
		if (promise->sealed && result == 0) {
			struct qv_promise view = view_of(promise);
			view.sealed.size = 0;
			result = visit->promise(visit, &view, err);
		}
		promise_free(promise);
	}
	return result == 0 ? (int64_t)count : -1;
}
