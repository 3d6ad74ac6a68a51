/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of kind keystore: the way of a key from import to delivery. */
#include "keystore.h"

#include <pthread.h>
#include <string.h>

#define THREADS 4
#define KEYS    8

static const char *const first_two[] = { "k0", "k1" };

/* Keys that were read from where the cursor is no more. */
static void expect_stale(struct store *store)
{
	struct check *check = store->check;
	const struct qv_pool_key key = { "stale", { (const uint8_t *)"x", 1 } };
	struct qv_error err = QV_ERROR_INIT;
	char cursor[QV_QKDLINK_CURSOR_MAX + 1] = "unset";
	REQUIRE(check, store->class->import(store->store, store->link, 0, &key, 1, "c4", "c7", &err) < 0,
		"keys came in that were read from another cursor than the lane's");
	REQUIRE(check, err.code == QV_E_BUSY, "import from another cursor says %s", qv_code_name(err.code));
	REQUIRE(check, store->class->cursor(store->store, store->link, 0, cursor, &err) == 0, "cursor: %s",
		err.message);
	REQUIRE(check, strcmp(cursor, "c6") == 0, "an import that failed left the cursor at \"%.40s\"", cursor);
	store_expect_stock(store, 0, 6, "after an import that failed");
}

void check_store_import(struct check *check)
{
	static const char *const labels[] = { "k5", "none", "k0" };
	struct qv_error err = QV_ERROR_INIT;
	struct store store;
	struct seen seen;
	char cursor[QV_QKDLINK_CURSOR_MAX + 1] = "unset";
	store_open(check, &store);
	REQUIRE(check, store_import(&store, 0, 0, 4) == 4, "of 4 new keys not all were imported");
	REQUIRE(check, store_import(&store, 0, 2, 4) == 2, "import counts keys that were there already");
	store_expect_stock(&store, 0, 6, "after 6 keys");
	store_expect_stock(&store, 1, 0, "in the other lane");
	REQUIRE(check, store.class->cursor(store.store, store.link, 0, cursor, &err) == 0, "cursor: %s", err.message);
	REQUIRE(check, strcmp(cursor, "c6") == 0, "import left the cursor at \"%.40s\"", cursor);
	seen_init(&seen, check);
	REQUIRE(check, store.class->find(store.store, store.link, 0, labels, 3, &seen.visit, &err) == 0, "find: %s",
		err.message);
	seen_expect(&seen, "find", "k5 k0");
	seen_init(&seen, check);
	REQUIRE(check, store.class->find(store.store, store.link, 1, labels, 3, &seen.visit, &err) == 0, "find: %s",
		err.message);
	seen_expect(&seen, "find in the other lane", "");
	expect_stale(&store);
	store_close(&store);
}

static void orphans(struct store *store, struct seen *seen)
{
	struct qv_error err = QV_ERROR_INIT;
	seen_init(seen, store->check);
	REQUIRE(store->check, store->class->reservations(store->store, &seen->visit, &err) == 0, "reservations: %s",
		err.message);
}

/* What is reserved shows when the store is opened again, unless it does not last. */
static void expect_not_reserved(struct store *store, const char *request, const char *why)
{
	struct seen seen;
	if (!store_lasts(store))
		return;
	store_reopen(store);
	orphans(store, &seen);
	REQUIRE(store->check, !seen_has(&seen, request), "a %s request still has keys reserved", why);
}

static void expect_orphans(struct store *store, char (*requests)[QV_UUID_LENGTH + 1])
{
	struct check *check = store->check;
	struct seen seen;
	orphans(store, &seen);
	REQUIRE(check, !seen_has(&seen, requests[0]) && !seen_has(&seen, requests[1]),
		"reservations gives a request of its own instance");
	if (!store_lasts(store))
		return;
	store_reopen(store);
	orphans(store, &seen);
	REQUIRE(check, seen_has(&seen, requests[0]) && seen_has(&seen, requests[1]),
		"reservations leaves out a request");
	orphans(store, &seen);
	REQUIRE(check, !seen_has(&seen, requests[0]) && !seen_has(&seen, requests[1]),
		"reservations gives a request twice");
}

void check_store_reserve(struct check *check)
{
	char request[2][QV_UUID_LENGTH + 1];
	struct qv_error err = QV_ERROR_INIT;
	struct store store;
	struct seen seen;
	check_uuid(check, request[0]);
	check_uuid(check, request[1]);
	store_open(check, &store);
	store_import(&store, 0, 0, 4);
	store_reserve(&store, request[0], 2, "k0 k1");
	store_expect_stock(&store, 0, 2, "after 2 of 4 keys were reserved");
	store_expect_none_to_reserve(&store, 3, CHECK_NOW);
	store_expect_stock(&store, 0, 2, "after a reservation that failed");
	store_reserve(&store, request[1], 2, "k2 k3");
	expect_orphans(&store, request);
	seen_init(&seen, check);
	REQUIRE(check, store.class->find(store.store, store.link, 0, first_two, 2, &seen.visit, &err) == 0, "find: %s",
		err.message);
	seen_expect(&seen, "find of reserved keys", "");
	store_close(&store);
}

static void release(struct store *store, const char *request, const char *held, int64_t discard_before,
		    int64_t hold_until)
{
	struct qv_error err = QV_ERROR_INIT;
	REQUIRE(store->check,
		store->class->release(store->store, request, &held, held ? 1 : 0, discard_before, hold_until, &err) ==
			0,
		"release: %s", err.message);
}

void check_store_release(struct check *check)
{
	char request[4][QV_UUID_LENGTH + 1];
	struct qv_error err = QV_ERROR_INIT;
	struct store store;
	struct seen seen;
	for (int i = 0; i < 4; i++)
		check_uuid(check, request[i]);
	store_open(check, &store);
	store_import(&store, 0, 0, 3);
	store_reserve(&store, request[0], 3, "k0 k1 k2");
	release(&store, request[0], "k1", 0, CHECK_NOW + 1);
	expect_not_reserved(&store, request[0], "released");
	store_expect_stock(&store, 0, 3, "after all was released");
	store_expect_none_to_reserve(&store, 3, CHECK_NOW);
	store_reserve(&store, request[1], 2, "k0 k2");
	seen_init(&seen, check);
	REQUIRE(check,
		store.class->reserve(store.store, request[2], store.link, 0, 1, CHECK_NOW + 2, &seen.visit, &err) == 0,
		"a key is held back for longer than was asked: %s", err.message);
	release(&store, request[1], NULL, INT64_MAX, 0);
	store_expect_stock(&store, 0, 2, "after 2 of 3 were released");
	release(&store, request[2], "k1", INT64_MAX, 0);
	store_expect_stock(&store, 0, 2, "after a key the peer will never have was discarded");
	release(&store, request[2], "k1", INT64_MAX, 0);
	store_close(&store);
}

static void finish(struct store *store, const char *request, bool possible)
{
	struct qv_error err = QV_ERROR_INIT;
	const struct qv_settlement settlement = { .request = request, .link = store->link, .finish = true };
	int result = store->class->settle(store->store, &settlement, &err);
	if (possible) {
		REQUIRE(store->check, result == 0, "settle: %s", err.message);
		return;
	}
	REQUIRE(store->check, result < 0 && err.code == QV_E_NOT_FOUND, "nothing is reserved, and finishing it says %s",
		result < 0 ? qv_code_name(err.code) : "done");
}

void check_store_finish(struct check *check)
{
	char request[QV_UUID_LENGTH + 1], unknown[QV_UUID_LENGTH + 1];
	struct store store;
	check_uuid(check, request);
	check_uuid(check, unknown);
	store_open(check, &store);
	store_import(&store, 0, 0, 3);
	store_reserve(&store, request, 2, "k0 k1");
	finish(&store, unknown, false);
	finish(&store, request, true);
	expect_not_reserved(&store, request, "finished");
	release(&store, request, NULL, 0, 0);
	store_expect_stock(&store, 0, 1, "after 2 of 3 keys were used");
	store_close(&store);
}

void check_store_settle_whole(struct check *check)
{
	static const char *const labels[] = { "k0", "none", "k1" };
	char request[QV_UUID_LENGTH + 1], holder[QV_UUID_LENGTH + 1], key_id[1][QV_UUID_LENGTH + 1];
	struct qv_error err;
	struct store store;
	check_uuid(check, request);
	check_uuid(check, holder);
	check_uuid(check, key_id[0]);
	store_open(check, &store);
	store_import(&store, 0, 0, 2);
	REQUIRE(check, store_settle(&store, request, labels, 3, key_id, 1, &err) < 0, "an absent key was settled");
	check_error_filled(check, "settle", &err);
	REQUIRE(check, err.code == QV_E_NOT_FOUND, "settle of an absent key says %s", qv_code_name(err.code));
	store_expect_stock(&store, 0, 2, "after a settlement that failed");
	store_expect_undeliverable(&store, key_id[0], "a failed settlement promised");
	store_reserve(&store, holder, 1, "k0");
	REQUIRE(check, store_settle(&store, request, first_two, 2, key_id, 1, &err) < 0 && err.code == QV_E_NOT_FOUND,
		"a key that another request had reserved was settled");
	store_expect_stock(&store, 0, 1, "after a settlement that failed");
	release(&store, holder, NULL, 0, 0);
	store_must_settle(&store, request, first_two, 2, key_id, 1);
	store_expect_stock(&store, 0, 0, "after all was settled");
	store_must_deliver(&store, key_id[0]);
	store_close(&store);
}

void check_store_settle_again(struct check *check)
{
	char request[QV_UUID_LENGTH + 1], key_id[2][QV_UUID_LENGTH + 1];
	struct qv_error err;
	struct store store;
	struct seen seen;
	check_uuid(check, request);
	store_open(check, &store);
	store_import(&store, 0, 0, 3);
	store_must_settle(&store, request, first_two, 2, key_id, 2);
	int result = store_settle(&store, request, first_two, 2, key_id, 2, &err);
	REQUIRE(check, result == 1, "a request settled before returns %d: %s", result, err.message);
	store_expect_stock(&store, 0, 1, "after the same was settled twice");
	seen_init(&seen, check);
	REQUIRE(check, store.class->promises(store.store, request, &seen.visit, &err) == 0, "promises: %s",
		err.message);
	REQUIRE(check, seen.count == 2 && seen_has(&seen, key_id[0]) && seen_has(&seen, key_id[1]),
		"promises gives %zu of 2", seen.count);
	store_must_deliver(&store, key_id[0]);
	seen_init(&seen, check);
	REQUIRE(check, store.class->promises(store.store, request, &seen.visit, &err) == 0, "promises: %s",
		err.message);
	seen_expect(&seen, "promises after a delivery", key_id[1]);
	REQUIRE(check, store_settle(&store, request, first_two, 2, key_id, 2, &err) == 1, "settle a third time: %s",
		err.message);
	store_expect_undeliverable(&store, key_id[0], "was delivered before its request came again");
	store_close(&store);
}

void check_store_deliver(struct check *check)
{
	char request[QV_UUID_LENGTH + 1], key_id[3][QV_UUID_LENGTH + 1], unknown[QV_UUID_LENGTH + 1];
	struct qv_error err;
	struct store store;
	struct seen seen;
	check_uuid(check, request);
	check_uuid(check, unknown);
	store_open(check, &store);
	store_import(&store, 0, 0, 2);
	store_must_settle(&store, request, first_two, 2, key_id, 3);
	const char *const with_unknown[] = { key_id[0], unknown, key_id[1] }, *const both[] = { key_id[0], key_id[1] };
	const char *const with_delivered[] = { key_id[2], key_id[1] };
	REQUIRE(check, store_deliver(&store, with_unknown, 3, &seen, &err) != 0, "an unknown key was delivered");
	REQUIRE(check, err.code == QV_E_NOT_FOUND, "deliver of an unknown key says %s", qv_code_name(err.code));
	REQUIRE(check, store_deliver(&store, both, 2, &seen, &err) == 0, "a delivery that failed took keys with it: %s",
		err.message);
	REQUIRE(check, seen.count == 2 && seen_has(&seen, key_id[0]) && seen_has(&seen, key_id[1]),
		"deliver gave %zu of 2 keys", seen.count);
	store_expect_undeliverable(&store, key_id[0], "was delivered before");
	REQUIRE(check, store_deliver(&store, with_delivered, 2, &seen, &err) != 0 && err.code == QV_E_NOT_FOUND,
		"a delivered key was delivered again beside another");
	store_must_deliver(&store, key_id[2]);
	store_close(&store);
}

static void expect_denied(struct store *store, const char *slave, const char *master, const char *key_id)
{
	struct qv_error err = QV_ERROR_INIT;
	struct seen seen;
	seen_init(&seen, store->check);
	int result = store->class->deliver(store->store, slave, master, &key_id, 1, CHECK_NOW, &seen.visit, &err);
	REQUIRE(store->check, result != 0 && seen.count == 0, "%s got a key promised to " CHECK_SLAVE, slave);
	check_error_filled(store->check, "deliver", &err);
	REQUIRE(store->check, err.code == QV_E_DENIED, "deliver to a stranger says %s", qv_code_name(err.code));
}

void check_store_entitled(struct check *check)
{
	char request[QV_UUID_LENGTH + 1], key_id[1][QV_UUID_LENGTH + 1];
	struct store store;
	check_uuid(check, request);
	store_open(check, &store);
	store_import(&store, 0, 0, 2);
	store_must_settle(&store, request, first_two, 2, key_id, 1);
	expect_denied(&store, "qvisio-check-stranger", CHECK_MASTER, key_id[0]);
	expect_denied(&store, CHECK_SLAVE, "qvisio-check-stranger", key_id[0]);
	store_must_deliver(&store, key_id[0]);
	store_close(&store);
}

/* Which of two promises are reported as expired; other cases leave others behind. */
struct expired {
	struct qv_keystore_visit visit; /* first */
	struct check *check;
	char (*key_id)[QV_UUID_LENGTH + 1];
	unsigned seen[2];
};

static int note_expired(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	struct expired *expired = (struct expired *)visit;
	(void)err;
	for (unsigned i = 0; i < 2; i++) {
		if (strcmp(promise->key_id, expired->key_id[i]) != 0)
			continue;
		expired->seen[i]++;
		REQUIRE(expired->check,
			promise->sealed.size == 0 && promise->key_bytes && promise->expires == CHECK_EXPIRES &&
				strcmp(promise->slave, CHECK_SLAVE) == 0 && strcmp(promise->master, CHECK_MASTER) == 0,
			"purge gave key %s as another than it was", promise->key_id);
	}
	return 0;
}

/* One at a time, until there are no more. */
static void purge_all(struct store *store, int64_t now, struct expired *expired)
{
	struct qv_error err = QV_ERROR_INIT;
	int64_t gone;
	do {
		gone = store->class->purge(store->store, now, 0, 1, &expired->visit, &err);
		REQUIRE(store->check, gone >= 0 && gone <= 1, "purge of one forgot %lld: %s", (long long)gone,
			err.message);
	} while (gone == 1);
}

void check_store_expiry(struct check *check)
{
	char request[QV_UUID_LENGTH + 1], key_id[2][QV_UUID_LENGTH + 1];
	struct qv_error err = QV_ERROR_INIT;
	struct store store;
	struct seen seen;
	check_uuid(check, request);
	store_open(check, &store);
	store_import(&store, 0, 0, 2);
	store_must_settle(&store, request, first_two, 2, key_id, 2);
	const char *expired = key_id[0];
	seen_init(&seen, check);
	REQUIRE(check,
		store.class->deliver(store.store, CHECK_SLAVE, CHECK_MASTER, &expired, 1, CHECK_EXPIRES + 1,
				     &seen.visit, &err) != 0 &&
			err.code == QV_E_NOT_FOUND,
		"an expired key was delivered");
	struct expired report = { .visit.promise = note_expired, .check = check, .key_id = key_id };
	purge_all(&store, CHECK_EXPIRES - 1, &report);
	REQUIRE(check, !report.seen[0] && !report.seen[1], "purge reported a key that had not expired");
	store_must_deliver(&store, key_id[0]);
	purge_all(&store, CHECK_EXPIRES + 1, &report);
	REQUIRE(check, !report.seen[0], "purge reported a delivered key as expired");
	REQUIRE(check, report.seen[1] == 1, "purge reported an expired key %u times", report.seen[1]);
	store_expect_undeliverable(&store, key_id[1], "was purged");
	store_close(&store);
}

static int undo(struct store *store, const char *request, struct qv_error *err)
{
	static const uint8_t sealed[][4] = { { 0, 0xff, 'k', '0' }, { 0, 0xff, 'k', '1' } };
	const struct qv_pool_key keys[] = { { "k0", { sealed[0], 4 } }, { "k1", { sealed[1], 4 } } };
	*err = (struct qv_error)QV_ERROR_INIT;
	return store->class->undo(store->store, request, store->link, 0, keys, 2, CHECK_NOW, err);
}

void check_store_undo(struct check *check)
{
	char request[QV_UUID_LENGTH + 1], late[QV_UUID_LENGTH + 1], key_id[2][QV_UUID_LENGTH + 1];
	struct qv_error err;
	struct store store;
	check_uuid(check, request);
	check_uuid(check, late);
	store_open(check, &store);
	store_import(&store, 0, 0, 2);
	store_must_settle(&store, request, first_two, 2, key_id, 2);
	for (int i = 0; i < 2; i++) {
		REQUIRE(check, undo(&store, request, &err) == 0, "undo: %s", err.message);
		store_expect_stock(&store, 0, 2, "after all was undone");
		store_expect_undeliverable(&store, key_id[0], "was undone");
	}
	REQUIRE(check, store_settle(&store, request, first_two, 2, key_id, 2, &err) < 0, "what was undone is settled");
	REQUIRE(check, err.code == QV_E_DENIED, "settle of what was undone says %s", qv_code_name(err.code));
	store_must_settle(&store, late, first_two, 2, key_id, 2);
	store_must_deliver(&store, key_id[0]);
	REQUIRE(check, undo(&store, late, &err) < 0 && err.code == QV_E_BUSY,
		"a request with a delivered key was undone");
	store_expect_stock(&store, 0, 0, "after undo was refused");
	store_must_deliver(&store, key_id[1]);
	store_close(&store);
}

struct rival {
	pthread_t thread;
	struct store *store;
	char (*key_ids)[QV_UUID_LENGTH + 1];
	unsigned delivered[KEYS];
	struct seen reserved;
};

/* Takes what it can get: of each promise, and of the pool, one key at a time. */
static void *grab(void *argument)
{
	struct rival *rival = argument;
	struct store *store = rival->store;
	struct qv_error err = QV_ERROR_INIT;
	struct seen seen;
	for (size_t i = 0; i < KEYS; i++) {
		const char *key_id = rival->key_ids[i];
		rival->delivered[i] = store_deliver(store, &key_id, 1, &seen, &err) == 0;
		REQUIRE(store->check, rival->delivered[i] || err.code == QV_E_NOT_FOUND, "deliver: %s", err.message);
		char request[QV_UUID_LENGTH + 1];
		check_uuid(store->check, request);
		err = (struct qv_error)QV_ERROR_INIT;
		int result = store->class->reserve(store->store, request, store->link, 0, 1, CHECK_NOW,
						   &rival->reserved.visit, &err);
		REQUIRE(store->check, result == 0 || err.code == QV_E_NO_KEY, "reserve: %s", err.message);
	}
	return NULL;
}

void check_store_threads(struct check *check)
{
	char request[QV_UUID_LENGTH + 1], key_id[KEYS][QV_UUID_LENGTH + 1];
	struct rival rivals[THREADS];
	struct store store;
	check_uuid(check, request);
	store_open(check, &store);
	store_import(&store, 0, 0, 2 + KEYS);
	store_must_settle(&store, request, first_two, 2, key_id, KEYS);
	for (int i = 0; i < THREADS; i++) {
		rivals[i] = (struct rival){ .store = &store, .key_ids = key_id };
		seen_init(&rivals[i].reserved, check);
		REQUIRE(check, pthread_create(&rivals[i].thread, NULL, grab, &rivals[i]) == 0, "no thread");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(rivals[i].thread, NULL);
	for (int k = 0; k < KEYS; k++) {
		char label[16];
		unsigned delivered = 0, reserved = 0;
		snprintf(label, sizeof label, "k%d", 2 + k);
		for (int i = 0; i < THREADS; i++) {
			delivered += rivals[i].delivered[k];
			reserved += seen_has(&rivals[i].reserved, label);
		}
		REQUIRE(check, delivered == 1, "a key was delivered %u times", delivered);
		REQUIRE(check, reserved == 1, "a key was reserved %u times", reserved);
	}
	store_close(&store);
}
