/* SPDX-License-Identifier: Apache-2.0 */
/* What two KMEs compare their pools of a link with. */
#include "store.h"

static int visit_labels(const PGresult *result, struct qv_keystore_visit *visit, struct qv_error *err)
{
	int failed = result ? 0 : -1;
	for (int row = 0; failed == 0 && row < PQntuples(result); row++) {
		struct qv_pool_key key = { column_text(result, row, 0), { NULL, 0 } };
		failed = visit->pool_key(visit, &key, err);
	}
	return failed;
}

int store_walk(struct qv_keystore *store, const char *link, unsigned lane, int64_t before, size_t max,
	       int64_t *position, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct arguments arguments = { 0 };
	arg_text(&arguments, link);
	arg_int4(&arguments, (int32_t)lane);
	arg_int8(&arguments, *position);
	arg_int8(&arguments, before);
	arg_int8(&arguments, (int64_t)max);
	PGresult *result = store_call(store, ST_WALK, &arguments, err);
	int failed = visit_labels(result, visit, err);
	if (failed == 0 && PQntuples(result) > 0)
		*position = column_int(result, PQntuples(result) - 1, 1);
	PQclear(result);
	return failed;
}

static PGresult *call_labels(struct qv_keystore *store, enum statement which, const char *link, unsigned lane,
			     const char *const *labels, size_t count, struct qv_error *err)
{
	struct arguments arguments = { 0 };
	arg_text(&arguments, link);
	arg_int4(&arguments, (int32_t)lane);
	arg_texts(&arguments, labels, count);
	return store_call(store, which, &arguments, err);
}

int store_lacking(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels, size_t count,
		  struct qv_keystore_visit *visit, struct qv_error *err)
{
	PGresult *result = call_labels(store, ST_LACKING, link, lane, labels, count, err);
	int failed = visit_labels(result, visit, err);
	PQclear(result);
	return failed;
}

int64_t store_discard(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels,
		      size_t count, struct qv_error *err)
{
	PGresult *result = call_labels(store, ST_DISCARD, link, lane, labels, count, err);
	int64_t gone = result ? column_int(result, 0, 0) : -1;
	PQclear(result);
	return gone;
}
