/* SPDX-License-Identifier: Apache-2.0 */
/* Kind keystore, as far as one module can be judged alone: properties, cursors, stock and use. */
#include "conformance.h"

#include <qvisio/keystore.h>

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

static struct qv_keystore *open_store(struct check *check)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = check_options(check, NULL);
	struct qv_keystore *store = qv_keystore_class(check->class)->open(&check->host, options, &err);
	qv_options_free(options);
	if (!store)
		check_not_opened(check, &err);
	return store;
}

static void keeps_properties(struct check *check)
{
	const struct qv_keystore_class *class = qv_keystore_class(check->class);
	static const uint8_t first[] = { 0, 1, 2, 255 }, second[] = { 9 };
	struct qv_keystore *store = open_store(check);
	struct qv_error err = QV_ERROR_INIT;
	uint8_t value[16];
	size_t size = sizeof value;
	int before = class->property_get(store, "qvisio-check", value, &size, &err);
	REQUIRE(check, before >= 0, "property_get: %s", err.message);
	REQUIRE(check, class->property_set(store, "qvisio-check", first, sizeof first, &err) == 0, "property_set: %s",
		err.message);
	REQUIRE(check, class->property_set(store, "qvisio-check", second, sizeof second, &err) == 0, "property_set: %s",
		err.message);
	size = sizeof value;
	REQUIRE(check, class->property_get(store, "qvisio-check", value, &size, &err) == 1, "a property set is unset");
	REQUIRE(check, size == sizeof first && memcmp(value, first, size) == 0, "a property changed after it was set");
	class->close(store);
}

static void starts_lanes(struct check *check)
{
	const struct qv_keystore_class *class = qv_keystore_class(check->class);
	struct qv_keystore *store = open_store(check);
	struct qv_error err = QV_ERROR_INIT;
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++) {
		char cursor[QV_QKDLINK_CURSOR_MAX + 1] = "unset";
		REQUIRE(check, class->cursor(store, "no-such-link", lane, cursor, &err) == 0, "cursor: %s",
			err.message);
		REQUIRE(check, cursor[0] == 0, "the cursor of a new lane is \"%.40s\"", cursor);
		REQUIRE(check, class->stock(store, "no-such-link", lane, &err) == 0, "a link without keys has a stock");
	}
	class->close(store);
}

static const struct check_case cases[] = {
	{ "a property is set once", keeps_properties },
	{ "a new lane is empty and at its start", starts_lanes },
	{ NULL, NULL },
};

const struct check_suite check_keystore = { "keystore", open_close, close_null, cases, NULL };
