/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the links that nobody has asked for yet, and those that a request holds until the peer has answered. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEASE_SECONDS 10
#define RENEW_AFTER   (3 * QV_NS_PER_SECOND)

static struct arg_item label_item(const void *from, size_t i)
{
	const char *label = ((const struct qv_pool_key *)from)[i].label;
	return (struct arg_item){ label, strlen(label) };
}

static struct arg_item sealed_item(const void *from, size_t i)
{
	const struct qv_sealed *sealed = &((const struct qv_pool_key *)from)[i].sealed;
	return (struct arg_item){ sealed->bytes, sealed->size };
}

int64_t store_import(struct qv_keystore *store, const char *link, unsigned lane, const struct qv_pool_key *keys,
		     size_t count, const char *from, const char *cursor, struct qv_error *err)
{
	struct arguments arguments = { 0 };
	arg_text(&arguments, link);
	arg_int4(&arguments, (int32_t)lane);
	arg_array(&arguments, ARG_TEXTS, count, label_item, keys);
	arg_array(&arguments, ARG_BYTEAS, count, sealed_item, keys);
	arg_text(&arguments, from);
	arg_text(&arguments, cursor);
	arg_int8(&arguments, wall_clock());
	PGresult *result = store_call(store, ST_IMPORT, &arguments, err);
	if (!result)
		return -1;
	int64_t added = column_int(result, 0, 0);
	PQclear(result);
	if (added < 0)
		return qv_fail(err, QV_E_BUSY, "the link with %s was read from where its keys are stored already",
			       link);
	return added;
}

static PGresult *call_lane(struct qv_keystore *store, enum statement which, const char *link, unsigned lane,
			   struct qv_error *err)
{
	struct arguments arguments = { 0 };
	arg_text(&arguments, link);
	arg_int4(&arguments, (int32_t)lane);
	return store_call(store, which, &arguments, err);
}

int store_cursor(struct qv_keystore *store, const char *link, unsigned lane, char *cursor, struct qv_error *err)
{
	PGresult *result = call_lane(store, ST_CURSOR, link, lane, err);
	if (!result)
		return -1;
	snprintf(cursor, QV_QKDLINK_CURSOR_MAX + 1, "%s", PQntuples(result) ? column_text(result, 0, 0) : "");
	PQclear(result);
	return 0;
}

int64_t store_stock(struct qv_keystore *store, const char *link, unsigned lane, struct qv_error *err)
{
	PGresult *result = call_lane(store, ST_STOCK, link, lane, err);
	if (!result)
		return -1;
	int64_t stock = column_int(result, 0, 0);
	PQclear(result);
	return stock;
}

static int visit_keys(const PGresult *result, struct qv_keystore_visit *visit, struct qv_error *err)
{
	int failed = 0;
	for (int row = 0; failed == 0 && row < PQntuples(result); row++) {
		struct qv_pool_key key = { column_text(result, row, 0), column_sealed(result, row, 1) };
		failed = visit->pool_key(visit, &key, err);
	}
	return failed;
}

int store_find(struct qv_keystore *store, const char *link, unsigned lane, const char *const *labels, size_t count,
	       struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct arguments arguments = { 0 };
	arg_text(&arguments, link);
	arg_int4(&arguments, (int32_t)lane);
	arg_texts(&arguments, labels, count);
	PGresult *result = store_call(store, ST_FIND, &arguments, err);
	int failed = result ? visit_keys(result, visit, err) : -1;
	PQclear(result);
	return failed;
}

static PGresult *try_to_reserve(struct qv_keystore *store, const char *request, const char *link, unsigned lane,
				size_t count, int64_t now, struct qv_error *err)
{
	struct arguments arguments = { 0 };
	arg_text(&arguments, request);
	arg_text(&arguments, link);
	arg_int4(&arguments, (int32_t)lane);
	arg_int8(&arguments, (int64_t)count);
	arg_int8(&arguments, now);
	arg_int4(&arguments, store->instance);
	return store_call(store, ST_RESERVE, &arguments, err);
}

int store_reserve(struct qv_keystore *store, const char *request, const char *link, unsigned lane, size_t count,
		  int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	PGresult *result = try_to_reserve(store, request, link, lane, count, now, err);
	if (!result)
		return -1;
	/* Keys that another request had for a moment may be there again. */
	if (PQntuples(result) == 0 && count > 0 && store_stock(store, link, lane, NULL) >= (int64_t)count) {
		PQclear(result);
		result = try_to_reserve(store, request, link, lane, count, now, err);
		if (!result)
			return -1;
	}
	int got = PQntuples(result), failed = 0;
	if ((size_t)got == count)
		failed = visit_keys(result, visit, err);
	else if (got > 0 && store_release(store, request, NULL, 0, 0, 0, err) != 0)
		failed = -1;
	else
		failed = qv_fail(err, QV_E_NO_KEY, "the link with %s has fewer than the %zu keys asked for", link,
				 count);
	PQclear(result);
	return failed;
}

int store_release(struct qv_keystore *store, const char *request, const char *const *held, size_t held_count,
		  int64_t discard_before, int64_t hold_until, struct qv_error *err)
{
	struct arguments arguments = { 0 };
	arg_text(&arguments, request);
	arg_int4(&arguments, store->instance);
	arg_texts(&arguments, held, held_count);
	arg_int8(&arguments, discard_before);
	arg_int8(&arguments, hold_until);
	return store_change(store, ST_RELEASE, &arguments, err);
}

int store_reservations(struct qv_keystore *store, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct arguments arguments = { 0 };
	arg_int4(&arguments, store->space);
	arg_int4(&arguments, store->instance);
	PGresult *result = store_call(store, ST_ADOPT, &arguments, err);
	int failed = result ? 0 : -1;
	for (int row = 0; failed == 0 && row < PQntuples(result); row++)
		failed = visit->reservation(visit, column_text(result, row, 0), column_text(result, row, 1), err);
	PQclear(result);
	return failed;
}

/* What is remembered of a link, made if it is new; NULL when there is no room. Locked. */
static struct feed *feed_of(struct qv_keystore *store, const char *link)
{
	for (size_t i = 0; i < FEEDS_MAX; i++) {
		struct feed *feed = &store->feeds[i];
		if (!feed->link) {
			feed->link = strdup(link);
			return feed->link ? feed : NULL;
		}
		if (strcmp(feed->link, link) == 0)
			return feed;
	}
	return NULL;
}

int store_feeds(struct qv_keystore *store, const char *link, struct qv_error *err)
{
	pthread_mutex_lock(&store->lock);
	struct feed *feed = feed_of(store, link);
	bool lasts = feed && monotonic() < feed->renew_at;
	pthread_mutex_unlock(&store->lock);
	if (lasts)
		return 1;
	struct arguments arguments = { 0 };
	arg_int4(&arguments, store->space);
	arg_int4(&arguments, store->instance);
	arg_text(&arguments, link);
	arg_int4(&arguments, LEASE_SECONDS);
	PGresult *result = store_call(store, ST_FEED, &arguments, err);
	if (!result)
		return -1;
	bool ours = column_int(result, 0, 0) != 0;
	PQclear(result);
	pthread_mutex_lock(&store->lock);
	feed = feed_of(store, link);
	if (feed)
		feed->renew_at = ours ? monotonic() + RENEW_AFTER : 0;
	pthread_mutex_unlock(&store->lock);
	return ours;
}
