/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit. A thread that comes while no batch runs leads one: it runs every operation that waits, each in its own
 * savepoint, and commits once. Those that come meanwhile wait, and one of them leads the next batch.
 */
#include "store.h"

static int execute(struct qv_keystore *store, const char *sql, struct qv_error *err)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(store, err, "committing");
}

static int begin(struct qv_keystore *store, bool durable, struct qv_error *err)
{
	if (durable != store->synchronous) {
		const char *sql = durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
		if (execute(store, sql, err) != 0)
			return -1;
		store->synchronous = durable;
	}
	return execute(store, "BEGIN IMMEDIATE", err);
}

/* One that failed may have left a statement at a row, which would keep its read lock. */
static void reset_statements(struct qv_keystore *store)
{
	for (unsigned i = 0; i < ST_COUNT; i++)
		sqlite3_reset(store->statements[i]);
}

/* Runs one; what it changed is taken back if it fails. -1 only when the whole transaction is lost. */
static int run_one(struct qv_keystore *store, struct operation *operation, struct qv_error *lost)
{
	if (execute(store, "SAVEPOINT one", lost) != 0)
		return -1;
	operation->result = operation->run(store, operation, &operation->err);
	if (operation->result < 0)
		reset_statements(store);
	if (operation->result < 0 && sqlite3_get_autocommit(store->db)) {
		*lost = operation->err;
		return -1;
	}
	if (operation->result < 0 && execute(store, "ROLLBACK TO one", lost) != 0)
		return -1;
	return execute(store, "RELEASE one", lost);
}

static int run_transaction(struct qv_keystore *store, struct operation *batch, struct qv_error *lost)
{
	bool durable = false;
	for (struct operation *one = batch; one; one = one->next)
		durable = durable || one->durable;
	if (begin(store, durable, lost) != 0)
		return -1;
	for (struct operation *one = batch; one; one = one->next)
		if (run_one(store, one, lost) != 0)
			return -1;
	return execute(store, "COMMIT", lost);
}

static void run_batch(struct qv_keystore *store, struct operation *batch)
{
	struct qv_error lost = QV_ERROR_INIT;
	if (run_transaction(store, batch, &lost) == 0)
		return;
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	for (struct operation *one = batch; one; one = one->next) {
		one->result = -1;
		one->err = lost;
	}
}

static void finish_batch(struct operation *batch)
{
	while (batch) {
		/* The owner may leave as soon as it sees `done`. */
		struct operation *next = batch->next;
		batch->done = true;
		batch = next;
	}
}

int store_run(struct qv_keystore *store, struct operation *operation, struct qv_error *err)
{
	pthread_mutex_lock(&store->lock);
	operation->next = NULL;
	operation->done = false;
	*store->last = operation;
	store->last = &operation->next;
	while (!operation->done && store->leading)
		pthread_cond_wait(&store->changed, &store->lock);
	if (!operation->done) {
		struct operation *batch = store->first;
		store->first = NULL;
		store->last = &store->first;
		store->leading = true;
		pthread_mutex_unlock(&store->lock);
		run_batch(store, batch);
		pthread_mutex_lock(&store->lock);
		finish_batch(batch);
		store->leading = false;
		pthread_cond_broadcast(&store->changed);
	}
	pthread_mutex_unlock(&store->lock);
	if (operation->result < 0 && err)
		*err = operation->err;
	return operation->result;
}
