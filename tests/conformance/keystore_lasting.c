/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of kind keystore: what was done is still done when the store is opened again. */
#include "keystore.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct deeds {
	char holder[QV_UUID_LENGTH + 1], request[QV_UUID_LENGTH + 1], undone[QV_UUID_LENGTH + 1];
	char key_id[2][QV_UUID_LENGTH + 1];
	char property[64];
};

static const char *const labels[] = { "k0", "k1" };

static void choose_names(struct store *store, struct deeds *deeds)
{
	check_uuid(store->check, deeds->holder);
	check_uuid(store->check, deeds->request);
	check_uuid(store->check, deeds->undone);
	for (int i = 0; i < 2; i++)
		check_uuid(store->check, deeds->key_id[i]);
	snprintf(deeds->property, sizeof deeds->property, "%s", store->link);
}

static void act(struct store *store, struct deeds *deeds)
{
	struct check *check = store->check;
	struct qv_error err = QV_ERROR_INIT;
	REQUIRE(check,
		store->class->property_set(store->store, deeds->property, (const uint8_t *)"value", 5, &err) == 0,
		"property_set: %s", err.message);
	store_import(store, 0, 0, 6);
	int result = store_settle(store, deeds->request, labels, 2, deeds->key_id, 2, &err);
	REQUIRE(check, result == 0, "settle: %s", err.message);
	store_must_deliver(store, deeds->key_id[0]);
	store_reserve(store, deeds->holder, 1, "k2");
	REQUIRE(check, store->class->undo(store->store, deeds->undone, store->link, 0, NULL, 0, CHECK_NOW, &err) == 0,
		"undo: %s", err.message);
}

static void judge(struct store *store, struct deeds *deeds)
{
	struct check *check = store->check;
	struct qv_error err = QV_ERROR_INIT;
	struct seen seen;
	char cursor[QV_QKDLINK_CURSOR_MAX + 1] = "unset";
	uint8_t value[8];
	size_t size = sizeof value;
	REQUIRE(check, store->class->property_get(store->store, deeds->property, value, &size, &err) == 1,
		"a property is lost");
	REQUIRE(check, size == 5 && memcmp(value, "value", 5) == 0, "a property has changed");
	REQUIRE(check, store->class->cursor(store->store, store->link, 0, cursor, &err) == 0, "cursor: %s",
		err.message);
	REQUIRE(check, strcmp(cursor, "c6") == 0, "the cursor is lost");
	store_expect_stock(store, 0, 3, "of 6 keys, with 2 used and 1 reserved,");
	seen_init(&seen, check);
	REQUIRE(check, store->class->reservations(store->store, &seen.visit, &err) == 0, "reservations: %s",
		err.message);
	REQUIRE(check, seen_has(&seen, deeds->holder), "a reservation is lost");
	REQUIRE(check, store_settle(store, deeds->request, labels, 2, deeds->key_id, 2, &err) == 1,
		"it does not know what it settled");
	REQUIRE(check,
		store_settle(store, deeds->undone, NULL, 0, deeds->key_id, 1, &err) < 0 && err.code == QV_E_DENIED,
		"it does not know what was undone");
	store_expect_undeliverable(store, deeds->key_id[0], "was delivered before");
	store_must_deliver(store, deeds->key_id[1]);
}

/* One that says that it does not last had better not. */
static void expect_forgotten(struct store *store)
{
	struct qv_error err = QV_ERROR_INIT;
	const uint8_t value = 1;
	uint8_t kept[8];
	size_t size = sizeof kept;
	REQUIRE(store->check, store->class->property_set(store->store, store->link, &value, 1, &err) == 0,
		"property_set: %s", err.message);
	store_reopen(store);
	REQUIRE(store->check, store->class->property_get(store->store, store->link, kept, &size, &err) == 0,
		"it is said to be volatile, and keeps what it was given");
}

void check_store_reopen(struct check *check)
{
	struct store store;
	struct deeds deeds;
	store_open(check, &store);
	if (!store_lasts(&store)) {
		expect_forgotten(&store);
		store_close(&store);
		return;
	}
	choose_names(&store, &deeds);
	act(&store, &deeds);
	store_reopen(&store);
	judge(&store, &deeds);
	store_close(&store);
}

void check_store_death(struct check *check)
{
	struct store store;
	struct deeds deeds;
	int status;
	store_open(check, &store);
	if (!store_lasts(&store))
		check_skip(check, "the module says that it keeps nothing");
	store_close(&store);
	choose_names(&store, &deeds);
	pid_t child = fork();
	REQUIRE(check, child >= 0, "no process");
	if (child == 0) {
		store_reopen(&store);
		act(&store, &deeds);
		/* Nobody closes the store. */
		_exit(0);
	}
	REQUIRE(check, waitpid(child, &status, 0) == child, "no process to wait for");
	/* It has said itself what it found. */
	if (status != 0)
		_exit(1);
	store_reopen(&store);
	judge(&store, &deeds);
	store_close(&store);
}
