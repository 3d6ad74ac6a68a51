/* SPDX-License-Identifier: Apache-2.0 */
/* Kind keystore: a key is there once, whatever happens. The store given may hold keys of others. */
#include "keystore.h"

#include <string.h>

static int open_close(struct check *check, const struct qv_options *options, unsigned count, struct qv_error *err)
{
	const struct qv_keystore_class *class = qv_keystore_class(check->class);
	struct qv_keystore *stores[2] = { NULL, NULL };
	int result = 0;
	for (unsigned i = 0; i < count && result == 0; i++) {
		stores[i] = class->open(&check->host, options, err);
		result = stores[i] ? 0 : -1;
	}
	for (unsigned i = 0; i < count; i++)
		class->close(stores[i]);
	return result;
}

static void close_null(const struct qv_class *class)
{
	qv_keystore_class(class)->close(NULL);
}

static void keeps_properties(struct check *check)
{
	static const uint8_t first[] = { 0, 1, 2, 255 }, second[] = { 9 };
	struct qv_error err = QV_ERROR_INIT;
	struct store store;
	uint8_t value[16];
	size_t size = sizeof value;
	store_open(check, &store);
	const struct qv_keystore_class *class = store.class;
	int before = class->property_get(store.store, store.link, value, &size, &err);
	REQUIRE(check, before == 0, "a property that nobody set is set, or: %s", err.message);
	REQUIRE(check, class->property_set(store.store, store.link, first, sizeof first, &err) == 0, "property_set: %s",
		err.message);
	REQUIRE(check, class->property_set(store.store, store.link, second, sizeof second, &err) == 0,
		"property_set: %s", err.message);
	size = sizeof value;
	REQUIRE(check, class->property_get(store.store, store.link, value, &size, &err) == 1,
		"a property set is unset");
	REQUIRE(check, size == sizeof first && memcmp(value, first, size) == 0, "a property changed after it was set");
	store_close(&store);
}

static void starts_lanes(struct check *check)
{
	struct qv_error err = QV_ERROR_INIT;
	struct store store;
	store_open(check, &store);
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++) {
		char cursor[QV_QKDLINK_CURSOR_MAX + 1] = "unset";
		REQUIRE(check, store.class->cursor(store.store, store.link, lane, cursor, &err) == 0, "cursor: %s",
			err.message);
		REQUIRE(check, cursor[0] == 0, "the cursor of a new lane is \"%.40s\"", cursor);
		store_expect_stock(&store, lane, 0, "without keys");
	}
	store_close(&store);
}

static const struct check_case cases[] = {
	{ "a property is set once", keeps_properties },
	{ "a new lane is empty and at its start", starts_lanes },
	{ "keys are imported once, with the cursor", check_store_import },
	{ "reserve takes the oldest keys, all or none", check_store_reserve },
	{ "released keys are free, held back or discarded", check_store_release },
	{ "finished keys are gone", check_store_finish },
	{ "a settlement happens whole or not at all", check_store_settle_whole },
	{ "a request settles once", check_store_settle_again },
	{ "promised keys are delivered once, all or none", check_store_deliver },
	{ "nobody else gets a promised key", check_store_entitled },
	{ "expired keys are not delivered, and purged", check_store_expiry },
	{ "what is undone comes back, and for ever", check_store_undo },
	{ "the ends of a link can compare their pools", check_store_compare },
	{ "rival threads get each key once", check_store_threads },
	{ "it all outlives close and open", check_store_reopen },
	{ "it all outlives a process that never closed", check_store_death },
	{ NULL, NULL },
};

const struct check_suite check_keystore = { "keystore", open_close, close_null, cases, NULL };
