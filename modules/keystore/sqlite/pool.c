/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the links that nobody has asked for yet. */
#include "store.h"

#include <stdio.h>
#include <time.h>

int64_t wall_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * QV_NS_PER_SECOND + now.tv_nsec;
}

int link_id(struct qv_keystore *store, const char *name, int64_t *id, struct qv_error *err)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		sqlite3_stmt *query = statement(store, ST_LINK_ID, err);
		if (!query)
			return -1;
		bind_text(query, 1, name);
		int got = step(store, query, err);
		if (got < 0)
			return -1;
		if (got == 1) {
			*id = sqlite3_column_int64(query, 0);
			sqlite3_reset(query);
			return 0;
		}
		sqlite3_stmt *insert = statement(store, ST_LINK_ADD, err);
		if (!insert)
			return -1;
		bind_text(insert, 1, name);
		if (change(store, insert, err) < 0)
			return -1;
	}
	return qv_fail(err, QV_E_INTERNAL, "%s: the link %s cannot be added", store->file, name);
}

static sqlite3_stmt *lane_statement(struct qv_keystore *store, enum statement which, int64_t link, int64_t lane,
				    struct qv_error *err)
{
	sqlite3_stmt *prepared = statement(store, which, err);
	if (prepared) {
		bind_int(prepared, 1, link);
		bind_int(prepared, 2, lane);
	}
	return prepared;
}

int lane_free_add(struct qv_keystore *store, int64_t link, int64_t lane, int64_t count, struct qv_error *err)
{
	sqlite3_stmt *update = lane_statement(store, ST_LANE_FREE, link, lane, err);
	if (!update)
		return -1;
	bind_int(update, 3, count);
	return change(store, update, err) < 0 ? -1 : 0;
}

int pool_add(struct qv_keystore *store, int64_t link, unsigned lane, const struct qv_pool_key *key, int64_t now,
	     struct qv_error *err)
{
	sqlite3_stmt *insert = lane_statement(store, ST_POOL_ADD, link, lane, err);
	if (!insert)
		return -1;
	bind_text(insert, 3, key->label);
	bind_sealed(insert, 4, &key->sealed);
	bind_int(insert, 5, now);
	return change(store, insert, err);
}

struct lane_operation {
	struct operation operation; /* first */
	const char *link;
	unsigned lane;
	const struct qv_pool_key *keys;
	size_t count;
	const char *from, *cursor;
	char *cursor_out;
	int64_t number;
};

int lane_add(struct qv_keystore *store, int64_t link, int64_t lane, struct qv_error *err)
{
	sqlite3_stmt *insert = lane_statement(store, ST_LANE_ADD, link, lane, err);
	return !insert || change(store, insert, err) < 0 ? -1 : 0;
}

static int move_cursor(struct qv_keystore *store, int64_t link, const struct lane_operation *lane, struct qv_error *err)
{
	sqlite3_stmt *update = lane_statement(store, ST_LANE_CURSOR, link, lane->lane, err);
	if (!update)
		return -1;
	bind_text(update, 3, lane->cursor);
	bind_text(update, 4, lane->from);
	int moved = change(store, update, err);
	if (moved == 0)
		return qv_fail(err, QV_E_BUSY, "the link with %s was read from where its keys are stored already",
			       lane->link);
	return moved < 0 ? -1 : 0;
}

static int import(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct lane_operation *lane = (struct lane_operation *)operation;
	int64_t link, now = wall_clock();
	lane->number = 0;
	if (link_id(store, lane->link, &link, err) != 0 || lane_add(store, link, lane->lane, err) != 0 ||
	    move_cursor(store, link, lane, err) != 0)
		return -1;
	for (size_t i = 0; i < lane->count; i++) {
		int added = pool_add(store, link, lane->lane, &lane->keys[i], now, err);
		if (added < 0)
			return -1;
		lane->number += added;
	}
	return lane_free_add(store, link, lane->lane, lane->number, err);
}

int64_t store_import(struct qv_keystore *store, const char *link, unsigned lane, const struct qv_pool_key *keys,
		     size_t count, const char *from, const char *cursor, struct qv_error *err)
{
	struct lane_operation operation = { .operation = { .run = import, .durable = true },
					    .link = link,
					    .lane = lane,
					    .keys = keys,
					    .count = count,
					    .from = from,
					    .cursor = cursor };
	return store_run(store, &operation.operation, err) < 0 ? -1 : operation.number;
}

static int lane_get(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct lane_operation *lane = (struct lane_operation *)operation;
	int64_t link;
	if (link_id(store, lane->link, &link, err) != 0)
		return -1;
	sqlite3_stmt *query = lane_statement(store, ST_LANE_GET, link, lane->lane, err);
	if (!query)
		return -1;
	int got = step(store, query, err);
	if (got < 0)
		return -1;
	if (lane->cursor_out)
		snprintf(lane->cursor_out, QV_QKDLINK_CURSOR_MAX + 1, "%s", got ? column_text(query, 0) : "");
	lane->number = got ? sqlite3_column_int64(query, 1) : 0;
	sqlite3_reset(query);
	return 0;
}

int store_cursor(struct qv_keystore *store, const char *link, unsigned lane, char *cursor, struct qv_error *err)
{
	struct lane_operation operation = {
		.operation.run = lane_get, .link = link, .lane = lane, .cursor_out = cursor
	};
	return store_run(store, &operation.operation, err);
}

int64_t store_stock(struct qv_keystore *store, const char *link, unsigned lane, struct qv_error *err)
{
	struct lane_operation operation = { .operation.run = lane_get, .link = link, .lane = lane };
	return store_run(store, &operation.operation, err) < 0 ? -1 : operation.number;
}

struct find_operation {
	struct operation operation; /* first */
	const char *link;
	unsigned lane;
	const char *const *labels;
	size_t count;
	struct rows rows;
};

static int find(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct find_operation *finding = (struct find_operation *)operation;
	int64_t link;
	if (link_id(store, finding->link, &link, err) != 0)
		return -1;
	for (size_t i = 0; i < finding->count; i++) {
		sqlite3_stmt *query = statement(store, ST_POOL_FIND, err);
		if (!query)
			return -1;
		bind_int(query, 1, link);
		bind_text(query, 2, finding->labels[i]);
		bind_int(query, 3, finding->lane);
		int got = step(store, query, err);
		if (got < 0)
			return -1;
		if (got == 0)
			continue;
		struct row *row = rows_add(&finding->rows, err);
		if (!row || row_text(row, 0, finding->labels[i], err) != 0 || row_sealed(row, query, 0, err) != 0)
			return -1;
		sqlite3_reset(query);
	}
	return 0;
}

int store_find(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels, size_t count,
	       struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct find_operation operation = {
		.operation.run = find, .link = link, .lane = lane, .labels = labels, .count = count
	};
	int result = store_run(store, &operation.operation, err);
	for (size_t i = 0; result == 0 && i < operation.rows.count; i++) {
		const struct row *row = &operation.rows.row[i];
		struct qv_pool_key key = { row->text[0], { row->sealed, row->sealed_size } };
		result = visit->pool_key(visit, &key, err);
	}
	rows_free(&operation.rows);
	return result;
}
