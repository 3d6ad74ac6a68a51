/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded pool of connections, each used by one thread at a time. Those that the server has closed are replaced
 * before they are used; while it cannot be reached, callers are told so at once, and it is tried again after a growing
 * while.
 */
#include "store.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_FIRST (QV_NS_PER_SECOND / 10)
#define WAIT_MAX   (3 * QV_NS_PER_SECOND)
/* How much longer than the server's own timeout it is waited for, should the server or the network be gone. */
#define GRACE_MS 2000

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * QV_NS_PER_SECOND + now.tv_nsec;
}

int64_t monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t wall_clock(void)
{
	return read_clock(CLOCK_REALTIME);
}

void say(char *out, size_t size, const char *message)
{
	size_t used = 0;
	for (; *message && used + 1 < size; message++)
		if (*message != '\n')
			out[used++] = *message;
		else if (message[1])
			out[used++] = ' ';
	out[used] = 0;
}

void connection_close(struct connection *connection)
{
	if (connection)
		PQfinish(connection->pg);
	free(connection);
}

/* Waits until libpq has what it waits for. */
static int wait_readable(PGconn *pg, int64_t until)
{
	for (;;) {
		int64_t left = until - monotonic();
		struct pollfd poll_fd = { .fd = PQsocket(pg), .events = POLLIN };
		if (left <= 0)
			return -1;
		int got = poll(&poll_fd, 1, (int)(left / 1000000) + 1);
		if (got > 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return -1;
	}
}

PGresult *connection_result(struct qv_keystore *store, struct connection *connection, struct qv_error *err)
{
	int64_t until = monotonic() + (store->timeout_ms + GRACE_MS) * (QV_NS_PER_SECOND / 1000);
	PGresult *last = NULL;
	char text[256];
	for (;;) {
		while (PQisBusy(connection->pg))
			if (wait_readable(connection->pg, until) != 0 || !PQconsumeInput(connection->pg)) {
				PQclear(last);
				say(text, sizeof text, PQerrorMessage(connection->pg));
				qv_fail(err, QV_E_IO, "the database does not answer: %s", text[0] ? text : "timeout");
				return NULL;
			}
		PGresult *next = PQgetResult(connection->pg);
		if (!next)
			break;
		/* Of several, the first that failed tells. */
		bool keep = last && PQresultStatus(last) == PGRES_FATAL_ERROR;
		PQclear(keep ? next : last);
		last = keep ? last : next;
	}
	if (!last)
		qv_fail(err, QV_E_IO, "the database gave no result");
	return last;
}

int connection_run(struct qv_keystore *store, struct connection *connection, const char *sql, struct qv_error *err)
{
	char text[256];
	if (!PQsendQuery(connection->pg, sql)) {
		say(text, sizeof text, PQerrorMessage(connection->pg));
		return qv_fail(err, QV_E_IO, "the database cannot be asked: %s", text);
	}
	PGresult *result = connection_result(store, connection, err);
	if (!result)
		return -1;
	bool good = PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;
	int failed = good ? 0 : result_fail(store, result, err);
	PQclear(result);
	return failed;
}

static PGconn *connect_to_server(const struct qv_keystore *store)
{
	char seconds[16], milliseconds[16];
	snprintf(seconds, sizeof seconds, "%d", store->timeout_ms / 1000 + 2);
	snprintf(milliseconds, sizeof milliseconds, "%d", store->timeout_ms + GRACE_MS);
	/* What the connection string says comes later, and wins. */
	const char *const names[] = { "application_name",
				      "connect_timeout",
				      "tcp_user_timeout",
				      "keepalives_idle",
				      "keepalives_interval",
				      "keepalives_count",
				      "target_session_attrs",
				      "dbname",
				      "client_encoding",
				      store->password ? "password" : NULL,
				      NULL };
	const char *const values[] = {
		"qkd-kme", seconds,      milliseconds,    "10",   "5",
		"3",       "read-write", store->conninfo, "UTF8", (const char *)qv_secret_bytes(store->password),
		NULL
	};
	return PQconnectdbParams(names, values, 1);
}

static int set_up(struct qv_keystore *store, struct connection *connection, struct qv_error *err)
{
	char sql[768], join[96] = "";
	if (store->instance)
		snprintf(join, sizeof join, "SELECT pg_advisory_lock_shared(%d, %d);", store->space, store->instance);
	/* Small requests on big tables: whatever the statistics say, an index is the way. */
	snprintf(sql, sizeof sql,
		 "SET search_path = %s; SET synchronous_commit = on; SET statement_timeout = %d; SET lock_timeout = %d;"
		 "SET idle_in_transaction_session_timeout = %d; SET default_transaction_isolation = 'read committed';"
		 "SET client_min_messages = warning; SET plan_cache_mode = force_generic_plan; SET jit = off;"
		 "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
		 "SET enable_bitmapscan = off; %s",
		 store->schema, store->timeout_ms, store->timeout_ms, store->timeout_ms + GRACE_MS, join);
	return connection_run(store, connection, sql, err);
}

static void warn_of_bare_network(struct qv_keystore *store, PGconn *pg)
{
	const char *host = PQhost(pg);
	if (host && host[0] && host[0] != '/' && !PQsslInUse(pg) && strcmp(host, "localhost") != 0 &&
	    strncmp(host, "127.", 4) != 0 && strcmp(host, "::1") != 0)
		qv_log_warning(store->log, "the connection with the database at %s is not protected: set sslmode",
			       host);
}

static struct connection *connection_new(struct qv_keystore *store, struct qv_error *err)
{
	char text[400];
	struct connection *connection = calloc(1, sizeof *connection);
	if (!connection) {
		qv_fail(err, QV_E_NOMEM, "no memory for a connection with the database");
		return NULL;
	}
	connection->pg = connect_to_server(store);
	if (PQstatus(connection->pg) != CONNECTION_OK) {
		say(text, sizeof text, connection->pg ? PQerrorMessage(connection->pg) : "no memory");
		qv_fail(err, QV_E_IO, "the database cannot be reached: %s", text);
	} else if (set_up(store, connection, err) == 0) {
		return connection;
	}
	connection_close(connection);
	return NULL;
}

/* What the server sent while nobody asked is its end. */
static bool is_stale(PGconn *pg)
{
	struct pollfd poll_fd = { .fd = PQsocket(pg), .events = POLLIN };
	if (PQstatus(pg) != CONNECTION_OK)
		return true;
	if (poll(&poll_fd, 1, 0) <= 0)
		return false;
	return !PQconsumeInput(pg) || PQstatus(pg) != CONNECTION_OK || poll(&poll_fd, 1, 0) > 0;
}

/* An idle connection, or NULL: the caller may make one. Locked. */
static struct connection *take_idle(struct qv_keystore *store)
{
	while (store->idle) {
		struct connection *connection = store->idle;
		store->idle = connection->next;
		if (!is_stale(connection->pg))
			return connection;
		connection_close(connection);
		store->open--;
	}
	return NULL;
}

static void note_away(struct qv_keystore *store, const struct qv_error *why)
{
	if (!store->away && store->instance)
		qv_log_error(store->log, "%s", why->message);
	store->away = true;
	store->why = *why;
	store->wait = store->wait == 0 ? WAIT_FIRST : store->wait * 2 > WAIT_MAX ? WAIT_MAX : store->wait * 2;
	store->retry_at = monotonic() + store->wait;
}

static void note_back(struct qv_keystore *store, PGconn *pg)
{
	if (store->away && store->instance)
		qv_log_info(store->log, "the database can be reached again");
	if (store->away || !store->instance)
		warn_of_bare_network(store, pg);
	store->away = false;
	store->wait = 0;
}

/* Waits until a connection is free or may be made. Locked. */
static int wait_for_room(struct qv_keystore *store, struct qv_error *err)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += store->timeout_ms / 1000 + 1;
	while (!store->idle && store->open >= store->connections)
		if (pthread_cond_clockwait(&store->freed, &store->lock, CLOCK_MONOTONIC, &until) == ETIMEDOUT)
			return qv_fail(err, QV_E_BUSY, "all %u connections with the database are busy",
				       store->connections);
	return 0;
}

struct connection *connection_take(struct qv_keystore *store, struct qv_error *err)
{
	struct qv_error why = QV_ERROR_INIT;
	struct connection *connection = NULL;
	pthread_mutex_lock(&store->lock);
	int ready = wait_for_room(store, err);
	if (ready == 0)
		connection = take_idle(store);
	bool make = ready == 0 && !connection;
	if (make && store->away && monotonic() < store->retry_at) {
		*(err ? err : &why) = store->why;
		make = false;
	}
	store->open += make;
	pthread_mutex_unlock(&store->lock);
	if (!make)
		return connection;
	connection = connection_new(store, &why);
	pthread_mutex_lock(&store->lock);
	if (connection) {
		note_back(store, connection->pg);
	} else {
		store->open--;
		note_away(store, &why);
		pthread_cond_signal(&store->freed);
	}
	pthread_mutex_unlock(&store->lock);
	if (!connection && err)
		*err = why;
	return connection;
}

void connection_give(struct qv_keystore *store, struct connection *connection)
{
	bool good = PQstatus(connection->pg) == CONNECTION_OK && PQtransactionStatus(connection->pg) == PQTRANS_IDLE;
	if (!good)
		connection_close(connection);
	pthread_mutex_lock(&store->lock);
	if (good) {
		connection->next = store->idle;
		store->idle = connection;
	} else {
		store->open--;
	}
	pthread_cond_signal(&store->freed);
	pthread_mutex_unlock(&store->lock);
}
