/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the sqlite key store share. */
#ifndef KEYSTORE_SQLITE_STORE_H
#define KEYSTORE_SQLITE_STORE_H

#include <pthread.h>
#include <sqlite3.h>

#include "../common/class.h"

enum statement {
	ST_PROPERTY_GET,
	ST_PROPERTY_SET,
	ST_LINK_ADD,
	ST_LINK_ID,
	ST_LANE_ADD,
	ST_LANE_GET,
	ST_LANE_CURSOR,
	ST_LANE_FREE,
	ST_POOL_ADD,
	ST_POOL_OLDEST,
	ST_POOL_RESERVE,
	ST_POOL_RESERVED,
	ST_POOL_FREE,
	ST_POOL_DISCARD,
	ST_POOL_FINISH,
	ST_POOL_FIND,
	ST_POOL_TAKE,
	ST_POOL_WALK,
	ST_POOL_HAS,
	ST_RESERVATIONS,
	ST_REQUEST_GET,
	ST_REQUEST_ADD,
	ST_REQUEST_UNDO,
	ST_PROMISE_ADD,
	ST_PROMISE_GET,
	ST_PROMISE_ANY,
	ST_PROMISE_DELIVERED,
	ST_PROMISE_OF,
	ST_PROMISE_LATE,
	ST_PROMISE_DROP,
	ST_PURGE_PROMISES,
	ST_PURGE_REQUESTS,
	ST_COUNT
};

struct operation;

struct qv_keystore {
	sqlite3 *db;
	const struct qv_log *log;
	char *file;
	sqlite3_stmt *statements[ST_COUNT]; /* prepared at first use; used by the leader only */
	bool synchronous;                   /* what PRAGMA synchronous was last set to: FULL */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct operation *first, **last; /* waiting to be run */
	bool leading;                    /* a thread is running a batch */
};

/* A change or query, run inside a transaction. Results stay in the operation until it is committed. */
struct operation {
	struct operation *next;
	int (*run)(struct qv_keystore *store, struct operation *operation, struct qv_error *err);
	bool durable; /* the commit must survive loss of power */
	bool done;
	int result;
	struct qv_error err;
};

/*
 * Runs an operation and returns its result once that is committed. Operations that wait at the same time share one
 * commit; one that fails is undone alone.
 */
int store_run(struct qv_keystore *store, struct operation *operation, struct qv_error *err);

int schema_open(struct qv_keystore *store, struct qv_error *err);
/* Gives some room back to the file system when more than half of the file is free. Inside a transaction. */
int schema_shrink(struct qv_keystore *store, struct qv_error *err);

/* A statement with its bindings cleared. NULL with err. */
sqlite3_stmt *statement(struct qv_keystore *store, enum statement which, struct qv_error *err);
/* Steps a statement. 1: a row; 0: done; -1. Resets it unless there is a row. */
int step(struct qv_keystore *store, sqlite3_stmt *statement, struct qv_error *err);
/* Steps a statement that returns no rows; the number of rows changed, or -1. */
int change(struct qv_keystore *store, sqlite3_stmt *statement, struct qv_error *err);
int store_fail(struct qv_keystore *store, struct qv_error *err, const char *doing);

/* Bindings, with positions from 1; the bytes must outlive the step. */
void bind_text(sqlite3_stmt *statement, int at, const char *text);
void bind_int(sqlite3_stmt *statement, int at, int64_t value);
void bind_sealed(sqlite3_stmt *statement, int at, const struct qv_sealed *sealed);
const char *column_text(sqlite3_stmt *statement, int at); /* never NULL */

/* Rows copied out of the database, in one growing list; text of a row may be NULL. */
struct row {
	char *text[4];
	uint8_t *sealed;
	size_t sealed_size;
	int64_t number[4];
};

struct rows {
	struct row *row;
	size_t count, room;
};

/* A new empty row at the end; NULL without memory. */
struct row *rows_add(struct rows *rows, struct qv_error *err);
int row_text(struct row *row, unsigned at, const char *text, struct qv_error *err);
int row_sealed(struct row *row, sqlite3_stmt *statement, int column, struct qv_error *err);
void rows_free(struct rows *rows);

int64_t wall_clock(void); /* ns of CLOCK_REALTIME */

/* The number of a link, which is added if it is new. */
int link_id(struct qv_keystore *store, const char *name, int64_t *id, struct qv_error *err);
/* Makes the lane if it is new; one that keys go to must be there, for the count of them. */
int lane_add(struct qv_keystore *store, int64_t link, int64_t lane, struct qv_error *err);
int lane_free_add(struct qv_keystore *store, int64_t link, int64_t lane, int64_t count, struct qv_error *err);
int pool_add(struct qv_keystore *store, int64_t link, unsigned lane, const struct qv_pool_key *key, int64_t now,
	     struct qv_error *err);

#endif
