/* SPDX-License-Identifier: Apache-2.0 */
/* The tables, and the version that says which of them a file has. */
#include "store.h"

#include <stdio.h>

#define SCHEMA_VERSION 2
#define SHRINK_PAGES   500
#define TEXT_OF(value) #value
#define TEXT(value)    TEXT_OF(value)

/*
 * pool.ready: the key may be picked from then on (0: at once). pool.request: who has reserved it, or NULL.
 * promise.sealed: NULL once delivered; the row stays until it expires, so that "delivered" differs from "unknown".
 * lane.free counts the pool rows without request, so that nobody has to.
 */
static const char schema[] =
	"CREATE TABLE property (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE link (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE lane (link INTEGER NOT NULL, lane INTEGER NOT NULL, cursor TEXT NOT NULL, free INTEGER NOT NULL,"
	" PRIMARY KEY (link, lane)) WITHOUT ROWID;"
	"CREATE TABLE pool (id INTEGER PRIMARY KEY, link INTEGER NOT NULL, lane INTEGER NOT NULL, label TEXT NOT NULL,"
	" sealed BLOB NOT NULL, imported INTEGER NOT NULL, ready INTEGER NOT NULL, request TEXT);"
	"CREATE UNIQUE INDEX pool_label ON pool (link, label);"
	"CREATE INDEX pool_free ON pool (link, lane, ready) WHERE request IS NULL;"
	"CREATE INDEX pool_request ON pool (request) WHERE request IS NOT NULL;"
	"CREATE TABLE request (id TEXT PRIMARY KEY, at INTEGER NOT NULL, undone INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX request_at ON request (at);"
	"CREATE TABLE promise (key_id TEXT NOT NULL, slave TEXT NOT NULL, master TEXT NOT NULL, request TEXT NOT NULL,"
	" labels TEXT NOT NULL, bytes INTEGER NOT NULL, sealed BLOB, expires INTEGER NOT NULL,"
	" PRIMARY KEY (key_id, slave)) WITHOUT ROWID;"
	"CREATE INDEX promise_request ON promise (request);"
	"CREATE INDEX promise_expires ON promise (expires);";

/* Reserved by a process that is no more: all that is reserved when the file is opened. */
static const char orphans[] = "CREATE TEMP TABLE orphan AS SELECT DISTINCT pool.request AS request, link.name AS link"
			      " FROM pool JOIN link ON link.id = pool.link WHERE pool.request IS NOT NULL;";

static int execute(struct qv_keystore *store, const char *sql, const char *doing, struct qv_error *err)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(store, err, doing);
}

static int read_pragma(struct qv_keystore *store, const char *sql, int *value, struct qv_error *err)
{
	sqlite3_stmt *query;
	if (sqlite3_prepare_v2(store->db, sql, -1, &query, NULL) != SQLITE_OK)
		return store_fail(store, err, "reading the settings of");
	int got = sqlite3_step(query);
	*value = got == SQLITE_ROW ? sqlite3_column_int(query, 0) : -1;
	sqlite3_finalize(query);
	return got == SQLITE_ROW ? 0 : store_fail(store, err, "reading the settings of");
}

int schema_shrink(struct qv_keystore *store, struct qv_error *err)
{
	int pages, unused;
	if (read_pragma(store, "PRAGMA page_count", &pages, err) != 0 ||
	    read_pragma(store, "PRAGMA freelist_count", &unused, err) != 0)
		return -1;
	/* What comes and goes all day shall find its room again; and nobody shall wait for all of it. */
	if (unused < SHRINK_PAGES || unused < pages / 2)
		return 0;
	return execute(store, "PRAGMA incremental_vacuum(" TEXT(SHRINK_PAGES) ")", "shrinking", err);
}

static int create(struct qv_keystore *store, struct qv_error *err)
{
	char version[64];
	snprintf(version, sizeof version, "PRAGMA user_version = %d; COMMIT", SCHEMA_VERSION);
	if (execute(store, "BEGIN IMMEDIATE", "making its tables", err) != 0)
		return -1;
	return execute(store, schema, "making its tables", err) == 0 ? execute(store, version, "making its tables", err)
								     : -1;
}

/* Version 1 could not give room back. Rewriting the file is safe at any moment, and may be done twice. */
static int migrate(struct qv_keystore *store, struct qv_error *err)
{
	qv_log_info(store->log, "%s: bringing the key store from schema version 1 to 2", store->file);
	return execute(store, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM; PRAGMA user_version = 2", "migrating", err);
}

static int open_version(struct qv_keystore *store, struct qv_error *err)
{
	int version = 0;
	/* A second KME on the same file would hand out the same keys: exclusive locking keeps it out. */
	if (execute(store,
		    "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA temp_store = MEMORY; PRAGMA locking_mode = EXCLUSIVE; "
		    "PRAGMA journal_mode = WAL; PRAGMA "
		    "synchronous = FULL;",
		    "opening", err) != 0 ||
	    execute(store, "BEGIN IMMEDIATE; COMMIT", "locking", err) != 0 ||
	    read_pragma(store, "PRAGMA user_version", &version, err) != 0)
		return -1;
	store->synchronous = true;
	if (version == 0)
		return create(store, err);
	if (version == 1)
		return migrate(store, err);
	if (version != SCHEMA_VERSION)
		return qv_fail(
			err, QV_E_UNSUPPORTED,
			"%s: the key store has schema version %d, this program knows %d; use the program that made it",
			store->file, version, SCHEMA_VERSION);
	return 0;
}

int schema_open(struct qv_keystore *store, struct qv_error *err)
{
	return open_version(store, err) == 0 ? execute(store, orphans, "reading its reservations", err) : -1;
}
