/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <string.h>

struct property {
	struct operation operation; /* first */
	const char *name;
	uint8_t *value;
	const uint8_t *given;
	size_t size, *room;
};

static int get(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct property *property = (struct property *)operation;
	sqlite3_stmt *query = statement(store, ST_PROPERTY_GET, err);
	if (!query)
		return -1;
	bind_text(query, 1, property->name);
	int got = step(store, query, err);
	if (got <= 0)
		return got;
	size_t size = (size_t)sqlite3_column_bytes(query, 0);
	if (size > *property->room)
		got = qv_fail(err, QV_E_INVALID, "%s: property \"%s\" is too large", store->file, property->name);
	else
		memcpy(property->value, sqlite3_column_blob(query, 0), size);
	*property->room = size;
	sqlite3_reset(query);
	return got;
}

int store_property_get(struct qv_keystore *store, const char *name, uint8_t *value, size_t *size, struct qv_error *err)
{
	struct property property = { .operation.run = get, .name = name, .value = value, .room = size };
	return store_run(store, &property.operation, err);
}

static int set(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct property *property = (struct property *)operation;
	sqlite3_stmt *insert = statement(store, ST_PROPERTY_SET, err);
	if (!insert)
		return -1;
	struct qv_sealed value = { property->given, property->size };
	bind_text(insert, 1, property->name);
	bind_sealed(insert, 2, &value);
	return change(store, insert, err) < 0 ? -1 : 0;
}

int store_property_set(struct qv_keystore *store, const char *name, const uint8_t *value, size_t size,
		       struct qv_error *err)
{
	struct property property = {
		.operation = { .run = set, .durable = true }, .name = name, .given = value, .size = size
	};
	return store_run(store, &property.operation, err);
}
