/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the memory key store share. All that is in the store is guarded by its lock. */
#ifndef KEYSTORE_MEMORY_STORE_H
#define KEYSTORE_MEMORY_STORE_H

#include <pthread.h>

#include "../common/class.h"
#include "heap.h"
#include "table.h"

struct pool_key;
struct promise;

struct key_list {
	struct pool_key *first, *last;
};

struct lane {
	char cursor[QV_QKDLINK_CURSOR_MAX + 1];
	struct key_list free; /* oldest first */
	struct key_list held; /* held back; those that are ready first come first */
	int64_t stock;        /* of both lists */
};

struct link {
	struct link *next;
	uint64_t number;
	struct lane lanes[QV_QKDLINK_LANES];
	char name[];
};

struct pool_key {
	struct table_node node;       /* first; by link and label */
	struct pool_key *prev, *next; /* in a list of its lane, or of the request that has reserved it */
	struct link *link;
	struct request *request; /* that has reserved it, or NULL */
	uint64_t age;            /* counts all keys of the store */
	int64_t imported, ready;
	uint32_t sealed_size;
	uint8_t lane;
	bool marked; /* a settlement that is being checked takes it */
	char label[];
	/* Behind the label's end lie the sealed bytes. */
};

/* Has reserved keys, or has been settled or undone. */
struct request {
	struct table_node node;   /* first; by ID */
	struct heap_node noted;   /* by when it was settled or undone */
	struct key_list reserved; /* in the order they were given out */
	struct promise *promises, *last_promise;
	bool is_noted, undone;
	char id[];
};

struct promise {
	struct table_node node; /* first; by key_ID */
	struct heap_node expiry;
	struct request *request;
	struct promise *prev, *next; /* of the same request */
	uint8_t *sealed;             /* and the labels behind it; NULL once delivered */
	size_t sealed_size;
	uint32_t key_bytes;
	bool marked; /* a delivery that is being checked takes it */
	uint32_t slave_at, master_at;
	char key_id[]; /* the slave and the master behind it */
};

struct property {
	struct property *next;
	size_t size;
	uint8_t *value;
	char name[];
};

struct qv_keystore {
	pthread_mutex_t lock;
	struct property *properties;
	struct link *links;
	uint64_t link_count, key_count;
	struct table keys, requests, promises;
	struct heap expiries, noted;
};

int64_t wall_clock(void); /* ns of CLOCK_REALTIME */
int no_memory(struct qv_error *err);

/* The link of that name, made if it is new; NULL without memory. */
struct link *link_get(struct qv_keystore *store, const char *name, struct qv_error *err);

/* A key that is in no pool yet, owned by the caller. NULL without memory. */
struct pool_key *pool_key_new(const struct qv_pool_key *key, int64_t imported, struct qv_error *err);
const uint8_t *pool_key_sealed(const struct pool_key *key);
struct pool_key *pool_find(struct qv_keystore *store, const struct link *link, const char *label);
/* Puts it into a lane as the youngest, if its label is new. */
bool pool_add(struct qv_keystore *store, struct link *link, unsigned lane, struct pool_key *key);
/* Takes it out of the list it is in, and out of the store; it is the caller's then. */
void pool_remove(struct qv_keystore *store, struct pool_key *key);
void pool_free_list(struct key_list *list);
void list_append(struct key_list *list, struct pool_key *key);

struct request *request_new(const char *id, struct qv_error *err);
struct request *request_find(struct qv_keystore *store, const char *id);
void request_add(struct qv_keystore *store, struct request *request);
/* Forgets one that holds nothing and of which nothing is to be known; frees it. */
void request_settle_up(struct qv_keystore *store, struct request *request);

void promise_free(struct promise *promise);

#endif
