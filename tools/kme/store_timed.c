/* SPDX-License-Identifier: Apache-2.0 */
#include "store_timed.h"

#include <stdlib.h>

#include <qvisio/clock.h>

/* A member that is new in the class has to be passed on here as well. */
_Static_assert(offsetof(struct qv_keystore_class, discard) + sizeof(void *) == sizeof(struct qv_keystore_class),
	       "the last member that is known here");

struct qv_keystore {
	struct qv_keystore_class class; /* of this one */
	const struct qv_keystore_class *inner;
	struct qv_keystore *store;
	struct metrics *metrics;
};

/* Only what is no regular answer (not found, denied, no keys…) is the medium's failure. */
static void measure(const struct qv_keystore *timed, enum metric_store operation, int64_t start, bool failed,
		    const struct qv_error *err)
{
	histogram_add(&timed->metrics->store[operation], qv_clock_now(&qv_clock_monotonic) - start);
	if (failed && (err->code == QV_E_IO || err->code == QV_E_BUSY || err->code == QV_E_NOMEM ||
		       err->code == QV_E_INTERNAL || err->code == QV_E_TIMEOUT))
		atomic_fetch_add_explicit(&timed->metrics->store_errors[operation], 1, memory_order_relaxed);
}

/* Callers may want no error. */
static struct qv_error *error_of(struct qv_error *err, struct qv_error *own)
{
	return err ? err : own;
}

static void timed_close(struct qv_keystore *timed)
{
	if (!timed)
		return;
	timed->inner->close(timed->store);
	free(timed);
}

static int timed_property_get(struct qv_keystore *timed, const char *name, uint8_t *value, size_t *size,
			      struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->property_get(timed->store, name, value, size, err);
	measure(timed, STORE_PROPERTY, start, result < 0, err);
	return result;
}

static int timed_property_set(struct qv_keystore *timed, const char *name, const uint8_t *value, size_t size,
			      struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->property_set(timed->store, name, value, size, err);
	measure(timed, STORE_PROPERTY, start, result < 0, err);
	return result;
}

static int64_t timed_import(struct qv_keystore *timed, const char *link, unsigned lane, const struct qv_pool_key *keys,
			    size_t count, const char *from, const char *cursor, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int64_t result = timed->inner->import(timed->store, link, lane, keys, count, from, cursor, err);
	measure(timed, STORE_IMPORT, start, result < 0, err);
	return result;
}

static int timed_cursor(struct qv_keystore *timed, const char *link, unsigned lane, char *out, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->cursor(timed->store, link, lane, out, err);
	measure(timed, STORE_OTHER, start, result < 0, err);
	return result;
}

static int64_t timed_stock(struct qv_keystore *timed, const char *link, unsigned lane, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int64_t result = timed->inner->stock(timed->store, link, lane, err);
	measure(timed, STORE_STOCK, start, result < 0, err);
	return result;
}

static int timed_reserve(struct qv_keystore *timed, const char *request, const char *link, unsigned lane, size_t count,
			 int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->reserve(timed->store, request, link, lane, count, now, visit, err);
	measure(timed, STORE_RESERVE, start, result < 0, err);
	return result;
}

static int timed_release(struct qv_keystore *timed, const char *request, const char *const *held, size_t held_count,
			 int64_t discard_before, int64_t hold_until, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->release(timed->store, request, held, held_count, discard_before, hold_until, err);
	measure(timed, STORE_RELEASE, start, result < 0, err);
	return result;
}

static int timed_reservations(struct qv_keystore *timed, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->reservations(timed->store, visit, err);
	measure(timed, STORE_OTHER, start, result < 0, err);
	return result;
}

static int timed_find(struct qv_keystore *timed, const char *link, unsigned lane, const char *const *labels,
		      size_t count, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->find(timed->store, link, lane, labels, count, visit, err);
	measure(timed, STORE_FIND, start, result < 0, err);
	return result;
}

static int timed_settle(struct qv_keystore *timed, const struct qv_settlement *settlement, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->settle(timed->store, settlement, err);
	measure(timed, STORE_SETTLE, start, result < 0, err);
	return result;
}

static int timed_deliver(struct qv_keystore *timed, const char *slave, const char *master, const char *const *key_ids,
			 size_t count, int64_t now, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->deliver(timed->store, slave, master, key_ids, count, now, visit, err);
	measure(timed, STORE_DELIVER, start, result < 0, err);
	return result;
}

static int timed_promises(struct qv_keystore *timed, const char *request, struct qv_keystore_visit *visit,
			  struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->promises(timed->store, request, visit, err);
	measure(timed, STORE_OTHER, start, result < 0, err);
	return result;
}

static int timed_undo(struct qv_keystore *timed, const char *request, const char *link, unsigned lane,
		      const struct qv_pool_key *keys, size_t count, int64_t now, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->undo(timed->store, request, link, lane, keys, count, now, err);
	measure(timed, STORE_UNDO, start, result < 0, err);
	return result;
}

static int64_t timed_purge(struct qv_keystore *timed, int64_t now, int64_t forget_before, size_t max,
			   struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int64_t result = timed->inner->purge(timed->store, now, forget_before, max, visit, err);
	measure(timed, STORE_PURGE, start, result < 0, err);
	return result;
}

static int timed_feeds(struct qv_keystore *timed, const char *link, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->feeds(timed->store, link, err);
	measure(timed, STORE_OTHER, start, result < 0, err);
	return result;
}

static int timed_walk(struct qv_keystore *timed, const char *link, unsigned lane, int64_t before, size_t max,
		      int64_t *position, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->walk(timed->store, link, lane, before, max, position, visit, err);
	measure(timed, STORE_OTHER, start, result < 0, err);
	return result;
}

static int timed_lacking(struct qv_keystore *timed, const char *link, unsigned lane, const char *const *labels,
			 size_t count, struct qv_keystore_visit *visit, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int result = timed->inner->lacking(timed->store, link, lane, labels, count, visit, err);
	measure(timed, STORE_OTHER, start, result < 0, err);
	return result;
}

static int64_t timed_discard(struct qv_keystore *timed, const char *link, unsigned lane, const char *const *labels,
			     size_t count, struct qv_error *err)
{
	struct qv_error own = QV_ERROR_INIT;
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	err = error_of(err, &own);
	int64_t result = timed->inner->discard(timed->store, link, lane, labels, count, err);
	measure(timed, STORE_OTHER, start, result < 0, err);
	return result;
}

int store_time(const struct qv_keystore_class **class, struct qv_keystore **store, struct metrics *metrics,
	       struct qv_error *err)
{
	struct qv_keystore *timed = calloc(1, sizeof *timed);
	if (!timed)
		return qv_fail(err, QV_E_NOMEM, "no memory for the key store");
	timed->inner = *class;
	timed->store = *store;
	timed->metrics = metrics;
	timed->class = (struct qv_keystore_class){
		.head = timed->inner->head,
		.close = timed_close,
		.property_get = timed_property_get,
		.property_set = timed_property_set,
		.import = timed_import,
		.cursor = timed_cursor,
		.stock = timed_stock,
		.reserve = timed_reserve,
		.release = timed_release,
		.reservations = timed_reservations,
		.find = timed_find,
		.settle = timed_settle,
		.deliver = timed_deliver,
		.promises = timed_promises,
		.undo = timed_undo,
		.purge = timed_purge,
		.traits = timed->inner->traits,
		.feeds = timed->inner->feeds ? timed_feeds : NULL,
		.walk = timed->inner->walk ? timed_walk : NULL,
		.lacking = timed->inner->lacking ? timed_lacking : NULL,
		.discard = timed->inner->discard ? timed_discard : NULL,
	};
	*class = &timed->class;
	*store = timed;
	return 0;
}
