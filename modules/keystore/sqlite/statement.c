/* SPDX-License-Identifier: Apache-2.0 */
/* Every SQL statement, and what running one takes. */
#include "store.h"

#include <string.h>

static const char *const texts[ST_COUNT] = {
	[ST_PROPERTY_GET] = "SELECT value FROM property WHERE name = ?1",
	[ST_PROPERTY_SET] = "INSERT OR IGNORE INTO property (name, value) VALUES (?1, ?2)",
	[ST_LINK_ADD] = "INSERT OR IGNORE INTO link (name) VALUES (?1)",
	[ST_LINK_ID] = "SELECT id FROM link WHERE name = ?1",
	[ST_LANE_ADD] = "INSERT OR IGNORE INTO lane (link, lane, cursor, free) VALUES (?1, ?2, '', 0)",
	[ST_LANE_GET] = "SELECT cursor, free FROM lane WHERE link = ?1 AND lane = ?2",
	[ST_LANE_CURSOR] = "UPDATE lane SET cursor = ?3 WHERE link = ?1 AND lane = ?2 AND cursor = ?4",
	[ST_LANE_FREE] = "UPDATE lane SET free = free + ?3 WHERE link = ?1 AND lane = ?2",
	[ST_POOL_ADD] = "INSERT OR IGNORE INTO pool (link, lane, label, sealed, imported, ready)"
			" VALUES (?1, ?2, ?3, ?4, ?5, 0)",
	[ST_POOL_OLDEST] = "SELECT id, label, sealed FROM pool WHERE link = ?1 AND lane = ?2 AND request IS NULL"
			   " AND ready <= ?3 ORDER BY ready, id LIMIT ?4",
	[ST_POOL_RESERVE] = "UPDATE pool SET request = ?2 WHERE id = ?1",
	[ST_POOL_RESERVED] = "SELECT id, link, lane, label, imported FROM pool WHERE request = ?1",
	[ST_POOL_FREE] = "UPDATE pool SET request = NULL, ready = ?2 WHERE id = ?1",
	[ST_POOL_DISCARD] = "DELETE FROM pool WHERE id = ?1",
	[ST_POOL_FINISH] = "DELETE FROM pool WHERE request = ?1",
	[ST_POOL_FIND] = "SELECT sealed FROM pool WHERE link = ?1 AND label = ?2 AND lane = ?3 AND request IS NULL",
	[ST_POOL_TAKE] = "DELETE FROM pool WHERE link = ?1 AND label = ?2 AND lane = ?3 AND request IS NULL",
	[ST_POOL_WALK] = "SELECT id, label FROM pool WHERE link = ?1 AND lane = ?2 AND id > ?3 AND imported < ?4"
			 " AND request IS NULL ORDER BY id LIMIT ?5",
	[ST_POOL_HAS] = "SELECT 1 FROM pool WHERE link = ?1 AND label = ?2 AND lane = ?3",
	[ST_RESERVATIONS] = "DELETE FROM orphan RETURNING request, link",
	[ST_REQUEST_GET] = "SELECT undone FROM request WHERE id = ?1",
	[ST_REQUEST_ADD] = "INSERT INTO request (id, at, undone) VALUES (?1, ?2, 0)",
	[ST_REQUEST_UNDO] = "INSERT INTO request (id, at, undone) VALUES (?1, ?2, 1)"
			    " ON CONFLICT (id) DO UPDATE SET undone = 1",
	[ST_PROMISE_ADD] = "INSERT INTO promise (key_id, slave, master, request, labels, bytes, sealed, expires)"
			   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[ST_PROMISE_GET] = "SELECT master, labels, bytes, expires, sealed FROM promise"
			   " WHERE key_id = ?1 AND slave = ?2",
	[ST_PROMISE_ANY] = "SELECT 1 FROM promise WHERE key_id = ?1 LIMIT 1",
	[ST_PROMISE_DELIVERED] = "UPDATE promise SET sealed = NULL WHERE key_id = ?1 AND slave = ?2",
	[ST_PROMISE_OF] = "SELECT key_id, slave, master, labels, bytes, expires, sealed FROM promise"
			  " WHERE request = ?1 AND sealed IS NOT NULL",
	[ST_PROMISE_LATE] = "SELECT 1 FROM promise WHERE request = ?1 AND sealed IS NULL LIMIT 1",
	[ST_PROMISE_DROP] = "DELETE FROM promise WHERE request = ?1",
	[ST_PURGE_PROMISES] = /* Not "sealed IS NOT NULL", which SQLite 3.40 answers with 1 for every row that was deleted. */
	"DELETE FROM promise WHERE (key_id, slave) IN"
	" (SELECT key_id, slave FROM promise WHERE expires < ?1 ORDER BY expires LIMIT ?2)"
	" RETURNING typeof(sealed) <> 'null', key_id, slave, master, labels, bytes, expires",
	[ST_PURGE_REQUESTS] = "DELETE FROM request WHERE at < ?1",
};

int store_fail(struct qv_keystore *store, struct qv_error *err, const char *doing)
{
	int code = store->db ? sqlite3_extended_errcode(store->db) : SQLITE_NOMEM;
	const char *text = store->db ? sqlite3_errmsg(store->db) : "out of memory";
	if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
		return qv_fail(err, QV_E_BUSY, "%s: %s the key store: another process has it open (%s)", store->file,
			       doing, text);
	if ((code & 0xff) == SQLITE_CONSTRAINT)
		return qv_fail(err, QV_E_INVALID, "%s: %s the key store: %s", store->file, doing, text);
	return qv_fail(err, QV_E_IO, "%s: %s the key store: %s (SQLite code %d)", store->file, doing, text, code);
}

sqlite3_stmt *statement(struct qv_keystore *store, enum statement which, struct qv_error *err)
{
	sqlite3_stmt **slot = &store->statements[which];
	if (!*slot &&
	    sqlite3_prepare_v3(store->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, slot, NULL) != SQLITE_OK) {
		store_fail(store, err, "preparing a statement on");
		return NULL;
	}
	sqlite3_reset(*slot);
	sqlite3_clear_bindings(*slot);
	return *slot;
}

int step(struct qv_keystore *store, sqlite3_stmt *statement, struct qv_error *err)
{
	int got = sqlite3_step(statement);
	if (got == SQLITE_ROW)
		return 1;
	int result = got == SQLITE_DONE ? 0 : store_fail(store, err, "using");
	sqlite3_reset(statement);
	return result;
}

int change(struct qv_keystore *store, sqlite3_stmt *statement, struct qv_error *err)
{
	int got = step(store, statement, err);
	return got < 0 ? -1 : sqlite3_changes(store->db);
}

void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

void bind_int(sqlite3_stmt *statement, int at, int64_t value)
{
	sqlite3_bind_int64(statement, at, value);
}

void bind_sealed(sqlite3_stmt *statement, int at, const struct qv_sealed *sealed)
{
	sqlite3_bind_blob64(statement, at, sealed->bytes, sealed->size, SQLITE_STATIC);
}

const char *column_text(sqlite3_stmt *statement, int at)
{
	const char *text = (const char *)sqlite3_column_text(statement, at);
	return text ? text : "";
}
