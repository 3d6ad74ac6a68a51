/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the postgres key store share. */
#ifndef KEYSTORE_POSTGRES_STORE_H
#define KEYSTORE_POSTGRES_STORE_H

#include <libpq-fe.h>
#include <pthread.h>

#include "../common/class.h"

#define SCHEMA_NAME_MAX 40
#define FEEDS_MAX       64 /* links whose lease is remembered */

enum statement {
	ST_PROPERTY_GET,
	ST_PROPERTY_SET,
	ST_IMPORT,
	ST_CURSOR,
	ST_STOCK,
	ST_RESERVE,
	ST_RELEASE,
	ST_ADOPT,
	ST_FIND,
	ST_SETTLE,
	ST_DELIVER,
	ST_DELIVER_ONE,
	ST_FAULT,
	ST_PROMISES,
	ST_UNDO,
	ST_PURGE,
	ST_FORGET,
	ST_FEED,
	ST_LEAVE,
	ST_WALK,
	ST_LACKING,
	ST_DISCARD,
	ST_COUNT
};

/* Used by one thread at a time: the one that has taken it from the pool. */
struct connection {
	PGconn *pg;
	uint64_t prepared; /* a bit for each statement */
	struct connection *next;
};

struct feed {
	char *link;
	int64_t renew_at; /* ns of CLOCK_MONOTONIC */
};

struct qv_keystore {
	const struct qv_log *log;
	char *conninfo;
	struct qv_secret *password;       /* text, or NULL */
	char schema[SCHEMA_NAME_MAX + 3]; /* quoted */
	int32_t space;                    /* of this schema's advisory locks */
	int32_t instance;                 /* of this process in the database; 0 until it is known */
	int timeout_ms;
	unsigned connections;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t freed;
	struct connection *idle;
	unsigned open;          /* idle or taken */
	int64_t retry_at, wait; /* ns: when the server may be tried again after it could not be reached */
	bool away;
	struct qv_error why;
	struct feed feeds[FEEDS_MAX];
};

int64_t monotonic(void);
int64_t wall_clock(void);

/* connection.c */
struct connection *connection_take(struct qv_keystore *store, struct qv_error *err);
void connection_give(struct qv_keystore *store, struct connection *connection);
void connection_close(struct connection *connection);
/* Runs SQL without arguments, several statements too. */
int connection_run(struct qv_keystore *store, struct connection *connection, const char *sql, struct qv_error *err);
/* Waits for the result of what was sent, no longer than the timeout. NULL with err: the connection is of no use then. */
PGresult *connection_result(struct qv_keystore *store, struct connection *connection, struct qv_error *err);

/* Makes or updates the schema, and registers this instance. */
int schema_open(struct qv_keystore *store, struct qv_error *err);

/* Arguments of a statement, in the binary format; their bytes live until arguments_clear. */
struct arguments {
	int count;
	bool failed; /* without memory */
	char *values[16];
	int lengths[16];
};
void arg_text(struct arguments *arguments, const char *text);
void arg_bytes(struct arguments *arguments, const uint8_t *bytes, size_t size);
void arg_int4(struct arguments *arguments, int32_t value);
void arg_int8(struct arguments *arguments, int64_t value);
void arg_bool(struct arguments *arguments, bool value);
/* Arrays, given by what returns item i. */
struct arg_item {
	const void *bytes;
	size_t size;
};
enum arg_type { ARG_TEXTS = 25, ARG_BYTEAS = 17, ARG_INT8S = 20 }; /* OIDs of the elements */
void arg_array(struct arguments *arguments, enum arg_type type, size_t count,
	       struct arg_item (*item)(const void *from, size_t i), const void *from);
void arg_texts(struct arguments *arguments, const char *const *texts, size_t count);
void arguments_clear(struct arguments *arguments);

/*
 * Runs a statement in a transaction of its own, again if it collided with others, and clears the arguments. NULL with
 * err. The caller PQclears the result.
 */
PGresult *store_call(struct qv_keystore *store, enum statement which, struct arguments *arguments,
		     struct qv_error *err);
/* As store_call where no row is of interest. */
int store_change(struct qv_keystore *store, enum statement which, struct arguments *arguments, struct qv_error *err);

/* Columns of a result in the binary format. */
int64_t column_int(const PGresult *result, int row, int column);
const char *column_text(const PGresult *result, int row, int column);
struct qv_sealed column_sealed(const PGresult *result, int row, int column);

/* Records why a result is none. */
int result_fail(struct qv_keystore *store, const PGresult *result, struct qv_error *err);
/* The first line of what libpq says. */
void say(char *out, size_t size, const char *message);

int store_feeds(struct qv_keystore *store, const char *link, struct qv_error *err);

#endif
