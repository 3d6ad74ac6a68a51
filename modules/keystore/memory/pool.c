/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the links that nobody has asked for yet. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a key belongs in its lane: by the time it is ready, then by age. */
static bool is_before(const struct pool_key *a, const struct pool_key *b)
{
	return a->ready != b->ready ? a->ready < b->ready : a->age < b->age;
}

static void list_insert(struct key_list *list, struct pool_key *key, struct pool_key *after)
{
	key->prev = after;
	key->next = after ? after->next : list->first;
	*(key->prev ? &key->prev->next : &list->first) = key;
	*(key->next ? &key->next->prev : &list->last) = key;
}

static void list_remove(struct key_list *list, struct pool_key *key)
{
	*(key->prev ? &key->prev->next : &list->first) = key->next;
	*(key->next ? &key->next->prev : &list->last) = key->prev;
}

void list_append(struct key_list *list, struct pool_key *key)
{
	list_insert(list, key, list->last);
}

static struct key_list *list_of(struct pool_key *key)
{
	struct lane *lane = &key->link->lanes[key->lane];
	if (key->request)
		return &key->request->reserved;
	return key->ready ? &lane->held : &lane->free;
}

/* What comes back was among the oldest: its place is near the start. What is held back is mostly held the longest. */
static void return_to_lane(struct pool_key *key)
{
	struct lane *lane = &key->link->lanes[key->lane];
	struct pool_key *after = NULL;
	if (key->ready)
		for (after = lane->held.last; after && is_before(key, after);)
			after = after->prev;
	else
		for (struct pool_key *older = lane->free.first; older && is_before(older, key); older = older->next)
			after = older;
	list_insert(key->ready ? &lane->held : &lane->free, key, after);
	lane->stock++;
}

struct pool_key *pool_key_new(const struct qv_pool_key *key, int64_t imported, struct qv_error *err)
{
	size_t length = strlen(key->label) + 1;
	struct pool_key *made = malloc(sizeof *made + length + key->sealed.size);
	if (!made) {
		no_memory(err);
		return NULL;
	}
	*made = (struct pool_key){ .imported = imported, .sealed_size = (uint32_t)key->sealed.size };
	memcpy(made->label, key->label, length);
	if (key->sealed.size)
		memcpy(made->label + length, key->sealed.bytes, key->sealed.size);
	return made;
}

const uint8_t *pool_key_sealed(const struct pool_key *key)
{
	return (const uint8_t *)key->label + strlen(key->label) + 1;
}

static uint64_t hash_label(const struct qv_keystore *store, const struct link *link, const char *label)
{
	return table_hash(&store->keys, &link->number, sizeof link->number, label);
}

struct pool_key *pool_find(struct qv_keystore *store, const struct link *link, const char *label)
{
	struct table_node *node = table_first(&store->keys, hash_label(store, link, label));
	for (; node; node = table_next(node)) {
		struct pool_key *key = (struct pool_key *)node;
		if (key->link == link && strcmp(key->label, label) == 0)
			return key;
	}
	return NULL;
}

bool pool_add(struct qv_keystore *store, struct link *link, unsigned lane, struct pool_key *key)
{
	if (pool_find(store, link, key->label))
		return false;
	key->link = link;
	key->lane = (uint8_t)lane;
	key->age = store->key_count++;
	table_add(&store->keys, &key->node, hash_label(store, link, key->label));
	list_append(&link->lanes[lane].free, key);
	link->lanes[lane].stock++;
	return true;
}

void pool_remove(struct qv_keystore *store, struct pool_key *key)
{
	list_remove(list_of(key), key);
	if (!key->request)
		key->link->lanes[key->lane].stock--;
	table_remove(&store->keys, &key->node);
}

void pool_free_list(struct key_list *list)
{
	while (list->first) {
		struct pool_key *key = list->first;
		list->first = key->next;
		free(key);
	}
	list->last = NULL;
}

int64_t store_import(struct qv_keystore *store, const char *link_name, unsigned lane, const struct qv_pool_key *keys,
		     size_t count, const char *from, const char *cursor, struct qv_error *err)
{
	struct key_list fresh = { NULL, NULL }, known = { NULL, NULL };
	int64_t now = wall_clock(), added = 0;
	for (size_t i = 0; i < count; i++) {
		struct pool_key *key = pool_key_new(&keys[i], now, err);
		if (!key) {
			pool_free_list(&fresh);
			return -1;
		}
		list_append(&fresh, key);
	}
	pthread_mutex_lock(&store->lock);
	struct link *link = link_get(store, link_name, err);
	if (link && strcmp(link->lanes[lane].cursor, from) != 0) {
		qv_fail(err, QV_E_BUSY, "the link with %s was read from where its keys are stored already", link_name);
		link = NULL;
	}
	while (link && fresh.first) {
		struct pool_key *key = fresh.first;
		list_remove(&fresh, key);
		if (pool_add(store, link, lane, key))
			added++;
		else
			list_append(&known, key);
	}
	if (link)
		snprintf(link->lanes[lane].cursor, sizeof link->lanes[lane].cursor, "%s", cursor);
	pthread_mutex_unlock(&store->lock);
	pool_free_list(&fresh);
	pool_free_list(&known);
	return link ? added : -1;
}

int store_cursor(struct qv_keystore *store, const char *link_name, unsigned lane, char *cursor, struct qv_error *err)
{
	pthread_mutex_lock(&store->lock);
	struct link *link = link_get(store, link_name, err);
	if (link)
		memcpy(cursor, link->lanes[lane].cursor, sizeof link->lanes[lane].cursor);
	pthread_mutex_unlock(&store->lock);
	return link ? 0 : -1;
}

int64_t store_stock(struct qv_keystore *store, const char *link_name, unsigned lane, struct qv_error *err)
{
	pthread_mutex_lock(&store->lock);
	struct link *link = link_get(store, link_name, err);
	int64_t stock = link ? link->lanes[lane].stock : -1;
	pthread_mutex_unlock(&store->lock);
	return stock;
}

/* Copies to give to a visitor once the lock is released. */
struct copies {
	struct key_list list;
};

static int copy_key(struct copies *copies, const struct pool_key *key, struct qv_error *err)
{
	struct qv_pool_key original = { key->label, { pool_key_sealed(key), key->sealed_size } };
	struct pool_key *copy = pool_key_new(&original, 0, err);
	if (copy)
		list_append(&copies->list, copy);
	return copy ? 0 : -1;
}

static int visit_copies(struct copies *copies, int result, struct qv_keystore_visit *visit, struct qv_error *err)
{
	for (struct pool_key *key = copies->list.first; key && result == 0; key = key->next) {
		struct qv_pool_key given = { key->label, { pool_key_sealed(key), key->sealed_size } };
		result = visit->pool_key(visit, &given, err);
	}
	pool_free_list(&copies->list);
	return result;
}

int store_find(struct qv_keystore *store, const char *link_name, unsigned lane, const char *const *labels, size_t count,
	       struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct copies copies = { { NULL, NULL } };
	pthread_mutex_lock(&store->lock);
	struct link *link = link_get(store, link_name, err);
	int result = link ? 0 : -1;
	for (size_t i = 0; result == 0 && i < count; i++) {
		struct pool_key *key = pool_find(store, link, labels[i]);
		if (key && !key->request && key->lane == lane)
			result = copy_key(&copies, key, err);
	}
	pthread_mutex_unlock(&store->lock);
	return visit_copies(&copies, result, visit, err);
}

/* The key to give out after this one (NULL: the first), or NULL. */
static struct pool_key *next_oldest(const struct lane *lane, const struct pool_key *key, int64_t now)
{
	struct pool_key *next = key ? key->next : lane->free.first;
	if (!next && (!key || !key->ready))
		next = lane->held.first;
	return next && next->ready <= now ? next : NULL;
}

static int copy_oldest(struct copies *copies, const struct lane *lane, size_t count, int64_t now, const char *name,
		       struct qv_error *err)
{
	const struct pool_key *key = NULL;
	/* Whether it asks for more than there is needs no walk. */
	bool enough = lane->stock >= 0 && count <= (uint64_t)lane->stock;
	for (size_t i = 0; i < count; i++) {
		key = enough ? next_oldest(lane, key, now) : NULL;
		if (!key)
			return qv_fail(err, QV_E_NO_KEY, "the link with %s has %llu of the %zu keys asked for", name,
				       (unsigned long long)(enough ? i : (uint64_t)lane->stock), count);
		if (copy_key(copies, key, err) != 0)
			return -1;
	}
	return 0;
}

static void reserve_oldest(struct lane *lane, struct request *request, size_t count, int64_t now)
{
	for (size_t i = 0; i < count; i++) {
		struct pool_key *key = next_oldest(lane, NULL, now);
		list_remove(list_of(key), key);
		key->request = request;
		list_append(&request->reserved, key);
		lane->stock--;
	}
}

int store_reserve(struct qv_keystore *store, const char *request_id, const char *link_name, unsigned lane, size_t count,
		  int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct copies copies = { { NULL, NULL } };
	struct request *fresh = request_new(request_id, err);
	if (!fresh)
		return -1;
	pthread_mutex_lock(&store->lock);
	struct link *link = link_get(store, link_name, err);
	int result = !link ? -1 : copy_oldest(&copies, &link->lanes[lane], count, now, link_name, err);
	if (result == 0) {
		struct request *request = request_find(store, request_id);
		if (!request) {
			request = fresh;
			fresh = NULL;
			request_add(store, request);
		}
		reserve_oldest(&link->lanes[lane], request, count, now);
		request_settle_up(store, request);
	}
	pthread_mutex_unlock(&store->lock);
	free(fresh);
	return visit_copies(&copies, result, visit, err);
}

static bool is_held(const struct pool_key *key, const char *const *held, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(held[i], key->label) == 0)
			return true;
	return false;
}

int store_release(struct qv_keystore *store, const char *request_id, const char *const *held, size_t held_count,
		  int64_t discard_before, int64_t hold_until, struct qv_error *err)
{
	struct key_list discarded = { NULL, NULL };
	(void)err;
	pthread_mutex_lock(&store->lock);
	struct request *request = request_find(store, request_id);
	/* From the youngest on, so that each finds its place at the start of the lane. */
	for (struct pool_key *key = request ? request->reserved.last : NULL, *prev; key; key = prev) {
		prev = key->prev;
		bool is_missing = is_held(key, held, held_count);
		if (is_missing && key->imported < discard_before) {
			pool_remove(store, key);
			list_append(&discarded, key);
			continue;
		}
		list_remove(&request->reserved, key);
		key->request = NULL;
		key->ready = is_missing ? hold_until : 0;
		return_to_lane(key);
	}
	if (request)
		request_settle_up(store, request);
	pthread_mutex_unlock(&store->lock);
	pool_free_list(&discarded);
	return 0;
}

int store_reservations(struct qv_keystore *store, struct qv_keystore_visit *visit, struct qv_error *err)
{
	/* Whatever is reserved, this instance has reserved. */
	(void)store;
	(void)visit;
	(void)err;
	return 0;
}
