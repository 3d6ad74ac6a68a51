/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that wait for their slave SAE. */
#include "store.h"

#include <string.h>

struct settle_operation {
	struct operation operation; /* first */
	const struct qv_settlement *settlement;
};

/* 0: unknown, 1: settled before, -1 with QV_E_DENIED: undone before. */
static int look_up_request(struct qv_keystore *store, const char *request, struct qv_error *err)
{
	sqlite3_stmt *query = statement(store, ST_REQUEST_GET, err);
	if (!query)
		return -1;
	bind_text(query, 1, request);
	int got = step(store, query, err);
	if (got == 1 && sqlite3_column_int(query, 0))
		got = qv_fail(err, QV_E_DENIED, "request %s was undone", request);
	sqlite3_reset(query);
	return got;
}

static int note_request(struct qv_keystore *store, enum statement which, const char *request, int64_t now,
			struct qv_error *err)
{
	sqlite3_stmt *insert = statement(store, which, err);
	if (!insert)
		return -1;
	bind_text(insert, 1, request);
	bind_int(insert, 2, now);
	return change(store, insert, err) < 0 ? -1 : 0;
}

static int finish_reserved(struct qv_keystore *store, const char *request, struct qv_error *err)
{
	sqlite3_stmt *delete = statement(store, ST_POOL_FINISH, err);
	if (!delete)
		return -1;
	bind_text(delete, 1, request);
	int gone = change(store, delete, err);
	if (gone == 0)
		return qv_fail(err, QV_E_NOT_FOUND, "request %s has no keys reserved", request);
	return gone < 0 ? -1 : 0;
}

static int take_label(struct qv_keystore *store, int64_t link, unsigned lane, const char *label, struct qv_error *err)
{
	sqlite3_stmt *delete = statement(store, ST_POOL_TAKE, err);
	if (!delete)
		return -1;
	bind_int(delete, 1, link);
	bind_text(delete, 2, label);
	bind_int(delete, 3, lane);
	int gone = change(store, delete, err);
	if (gone == 0)
		return qv_fail(err, QV_E_NOT_FOUND, "the pool has no key %s", label);
	return gone < 0 ? -1 : 0;
}

static int take_labels(struct qv_keystore *store, const struct qv_settlement *settlement, struct qv_error *err)
{
	int64_t link;
	if (settlement->take_count == 0)
		return 0;
	if (link_id(store, settlement->link, &link, err) != 0)
		return -1;
	for (size_t i = 0; i < settlement->take_count; i++)
		if (take_label(store, link, settlement->lane, settlement->take[i], err) != 0)
			return -1;
	return lane_free_add(store, link, settlement->lane, -(int64_t)settlement->take_count, err);
}

static int add_promise(struct qv_keystore *store, const char *request, const struct qv_promise *promise,
		       struct qv_error *err)
{
	sqlite3_stmt *insert = statement(store, ST_PROMISE_ADD, err);
	if (!insert)
		return -1;
	bind_text(insert, 1, promise->key_id);
	bind_text(insert, 2, promise->slave);
	bind_text(insert, 3, promise->master);
	bind_text(insert, 4, request);
	bind_text(insert, 5, promise->labels);
	bind_int(insert, 6, promise->key_bytes);
	bind_sealed(insert, 7, &promise->sealed);
	bind_int(insert, 8, promise->expires);
	return change(store, insert, err) < 0 ? -1 : 0;
}

static int settle(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	const struct qv_settlement *settlement = ((struct settle_operation *)operation)->settlement;
	int known = look_up_request(store, settlement->request, err);
	if (known != 0)
		return known;
	if (settlement->finish && finish_reserved(store, settlement->request, err) != 0)
		return -1;
	if (take_labels(store, settlement, err) != 0)
		return -1;
	for (size_t i = 0; i < settlement->promise_count; i++)
		if (add_promise(store, settlement->request, &settlement->promises[i], err) != 0)
			return -1;
	/* Where promises were made, the same request may come again. */
	return settlement->promise_count ? note_request(store, ST_REQUEST_ADD, settlement->request, wall_clock(), err)
					 : 0;
}

int store_settle(struct qv_keystore *store, const struct qv_settlement *settlement, struct qv_error *err)
{
	struct settle_operation operation = { .operation = { .run = settle, .durable = true },
					      .settlement = settlement };
	return store_run(store, &operation.operation, err);
}

struct promise_operation {
	struct operation operation; /* first */
	const char *slave, *master, *request;
	const char *const *key_ids;
	size_t count;
	int64_t now;
	struct rows rows; /* texts: key_ID, slave, master, labels; numbers: bytes, expires */
};

/* Copies the columns master, labels, bytes, expires, sealed from `first` on. */
static int copy_promise(struct row *row, sqlite3_stmt *query, int first, struct qv_error *err)
{
	row->number[0] = sqlite3_column_int64(query, first + 2);
	row->number[1] = sqlite3_column_int64(query, first + 3);
	return row_text(row, 2, column_text(query, first), err) == 0 &&
			       row_text(row, 3, column_text(query, first + 1), err) == 0 &&
			       row_sealed(row, query, first + 4, err) == 0
		       ? 0
		       : -1;
}

static int key_exists(struct qv_keystore *store, const char *key_id, struct qv_error *err)
{
	sqlite3_stmt *query = statement(store, ST_PROMISE_ANY, err);
	if (!query)
		return -1;
	bind_text(query, 1, key_id);
	int got = step(store, query, err);
	sqlite3_reset(query);
	return got;
}

static int not_found(const char *key_id, struct qv_error *err)
{
	return qv_fail(err, QV_E_NOT_FOUND, "key %s is unknown, delivered or expired", key_id);
}

static int not_entitled(const char *key_id, struct qv_error *err)
{
	return qv_fail(err, QV_E_DENIED, "key %s was made for another SAE", key_id);
}

static int collect_promise(struct qv_keystore *store, struct promise_operation *delivering, const char *key_id,
			   struct qv_error *err)
{
	sqlite3_stmt *query = statement(store, ST_PROMISE_GET, err);
	if (!query)
		return -1;
	bind_text(query, 1, key_id);
	bind_text(query, 2, delivering->slave);
	int got = step(store, query, err);
	if (got < 0)
		return -1;
	if (got == 0) {
		int exists = key_exists(store, key_id, err);
		return exists < 0 ? -1 : exists ? not_entitled(key_id, err) : not_found(key_id, err);
	}
	if (strcmp(column_text(query, 0), delivering->master) != 0)
		return not_entitled(key_id, err);
	if (sqlite3_column_type(query, 4) == SQLITE_NULL || sqlite3_column_int64(query, 3) < delivering->now)
		return not_found(key_id, err);
	struct row *row = rows_add(&delivering->rows, err);
	if (!row || row_text(row, 0, key_id, err) != 0 || row_text(row, 1, delivering->slave, err) != 0 ||
	    copy_promise(row, query, 0, err) != 0)
		return -1;
	sqlite3_reset(query);
	return 0;
}

static int mark_delivered(struct qv_keystore *store, const char *key_id, const char *slave, struct qv_error *err)
{
	sqlite3_stmt *update = statement(store, ST_PROMISE_DELIVERED, err);
	if (!update)
		return -1;
	bind_text(update, 1, key_id);
	bind_text(update, 2, slave);
	return change(store, update, err) < 0 ? -1 : 0;
}

static int deliver(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct promise_operation *delivering = (struct promise_operation *)operation;
	for (size_t i = 0; i < delivering->count; i++)
		if (collect_promise(store, delivering, delivering->key_ids[i], err) != 0 ||
		    mark_delivered(store, delivering->key_ids[i], delivering->slave, err) != 0)
			return -1;
	return 0;
}

static int visit_promises(struct promise_operation *operation, int result, struct qv_keystore_visit *visit,
			  struct qv_error *err)
{
	for (size_t i = 0; result == 0 && i < operation->rows.count; i++) {
		const struct row *row = &operation->rows.row[i];
		struct qv_promise promise = { .key_id = row->text[0],
					      .slave = row->text[1],
					      .master = row->text[2],
					      .labels = row->text[3],
					      .key_bytes = (uint32_t)row->number[0],
					      .expires = row->number[1],
					      .sealed = { row->sealed, row->sealed_size } };
		result = visit->promise(visit, &promise, err);
	}
	rows_free(&operation->rows);
	return result;
}

int store_deliver(struct qv_keystore *store, const char *slave, const char *master, const char *const *key_ids,
		  size_t count, int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct promise_operation operation = { .operation = { .run = deliver, .durable = true },
					       .slave = slave,
					       .master = master,
					       .key_ids = key_ids,
					       .count = count,
					       .now = now };
	return visit_promises(&operation, store_run(store, &operation.operation, err), visit, err);
}

static int collect_of_request(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct promise_operation *promises = (struct promise_operation *)operation;
	sqlite3_stmt *query = statement(store, ST_PROMISE_OF, err);
	if (!query)
		return -1;
	bind_text(query, 1, promises->request);
	int got;
	while ((got = step(store, query, err)) == 1) {
		struct row *row = rows_add(&promises->rows, err);
		if (!row || row_text(row, 0, column_text(query, 0), err) != 0 ||
		    row_text(row, 1, column_text(query, 1), err) != 0 || copy_promise(row, query, 2, err) != 0)
			return -1;
	}
	return got;
}

int store_promises(struct qv_keystore *store, const char *request, struct qv_keystore_visit *visit,
		   struct qv_error *err)
{
	struct promise_operation operation = { .operation.run = collect_of_request, .request = request };
	return visit_promises(&operation, store_run(store, &operation.operation, err), visit, err);
}

struct undo_operation {
	struct operation operation; /* first */
	const char *request, *link;
	unsigned lane;
	const struct qv_pool_key *keys;
	size_t count;
	int64_t now;
};

static int drop_promises(struct qv_keystore *store, const char *request, struct qv_error *err)
{
	sqlite3_stmt *query = statement(store, ST_PROMISE_LATE, err);
	if (!query)
		return -1;
	bind_text(query, 1, request);
	int late = step(store, query, err);
	sqlite3_reset(query);
	if (late == 1)
		return qv_fail(err, QV_E_BUSY, "a key of request %s was delivered already", request);
	sqlite3_stmt *delete = late < 0 ? NULL : statement(store, ST_PROMISE_DROP, err);
	if (!delete)
		return -1;
	bind_text(delete, 1, request);
	return change(store, delete, err) < 0 ? -1 : 0;
}

static int undo(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct undo_operation *undoing = (struct undo_operation *)operation;
	int64_t link, added = 0;
	if (drop_promises(store, undoing->request, err) != 0 ||
	    note_request(store, ST_REQUEST_UNDO, undoing->request, undoing->now, err) != 0)
		return -1;
	if (undoing->count == 0)
		return 0;
	if (link_id(store, undoing->link, &link, err) != 0 || lane_add(store, link, undoing->lane, err) != 0)
		return -1;
	for (size_t i = 0; i < undoing->count; i++) {
		int one = pool_add(store, link, undoing->lane, &undoing->keys[i], undoing->now, err);
		if (one < 0)
			return -1;
		added += one;
	}
	return lane_free_add(store, link, undoing->lane, added, err);
}

int store_undo(struct qv_keystore *store, const char *request, const char *link, unsigned lane,
	       const struct qv_pool_key *keys, size_t count, int64_t now, struct qv_error *err)
{
	struct undo_operation operation = { .operation = { .run = undo, .durable = true },
					    .request = request,
					    .link = link,
					    .lane = lane,
					    .keys = keys,
					    .count = count,
					    .now = now };
	return store_run(store, &operation.operation, err);
}

struct purge_operation {
	struct promise_operation promises; /* first; those that expired */
	int64_t forget_before, gone;
};

static int forget_promises(struct qv_keystore *store, struct purge_operation *purging, struct qv_error *err)
{
	sqlite3_stmt *delete = statement(store, ST_PURGE_PROMISES, err);
	if (!delete)
		return -1;
	bind_int(delete, 1, purging->promises.now);
	bind_int(delete, 2, (int64_t)purging->promises.count);
	int got;
	while ((got = step(store, delete, err)) == 1) {
		purging->gone++;
		if (!sqlite3_column_int(delete, 0))
			continue;
		struct row *row = rows_add(&purging->promises.rows, err);
		if (!row)
			return -1;
		for (unsigned i = 0; i < 4; i++)
			if (row_text(row, i, column_text(delete, 1 + (int)i), err) != 0)
				return -1;
		row->number[0] = sqlite3_column_int64(delete, 5);
		row->number[1] = sqlite3_column_int64(delete, 6);
	}
	return got;
}

static int purge(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct purge_operation *purging = (struct purge_operation *)operation;
	purging->gone = 0;
	if (forget_promises(store, purging, err) != 0)
		return -1;
	sqlite3_stmt *forget = statement(store, ST_PURGE_REQUESTS, err);
	if (!forget)
		return -1;
	bind_int(forget, 1, purging->forget_before);
	return change(store, forget, err) < 0 ? -1 : schema_shrink(store, err);
}

int64_t store_purge(struct qv_keystore *store, int64_t now, int64_t forget_before, size_t max,
		    struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct purge_operation operation = {
		.promises = { .operation = { .run = purge, .durable = true }, .now = now, .count = max },
		.forget_before = forget_before
	};
	int result = store_run(store, &operation.promises.operation, err);
	return visit_promises(&operation.promises, result, visit, err) == 0 ? operation.gone : -1;
}
