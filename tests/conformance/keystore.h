/* SPDX-License-Identifier: Apache-2.0 */
/* A key store under test and keys to put into it, for the suite of kind keystore. */
#ifndef QV_CONFORMANCE_KEYSTORE_H
#define QV_CONFORMANCE_KEYSTORE_H

#include "conformance.h"

#include <qvisio/keystore.h>

/* Long past, so that whatever a case leaves in a store is purged there first. */
#define CHECK_NOW     INT64_C(1000000)
#define CHECK_EXPIRES INT64_C(2000000)
#define CHECK_MASTER  "qvisio-check-master"
#define CHECK_SLAVE   "qvisio-check-slave"
#define CHECK_SEEN    64

struct store {
	struct check *check;
	const struct qv_keystore_class *class;
	struct qv_keystore *store;
	char link[64]; /* that no other case uses */
};

void store_open(struct check *check, struct store *store);
void store_close(struct store *store);
void store_reopen(struct store *store);
/* Whether what was stored is there when it is opened again. */
bool store_lasts(const struct store *store);

/* A UUID, 37 bytes. */
void check_uuid(struct check *check, char *uuid);

/* What a call gave to its visitor, in that order. What is sealed has been compared with what was put in. */
struct seen {
	struct qv_keystore_visit visit; /* first, so that the visitor's pointer is this struct's */
	struct check *check;
	size_t count;
	char name[CHECK_SEEN][QV_QKDLINK_LABEL_MAX + 1]; /* label, key_ID or request */
};
void seen_init(struct seen *seen, struct check *check);
bool seen_has(const struct seen *seen, const char *name);
/* Fails unless these, divided by blanks and in this order, are what was seen. */
void seen_expect(const struct seen *seen, const char *what, const char *names);

/* Imports keys "k<first>"… and sets the cursor "c<end>"; returns how many were new. */
int64_t store_import(struct store *store, unsigned lane, unsigned first, unsigned count);
void store_expect_stock(struct store *store, unsigned lane, int64_t expected, const char *when);

/* Reserves `count` keys of lane 0 and expects these. */
void store_reserve(struct store *store, const char *request, size_t count, const char *labels);
/* A reservation that there are not enough keys for. */
void store_expect_none_to_reserve(struct store *store, size_t count, int64_t now);

/* Settles a request that takes the labels of lane 0 and promises the key_IDs. As settle returns. */
int store_settle(struct store *store, const char *request, const char *const *labels, size_t label_count,
		 char (*key_ids)[QV_UUID_LENGTH + 1], size_t key_count, struct qv_error *err);
void store_must_settle(struct store *store, const char *request, const char *const *labels, size_t label_count,
		       char (*key_ids)[QV_UUID_LENGTH + 1], size_t key_count);

/* Delivers to CHECK_SLAVE by CHECK_MASTER. As deliver returns. */
int store_deliver(struct store *store, const char *const *key_ids, size_t count, struct seen *seen,
		  struct qv_error *err);
void store_must_deliver(struct store *store, const char *key_id);
void store_expect_undeliverable(struct store *store, const char *key_id, const char *why);

/* Cases in files of their own. */
void check_store_import(struct check *check);
void check_store_reserve(struct check *check);
void check_store_release(struct check *check);
void check_store_finish(struct check *check);
void check_store_settle_whole(struct check *check);
void check_store_settle_again(struct check *check);
void check_store_deliver(struct check *check);
void check_store_entitled(struct check *check);
void check_store_expiry(struct check *check);
void check_store_compare(struct check *check);
void check_store_undo(struct check *check);
void check_store_threads(struct check *check);
void check_store_reopen(struct check *check);
void check_store_death(struct check *check);

#endif
