/* SPDX-License-Identifier: Apache-2.0 */
/* What two KMEs compare their pools of a link with. */
#include "store.h"

struct compare_operation {
	struct operation operation; /* first */
	const char *link;
	unsigned lane;
	int64_t before, position, gone;
	size_t max;
	const char *const *labels;
	size_t count;
	struct rows rows; /* text 0: label */
};

static int visit_labels(struct compare_operation *operation, int result, struct qv_keystore_visit *visit,
			struct qv_error *err)
{
	for (size_t i = 0; result == 0 && i < operation->rows.count; i++) {
		struct qv_pool_key key = { operation->rows.row[i].text[0], { NULL, 0 } };
		result = visit->pool_key(visit, &key, err);
	}
	rows_free(&operation->rows);
	return result;
}

static int add_label(struct compare_operation *operation, const char *label, struct qv_error *err)
{
	struct row *row = rows_add(&operation->rows, err);
	return row ? row_text(row, 0, label, err) : -1;
}

static int walk(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct compare_operation *walking = (struct compare_operation *)operation;
	int64_t link;
	if (link_id(store, walking->link, &link, err) != 0)
		return -1;
	sqlite3_stmt *query = statement(store, ST_POOL_WALK, err);
	if (!query)
		return -1;
	bind_int(query, 1, link);
	bind_int(query, 2, walking->lane);
	bind_int(query, 3, walking->position);
	bind_int(query, 4, walking->before);
	bind_int(query, 5, (int64_t)walking->max);
	int got;
	while ((got = step(store, query, err)) == 1) {
		walking->position = sqlite3_column_int64(query, 0);
		if (add_label(walking, column_text(query, 1), err) != 0)
			return -1;
	}
	return got;
}

int store_walk(struct qv_keystore *store, const char *link, unsigned lane, int64_t before, size_t max,
	       int64_t *position, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct compare_operation operation = {
		.operation.run = walk, .link = link, .lane = lane, .before = before, .max = max, .position = *position
	};
	int result = store_run(store, &operation.operation, err);
	*position = operation.position;
	return visit_labels(&operation, result, visit, err);
}

static int lacking(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct compare_operation *comparing = (struct compare_operation *)operation;
	int64_t link;
	if (link_id(store, comparing->link, &link, err) != 0)
		return -1;
	for (size_t i = 0; i < comparing->count; i++) {
		sqlite3_stmt *query = statement(store, ST_POOL_HAS, err);
		if (!query)
			return -1;
		bind_int(query, 1, link);
		bind_text(query, 2, comparing->labels[i]);
		bind_int(query, 3, comparing->lane);
		int got = step(store, query, err);
		if (got < 0 || (got == 0 && add_label(comparing, comparing->labels[i], err) != 0))
			return -1;
		sqlite3_reset(query);
	}
	return 0;
}

int store_lacking(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels, size_t count,
		  struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct compare_operation operation = {
		.operation.run = lacking, .link = link, .lane = lane, .labels = labels, .count = count
	};
	return visit_labels(&operation, store_run(store, &operation.operation, err), visit, err);
}

static int discard(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	struct compare_operation *discarding = (struct compare_operation *)operation;
	int64_t link;
	discarding->gone = 0;
	if (link_id(store, discarding->link, &link, err) != 0)
		return -1;
	for (size_t i = 0; i < discarding->count; i++) {
		sqlite3_stmt *delete = statement(store, ST_POOL_TAKE, err);
		if (!delete)
			return -1;
		bind_int(delete, 1, link);
		bind_text(delete, 2, discarding->labels[i]);
		bind_int(delete, 3, discarding->lane);
		int gone = change(store, delete, err);
		if (gone < 0)
			return -1;
		discarding->gone += gone;
	}
	return lane_free_add(store, link, discarding->lane, -discarding->gone, err);
}

int64_t store_discard(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels,
		      size_t count, struct qv_error *err)
{
	struct compare_operation operation = { .operation = { .run = discard, .durable = true },
					       .link = link,
					       .lane = lane,
					       .labels = labels,
					       .count = count };
	return store_run(store, &operation.operation, err) < 0 ? -1 : operation.gone;
}
