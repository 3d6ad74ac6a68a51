/* SPDX-License-Identifier: Apache-2.0 */
/* Pool keys that a request holds until the peer has answered. */
#include "store.h"

#include <string.h>

struct reserve_operation {
	struct operation operation; /* first */
	const char *request, *link;
	unsigned lane;
	size_t count;
	int64_t now;
	struct rows rows;
};

static int collect_oldest(struct qv_keystore *store, struct reserve_operation *reserving, int64_t link,
			  struct qv_error *err)
{
	sqlite3_stmt *query = statement(store, ST_POOL_OLDEST, err);
	if (!query)
		return -1;
	bind_int(query, 1, link);
	bind_int(query, 2, reserving->lane);
	bind_int(query, 3, reserving->now);
	bind_int(query, 4, (int64_t)reserving->count);
	int got;
	while ((got = step(store, query, err)) == 1) {
		struct row *row = rows_add(&reserving->rows, err);
		if (!row || row_text(row, 0, column_text(query, 1), err) != 0 || row_sealed(row, query, 2, err) != 0)
			return -1;
		row->number[0] = sqlite3_column_int64(query, 0);
	}
	return got;
}

static int reserve(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct reserve_operation *reserving = (struct reserve_operation *)operation;
	int64_t link;
	if (link_id(store, reserving->link, &link, err) != 0 || collect_oldest(store, reserving, link, err) != 0)
		return -1;
	if (reserving->rows.count < reserving->count)
		return qv_fail(err, QV_E_NO_KEY, "the link with %s has %zu of the %zu keys asked for", reserving->link,
			       reserving->rows.count, reserving->count);
	for (size_t i = 0; i < reserving->rows.count; i++) {
		sqlite3_stmt *update = statement(store, ST_POOL_RESERVE, err);
		if (!update)
			return -1;
		bind_int(update, 1, reserving->rows.row[i].number[0]);
		bind_text(update, 2, reserving->request);
		if (change(store, update, err) < 0)
			return -1;
	}
	return lane_free_add(store, link, reserving->lane, -(int64_t)reserving->count, err);
}

int store_reserve(struct qv_keystore *store, const char *request, const char *link, unsigned lane, size_t count,
		  int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct reserve_operation operation = {
		.operation.run = reserve, .request = request, .link = link, .lane = lane, .count = count, .now = now
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

struct release_operation {
	struct operation operation; /* first */
	const char *request;
	const char *const *held;
	size_t held_count;
	int64_t discard_before, hold_until;
};

static bool is_held(const struct release_operation *releasing, const char *label)
{
	for (size_t i = 0; i < releasing->held_count; i++)
		if (strcmp(releasing->held[i], label) == 0)
			return true;
	return false;
}

/* Ids, links, lanes and import times of what a request has reserved; text 0 is the label. */
static int collect_reserved(struct qv_keystore *store, const char *request, struct rows *rows, struct qv_error *err)
{
	sqlite3_stmt *query = statement(store, ST_POOL_RESERVED, err);
	if (!query)
		return -1;
	bind_text(query, 1, request);
	int got;
	while ((got = step(store, query, err)) == 1) {
		struct row *row = rows_add(rows, err);
		if (!row || row_text(row, 0, column_text(query, 3), err) != 0)
			return -1;
		row->number[0] = sqlite3_column_int64(query, 0);
		row->number[1] = sqlite3_column_int64(query, 1);
		row->number[2] = sqlite3_column_int64(query, 2);
		row->number[3] = sqlite3_column_int64(query, 4);
	}
	return got;
}

static int release_row(struct qv_keystore *store, const struct release_operation *releasing, const struct row *row,
		       struct qv_error *err)
{
	bool held = is_held(releasing, row->text[0]);
	bool discard = held && row->number[3] < releasing->discard_before;
	sqlite3_stmt *update = statement(store, discard ? ST_POOL_DISCARD : ST_POOL_FREE, err);
	if (!update)
		return -1;
	bind_int(update, 1, row->number[0]);
	if (!discard)
		bind_int(update, 2, held ? releasing->hold_until : 0);
	if (change(store, update, err) < 0)
		return -1;
	return discard ? 0 : lane_free_add(store, row->number[1], row->number[2], 1, err);
}

static int release(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct release_operation *releasing = (struct release_operation *)operation;
	struct rows rows = { NULL, 0, 0 };
	int result = collect_reserved(store, releasing->request, &rows, err);
	for (size_t i = 0; result == 0 && i < rows.count; i++)
		result = release_row(store, releasing, &rows.row[i], err);
	rows_free(&rows);
	return result;
}

int store_release(struct qv_keystore *store, const char *request, const char *const *held, size_t held_count,
		  int64_t discard_before, int64_t hold_until, struct qv_error *err)
{
	struct release_operation operation = { .operation = { .run = release, .durable = true },
					       .request = request,
					       .held = held,
					       .held_count = held_count,
					       .discard_before = discard_before,
					       .hold_until = hold_until };
	return store_run(store, &operation.operation, err);
}

struct reservations_operation {
	struct operation operation; /* first */
	struct rows rows;
};

static int reservations(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct rows *rows = &((struct reservations_operation *)operation)->rows;
	sqlite3_stmt *query = statement(store, ST_RESERVATIONS, err);
	if (!query)
		return -1;
	int got;
	while ((got = step(store, query, err)) == 1) {
		struct row *row = rows_add(rows, err);
		if (!row || row_text(row, 0, column_text(query, 0), err) != 0 ||
		    row_text(row, 1, column_text(query, 1), err) != 0)
			return -1;
	}
	return got;
}

int store_reservations(struct qv_keystore *store, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct reservations_operation operation = { .operation.run = reservations };
	int result = store_run(store, &operation.operation, err);
	for (size_t i = 0; result == 0 && i < operation.rows.count; i++)
		result = visit->reservation(visit, operation.rows.row[i].text[0], operation.rows.row[i].text[1], err);
	rows_free(&operation.rows);
	return result;
}
