/* SPDX-License-Identifier: Apache-2.0 */
/* Brings the schema to the version of this program, and registers this instance in it. */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

/* The first column of the first row as a number; -1 without a row. */
static int ask(struct qv_keystore *store, struct connection *connection, const char *sql, long *number,
	       struct qv_error *err)
{
	if (!PQsendQuery(connection->pg, sql))
		return qv_fail(err, QV_E_IO, "the database cannot be asked");
	PGresult *result = connection_result(store, connection, err);
	int failed = !result ? -1 : PQresultStatus(result) == PGRES_TUPLES_OK ? 0 : result_fail(store, result, err);
	if (failed == 0)
		*number = PQntuples(result) ? strtol(PQgetvalue(result, 0, 0), NULL, 10) : -1;
	PQclear(result);
	return failed;
}

/* 0: there is no schema, or nothing in it. */
static int read_version(struct qv_keystore *store, struct connection *connection, long *version, struct qv_error *err)
{
	char sql[256];
	long there;
	snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_namespace WHERE nspname = '%.*s'",
		 (int)strlen(store->schema) - 2, store->schema + 1);
	if (ask(store, connection, sql, &there, err) != 0)
		return -1;
	if (there == 0) {
		snprintf(sql, sizeof sql, "CREATE SCHEMA %s", store->schema);
		if (connection_run(store, connection, sql, err) != 0)
			return -1;
	}
	snprintf(sql, sizeof sql,
		 "CREATE TABLE IF NOT EXISTS %s.version (version integer NOT NULL);"
		 "SELECT max(version) FROM %s.version",
		 store->schema, store->schema);
	if (ask(store, connection, sql, version, err) != 0)
		return -1;
	return 0;
}

/* A process of the old version would go on with tables that are no more. */
static int refuse_while_others_live(struct qv_keystore *store, struct connection *connection, struct qv_error *err)
{
	char sql[256];
	long living;
	snprintf(sql, sizeof sql, "SELECT count(*) FROM %s.instance WHERE NOT pg_try_advisory_xact_lock(%d, id)",
		 store->schema, store->space);
	if (ask(store, connection, sql, &living, err) != 0)
		return -1;
	if (living > 0)
		return qv_fail(err, QV_E_BUSY,
			       "schema %s is of an older version, and %ld processes use it: stop them, start one, then "
			       "the others",
			       store->schema, living);
	return 0;
}

static int migrate(struct qv_keystore *store, struct connection *connection, long version, struct qv_error *err)
{
	char sql[128];
	if (version > 0 && refuse_while_others_live(store, connection, err) != 0)
		return -1;
	for (long i = version; i < SCHEMA_VERSION; i++)
		if (connection_run(store, connection, schema_steps[i], err) != 0)
			return qv_error_prefix(err, "bringing schema %s to version %ld", store->schema, i + 1);
	snprintf(sql, sizeof sql, "DELETE FROM version; INSERT INTO version VALUES (%d)", SCHEMA_VERSION);
	if (connection_run(store, connection, schema_functions, err) != 0 ||
	    connection_run(store, connection, sql, err) != 0)
		return -1;
	if (version > 0)
		qv_log_info(store->log, "schema %s was brought from version %ld to %d", store->schema, version,
			    SCHEMA_VERSION);
	return 0;
}

static int register_instance(struct qv_keystore *store, struct connection *connection, struct qv_error *err)
{
	char sql[128];
	long id;
	if (ask(store, connection, "INSERT INTO instance DEFAULT VALUES RETURNING id", &id, err) != 0)
		return -1;
	snprintf(sql, sizeof sql, "SELECT pg_advisory_lock_shared(%d, %ld)", store->space, id);
	if (connection_run(store, connection, sql, err) != 0)
		return -1;
	store->instance = (int32_t)id;
	return 0;
}

static int open_in_transaction(struct qv_keystore *store, struct connection *connection, struct qv_error *err)
{
	char sql[128];
	long version;
	/* Those that start at the same time do this one after the other. */
	snprintf(sql, sizeof sql, "BEGIN; SELECT pg_advisory_xact_lock(%d, 0)", store->space);
	if (connection_run(store, connection, sql, err) != 0 || read_version(store, connection, &version, err) != 0)
		return -1;
	if (version > SCHEMA_VERSION)
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "schema %s has version %ld, this program knows %d; use the program that made it",
			       store->schema, version, SCHEMA_VERSION);
	if (version < SCHEMA_VERSION && migrate(store, connection, version, err) != 0)
		return -1;
	if (register_instance(store, connection, err) != 0)
		return -1;
	return connection_run(store, connection, "COMMIT", err);
}

static void warn_of_settings(struct qv_keystore *store, struct connection *connection)
{
	long safe = 1;
	ask(store, connection,
	    "SELECT (current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on')::int", &safe,
	    NULL);
	if (!safe)
		qv_log_warning(store->log,
			       "the database runs without fsync or full_page_writes: after loss of power it "
			       "may give keys a second time");
}

int schema_open(struct qv_keystore *store, struct qv_error *err)
{
	struct connection *connection = connection_take(store, err);
	if (!connection)
		return -1;
	int failed = open_in_transaction(store, connection, err);
	if (failed == 0)
		warn_of_settings(store, connection);
	else
		store->instance = 0;
	connection_give(store, connection);
	return failed;
}
