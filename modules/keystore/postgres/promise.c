/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that wait for their slave SAE. */
#include "store.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static struct arg_item id_item(const void *from, size_t i)
{
	const char *text = ((const struct qv_promise *)from)[i].key_id;
	return (struct arg_item){ text, strlen(text) };
}

static struct arg_item slave_item(const void *from, size_t i)
{
	const char *text = ((const struct qv_promise *)from)[i].slave;
	return (struct arg_item){ text, strlen(text) };
}

static struct arg_item master_item(const void *from, size_t i)
{
	const char *text = ((const struct qv_promise *)from)[i].master;
	return (struct arg_item){ text, strlen(text) };
}

static struct arg_item labels_item(const void *from, size_t i)
{
	const char *text = ((const struct qv_promise *)from)[i].labels;
	return (struct arg_item){ text, strlen(text) };
}

static struct arg_item sealed_item(const void *from, size_t i)
{
	const struct qv_sealed *sealed = &((const struct qv_promise *)from)[i].sealed;
	return (struct arg_item){ sealed->bytes, sealed->size };
}

/* Numbers in the byte order of the wire, one after the other. */
static struct arg_item number_item(const void *from, size_t i)
{
	return (struct arg_item){ (const uint64_t *)from + i, sizeof(uint64_t) };
}

static void arg_numbers(struct arguments *arguments, const struct qv_promise *promises, size_t count, bool expires)
{
	uint64_t *numbers = calloc(count + 1, sizeof *numbers);
	if (!numbers) {
		arguments->failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++)
		numbers[i] = htobe64(expires ? (uint64_t)promises[i].expires : promises[i].key_bytes);
	arg_array(arguments, ARG_INT8S, count, number_item, numbers);
	free(numbers);
}

int store_settle(struct qv_keystore *store, const struct qv_settlement *settlement, struct qv_error *err)
{
	const struct qv_promise *promises = settlement->promises;
	size_t count = settlement->promise_count;
	struct arguments arguments = { 0 };
	arg_text(&arguments, settlement->request);
	arg_int4(&arguments, store->instance);
	arg_bool(&arguments, settlement->finish);
	arg_text(&arguments, settlement->link ? settlement->link : "");
	arg_int4(&arguments, (int32_t)settlement->lane);
	arg_texts(&arguments, settlement->take, settlement->take_count);
	arg_array(&arguments, ARG_TEXTS, count, id_item, promises);
	arg_array(&arguments, ARG_TEXTS, count, slave_item, promises);
	arg_array(&arguments, ARG_TEXTS, count, master_item, promises);
	arg_array(&arguments, ARG_TEXTS, count, labels_item, promises);
	arg_numbers(&arguments, promises, count, false);
	arg_array(&arguments, ARG_BYTEAS, count, sealed_item, promises);
	arg_numbers(&arguments, promises, count, true);
	arg_int8(&arguments, wall_clock());
	PGresult *result = store_call(store, ST_SETTLE, &arguments, err);
	int settled = result ? (int)column_int(result, 0, 0) : -1;
	PQclear(result);
	return settled;
}

static struct arguments delivery(const char *slave, const char *master, const char *const *key_ids, size_t count,
				 int64_t now)
{
	struct arguments arguments = { 0 };
	arg_text(&arguments, slave);
	arg_text(&arguments, master);
	arg_texts(&arguments, key_ids, count);
	arg_int8(&arguments, now);
	return arguments;
}

static int tell_fault(struct qv_keystore *store, struct arguments arguments, const char *first, struct qv_error *err)
{
	PGresult *result = store_call(store, ST_FAULT, &arguments, err);
	if (!result)
		return -1;
	/* None any more: one was on its way to another who then failed. */
	const char *key_id = PQntuples(result) ? column_text(result, 0, 0) : first;
	if (PQntuples(result) && column_int(result, 0, 1))
		qv_fail(err, QV_E_DENIED, "key %s was made for another SAE", key_id);
	else
		qv_fail(err, QV_E_NOT_FOUND, "key %s is unknown, delivered or expired", key_id);
	PQclear(result);
	return -1;
}

/* Rows come in any order; the visitor gets them in that of the key_IDs. */
static int row_of(const PGresult *result, const char *key_id)
{
	for (int row = 0; row < PQntuples(result); row++)
		if (strcmp(column_text(result, row, 0), key_id) == 0)
			return row;
	return -1;
}

int store_deliver(struct qv_keystore *store, const char *slave, const char *master, const char *const *key_ids,
		  size_t count, int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct arguments arguments = delivery(slave, master, key_ids, count, now);
	PGresult *result = store_call(store, count == 1 ? ST_DELIVER_ONE : ST_DELIVER, &arguments, err);
	if (!result)
		return -1;
	if ((size_t)PQntuples(result) != count) {
		PQclear(result);
		return tell_fault(store, delivery(slave, master, key_ids, count, now), key_ids[0], err);
	}
	int failed = 0;
	for (size_t i = 0; i < count && failed == 0; i++) {
		int row = row_of(result, key_ids[i]);
		struct qv_promise promise = { .key_id = key_ids[i],
					      .slave = slave,
					      .master = master,
					      .labels = column_text(result, row, 1),
					      .key_bytes = (uint32_t)column_int(result, row, 2),
					      .expires = column_int(result, row, 3),
					      .sealed = column_sealed(result, row, 4) };
		failed = visit->promise(visit, &promise, err);
	}
	PQclear(result);
	return failed;
}

/* Of columns key_ID, slave, master, labels, bytes, expires, sealed. */
static struct qv_promise promise_of(const PGresult *result, int row)
{
	return (struct qv_promise){ .key_id = column_text(result, row, 0),
				    .slave = column_text(result, row, 1),
				    .master = column_text(result, row, 2),
				    .labels = column_text(result, row, 3),
				    .key_bytes = (uint32_t)column_int(result, row, 4),
				    .expires = column_int(result, row, 5),
				    .sealed = column_sealed(result, row, 6) };
}

int store_promises(struct qv_keystore *store, const char *request, struct qv_keystore_visit *visit,
		   struct qv_error *err)
{
	struct arguments arguments = { 0 };
	arg_text(&arguments, request);
	PGresult *result = store_call(store, ST_PROMISES, &arguments, err);
	int failed = result ? 0 : -1;
	for (int row = 0; failed == 0 && row < PQntuples(result); row++) {
		struct qv_promise promise = promise_of(result, row);
		failed = visit->promise(visit, &promise, err);
	}
	PQclear(result);
	return failed;
}

static struct arg_item key_label_item(const void *from, size_t i)
{
	const char *label = ((const struct qv_pool_key *)from)[i].label;
	return (struct arg_item){ label, strlen(label) };
}

static struct arg_item key_sealed_item(const void *from, size_t i)
{
	const struct qv_sealed *sealed = &((const struct qv_pool_key *)from)[i].sealed;
	return (struct arg_item){ sealed->bytes, sealed->size };
}

int store_undo(struct qv_keystore *store, const char *request, const char *link, unsigned lane,
	       const struct qv_pool_key *keys, size_t count, int64_t now, struct qv_error *err)
{
	struct arguments arguments = { 0 };
	arg_text(&arguments, request);
	arg_text(&arguments, link);
	arg_int4(&arguments, (int32_t)lane);
	arg_array(&arguments, ARG_TEXTS, count, key_label_item, keys);
	arg_array(&arguments, ARG_BYTEAS, count, key_sealed_item, keys);
	arg_int8(&arguments, now);
	return store_change(store, ST_UNDO, &arguments, err);
}

int64_t store_purge(struct qv_keystore *store, int64_t now, int64_t forget_before, size_t max,
		    struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct arguments arguments = { 0 }, forget = { 0 };
	arg_int8(&arguments, now);
	arg_int8(&arguments, (int64_t)max);
	PGresult *result = store_call(store, ST_PURGE, &arguments, err);
	if (!result)
		return -1;
	int failed = 0, gone = PQntuples(result);
	for (int row = 0; failed == 0 && row < gone; row++) {
		struct qv_promise promise = promise_of(result, row);
		promise.sealed.size = 0;
		if (column_int(result, row, 6))
			failed = visit->promise(visit, &promise, err);
	}
	PQclear(result);
	arg_int8(&forget, forget_before);
	if (failed == 0)
		failed = store_change(store, ST_FORGET, &forget, err);
	return failed == 0 ? gone : -1;
}
