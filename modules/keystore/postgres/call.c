/* SPDX-License-Identifier: Apache-2.0 */
/* Every SQL statement, and what running one takes. */
#include "store.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 8

static const char *const texts[ST_COUNT] = {
	[ST_PROPERTY_GET] = "SELECT value FROM property WHERE name = $1::text",
	[ST_PROPERTY_SET] = "INSERT INTO property VALUES ($1::text, $2::bytea) ON CONFLICT DO NOTHING",
	[ST_IMPORT] = "SELECT import($1::text, $2::int, $3::text[], $4::bytea[], $5::text, $6::text, $7::bigint)",
	[ST_CURSOR] = "SELECT cursor FROM lane WHERE link = (SELECT id FROM link WHERE name = $1::text)"
		      " AND lane = $2::int",
	[ST_STOCK] = "SELECT COALESCE(sum(free), 0)::bigint FROM stock"
		     " WHERE link = (SELECT id FROM link WHERE name = $1::text) AND lane = $2::int",
	/* A commit that waits for no disk: see reserve in keystore.h. */
	[ST_RESERVE] =
		"WITH picked AS MATERIALIZED (SELECT id FROM pool WHERE link = (SELECT id FROM link WHERE name = "
		"$2::text)"
		" AND lane = $3::int AND request IS NULL AND ready <= $5::bigint ORDER BY ready, id LIMIT $4::bigint"
		" FOR UPDATE SKIP LOCKED),"
		" taken AS (UPDATE pool SET request = $1::text, owner = $6::int"
		" WHERE id = ANY (ARRAY (SELECT id FROM picked)) AND (SELECT count(*) FROM picked) = $4::bigint"
		" RETURNING id, link, ready, label, sealed),"
		" counted AS (INSERT INTO stock SELECT link, $3::int, pg_backend_pid() % 32, -count(*) FROM taken"
		" GROUP BY link ON CONFLICT (link, lane, part) DO UPDATE SET free = stock.free + excluded.free)"
		" SELECT label, sealed, set_config('synchronous_commit', 'off', true) FROM taken ORDER BY ready, id",
	[ST_RELEASE] = "SELECT release($1::text, $2::int, $3::text[], $4::bigint, $5::bigint)",
	[ST_ADOPT] = "SELECT request_id, link_name FROM adopt($1::int, $2::int)",
	[ST_FIND] =
		"SELECT pool.label, pool.sealed FROM unnest($3::text[]) WITH ORDINALITY AS wanted (label, at)"
		" JOIN pool ON pool.link = (SELECT id FROM link WHERE name = $1::text)"
		" AND pool.label = wanted.label AND pool.lane = $2::int AND pool.request IS NULL ORDER BY wanted.at",
	[ST_SETTLE] = "SELECT settle($1::text, $2::int, $3::boolean, $4::text, $5::int, $6::text[], $7::text[],"
		      " $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bytea[], $13::bigint[], $14::bigint)",
	[ST_DELIVER] =
		"WITH old AS MATERIALIZED (SELECT key_id, labels, bytes, expires, sealed FROM promise"
		" WHERE key_id = ANY ($3::text[]) AND slave = $1::text AND master = $2::text AND sealed IS NOT NULL"
		" AND expires >= $4::bigint ORDER BY key_id FOR UPDATE)"
		" UPDATE promise SET sealed = NULL FROM old WHERE promise.key_id = old.key_id AND promise.slave = "
		"$1::text"
		" AND (SELECT count(*) FROM old) = cardinality($3::text[])"
		" RETURNING old.key_id, old.labels, old.bytes, old.expires, old.sealed",
	/* Mostly it is one: a rival that waited for this update finds nothing sealed any more. */
	[ST_DELIVER_ONE] =
		"UPDATE promise SET sealed = NULL FROM promise AS old WHERE promise.key_id = ($3::text[])[1]"
		" AND promise.slave = $1::text AND promise.master = $2::text AND promise.sealed IS NOT NULL"
		" AND promise.expires >= $4::bigint AND old.key_id = promise.key_id AND old.slave = promise.slave"
		" RETURNING old.key_id, old.labels, old.bytes, old.expires, old.sealed",
	/* The first key that could not be delivered, and whether it is another SAE's. */
	[ST_FAULT] = "SELECT wanted.id, COALESCE(promise.master <> $2::text,"
		     " EXISTS (SELECT FROM promise AS other WHERE other.key_id = wanted.id))"
		     " FROM unnest($3::text[]) WITH ORDINALITY AS wanted (id, at)"
		     " LEFT JOIN promise ON promise.key_id = wanted.id AND promise.slave = $1::text"
		     " WHERE promise.key_id IS NULL OR promise.master <> $2::text OR promise.sealed IS NULL"
		     " OR promise.expires < $4::bigint OR array_position($3::text[], wanted.id) < wanted.at"
		     " ORDER BY wanted.at LIMIT 1",
	[ST_PROMISES] = "SELECT key_id, slave, master, labels, bytes, expires, sealed FROM promise"
			" WHERE request = $1::text AND sealed IS NOT NULL",
	[ST_UNDO] = "SELECT undo($1::text, $2::text, $3::int, $4::text[], $5::bytea[], $6::bigint)",
	[ST_PURGE] = "DELETE FROM promise WHERE (key_id, slave) IN (SELECT key_id, slave FROM promise"
		     " WHERE expires < $1::bigint ORDER BY expires LIMIT $2::bigint FOR UPDATE SKIP LOCKED)"
		     " RETURNING key_id, slave, master, labels, bytes, expires, sealed IS NOT NULL",
	[ST_FORGET] = "DELETE FROM request WHERE at < $1::bigint",
	[ST_FEED] = "SELECT feed($1::int, $2::int, $3::text, $4::int),"
		    " set_config('synchronous_commit', 'off', true)",
	[ST_LEAVE] = "WITH gone AS (DELETE FROM feeder WHERE owner = $1::int) DELETE FROM instance WHERE id = $1::int",
	[ST_WALK] =
		"SELECT label, id FROM pool WHERE link = (SELECT id FROM link WHERE name = $1::text)"
		" AND lane = $2::int AND request IS NULL AND ready = 0 AND id > $3::bigint AND imported < $4::bigint"
		" ORDER BY id LIMIT $5::bigint",
	[ST_LACKING] =
		"SELECT wanted.label FROM unnest($3::text[]) WITH ORDINALITY AS wanted (label, at)"
		" WHERE NOT EXISTS (SELECT FROM pool WHERE pool.link = (SELECT id FROM link WHERE name = $1::text)"
		" AND pool.label = wanted.label AND pool.lane = $2::int) ORDER BY wanted.at",
	[ST_DISCARD] = "WITH gone AS (DELETE FROM pool WHERE link = (SELECT id FROM link WHERE name = $1::text)"
		       " AND lane = $2::int AND label = ANY ($3::text[]) AND request IS NULL RETURNING link),"
		       " counted AS (INSERT INTO stock SELECT link, $2::int, pg_backend_pid() % 32, -count(*) FROM gone"
		       " GROUP BY link ON CONFLICT (link, lane, part) DO UPDATE SET free = stock.free + excluded.free)"
		       " SELECT count(*) FROM gone",
};

static char *arg_new(struct arguments *arguments, size_t size)
{
	char *value = malloc(size ? size : 1);
	arguments->failed = arguments->failed || !value || size > INT32_MAX;
	arguments->values[arguments->count] = value;
	arguments->lengths[arguments->count++] = (int)size;
	return value;
}

void arg_bytes(struct arguments *arguments, const uint8_t *bytes, size_t size)
{
	char *value = arg_new(arguments, size);
	if (value && size)
		memcpy(value, bytes, size);
}

void arg_text(struct arguments *arguments, const char *text)
{
	arg_bytes(arguments, (const uint8_t *)text, strlen(text));
}

void arg_int4(struct arguments *arguments, int32_t value)
{
	uint32_t wire = htobe32((uint32_t)value);
	arg_bytes(arguments, (const uint8_t *)&wire, sizeof wire);
}

void arg_int8(struct arguments *arguments, int64_t value)
{
	uint64_t wire = htobe64((uint64_t)value);
	arg_bytes(arguments, (const uint8_t *)&wire, sizeof wire);
}

void arg_bool(struct arguments *arguments, bool value)
{
	uint8_t wire = value;
	arg_bytes(arguments, &wire, sizeof wire);
}

static char *put(char *at, uint32_t value)
{
	uint32_t wire = htobe32(value);
	memcpy(at, &wire, sizeof wire);
	return at + sizeof wire;
}

/* Dimensions, whether there are NULLs, type, length, lower bound; then each element behind its length. */
void arg_array(struct arguments *arguments, enum arg_type type, size_t count,
	       struct arg_item (*item)(const void *from, size_t i), const void *from)
{
	size_t size = count ? 20 : 12;
	for (size_t i = 0; i < count; i++)
		size += 4 + item(from, i).size;
	char *at = arg_new(arguments, size);
	if (!at)
		return;
	at = put(at, count ? 1 : 0);
	at = put(at, 0);
	at = put(at, type);
	if (count) {
		at = put(at, (uint32_t)count);
		at = put(at, 1);
	}
	for (size_t i = 0; i < count; i++) {
		struct arg_item one = item(from, i);
		at = put(at, (uint32_t)one.size);
		if (one.size)
			memcpy(at, one.bytes, one.size);
		at += one.size;
	}
}

static struct arg_item text_item(const void *from, size_t i)
{
	const char *text = ((const char *const *)from)[i];
	return (struct arg_item){ text, strlen(text) };
}

void arg_texts(struct arguments *arguments, const char *const *from, size_t count)
{
	arg_array(arguments, ARG_TEXTS, count, text_item, from);
}

void arguments_clear(struct arguments *arguments)
{
	for (int i = 0; i < arguments->count; i++)
		free(arguments->values[i]);
	arguments->count = 0;
}

int64_t column_int(const PGresult *result, int row, int column)
{
	const char *value = PQgetvalue(result, row, column);
	uint64_t eight;
	uint32_t four;
	switch (PQgetlength(result, row, column)) {
	case 1:
		return *value != 0;
	case 4:
		memcpy(&four, value, sizeof four);
		return (int32_t)be32toh(four);
	case 8:
		memcpy(&eight, value, sizeof eight);
		return (int64_t)be64toh(eight);
	default:
		return 0;
	}
}

const char *column_text(const PGresult *result, int row, int column)
{
	return PQgetvalue(result, row, column);
}

struct qv_sealed column_sealed(const PGresult *result, int row, int column)
{
	return (struct qv_sealed){ (const uint8_t *)PQgetvalue(result, row, column),
				   (size_t)PQgetlength(result, row, column) };
}

static enum qv_code code_of(const char *state)
{
	static const struct {
		const char *state;
		enum qv_code code;
	} codes[] = { { "QV404", QV_E_NOT_FOUND }, { "QV403", QV_E_DENIED }, { "QV409", QV_E_BUSY },
		      { "23505", QV_E_INVALID },   { "57014", QV_E_BUSY },   { "55P03", QV_E_BUSY },
		      { "40001", QV_E_BUSY },      { "40P01", QV_E_BUSY },   { "22021", QV_E_INVALID } };
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (strcmp(codes[i].state, state) == 0)
			return codes[i].code;
	return QV_E_IO;
}

int result_fail(struct qv_keystore *store, const PGresult *result, struct qv_error *err)
{
	char text[512];
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	(void)store;
	say(text, sizeof text, message ? message : PQresultErrorMessage(result));
	if (state && strncmp(state, "QV", 2) == 0)
		return qv_fail(err, code_of(state), "%s", text);
	return qv_fail(err, state ? code_of(state) : QV_E_IO, "the database says: %s (SQLSTATE %s)", text,
		       state ? state : "none");
}

static bool may_try_again(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	return state && (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0);
}

/* A standby, or a server that is being stopped: this connection is of no more use. */
static bool is_elsewhere(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	return state && (strcmp(state, "25006") == 0 || strncmp(state, "57P", 3) == 0);
}

static int prepare(struct qv_keystore *store, struct connection *connection, enum statement which, const char *name,
		   struct qv_error *err)
{
	if (connection->prepared >> which & 1)
		return 0;
	if (!PQsendPrepare(connection->pg, name, texts[which], 0, NULL))
		return qv_fail(err, QV_E_IO, "the database cannot be asked");
	PGresult *result = connection_result(store, connection, err);
	int failed = !result ? -1 : PQresultStatus(result) == PGRES_COMMAND_OK ? 0 : result_fail(store, result, err);
	PQclear(result);
	if (failed == 0)
		connection->prepared |= UINT64_C(1) << which;
	return failed;
}

/* NULL with err, or a result that may be an error. */
static PGresult *execute(struct qv_keystore *store, struct connection *connection, enum statement which,
			 struct arguments *arguments, struct qv_error *err)
{
	static const int binary[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	char name[8], text[256];
	snprintf(name, sizeof name, "s%u", (unsigned)which);
	if (prepare(store, connection, which, name, err) != 0)
		return NULL;
	if (!PQsendQueryPrepared(connection->pg, name, arguments->count, (const char *const *)arguments->values,
				 arguments->lengths, binary, 1)) {
		say(text, sizeof text, PQerrorMessage(connection->pg));
		qv_fail(err, QV_E_IO, "the database cannot be asked: %s", text);
		return NULL;
	}
	return connection_result(store, connection, err);
}

static bool is_good(const PGresult *result)
{
	return PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK;
}

static PGresult *call_with(struct qv_keystore *store, struct connection *connection, enum statement which,
			   struct arguments *arguments, struct qv_error *err)
{
	for (int i = 0;; i++) {
		PGresult *result = execute(store, connection, which, arguments, err);
		if (!result || is_good(result))
			return result;
		bool again = may_try_again(result) && i + 1 < TRIES;
		if (!again)
			result_fail(store, result, err);
		if (is_elsewhere(result)) {
			PQfinish(connection->pg);
			connection->pg = NULL;
		}
		PQclear(result);
		if (!again)
			return NULL;
	}
}

PGresult *store_call(struct qv_keystore *store, enum statement which, struct arguments *arguments, struct qv_error *err)
{
	PGresult *result = NULL;
	struct connection *connection = NULL;
	if (arguments->failed)
		qv_fail(err, QV_E_NOMEM, "no memory for keys");
	else
		connection = connection_take(store, err);
	if (connection) {
		result = call_with(store, connection, which, arguments, err);
		/* One that was left in the midst of an answer is closed by connection_give. */
		connection_give(store, connection);
	}
	arguments_clear(arguments);
	return result;
}

int store_change(struct qv_keystore *store, enum statement which, struct arguments *arguments, struct qv_error *err)
{
	PGresult *result = store_call(store, which, arguments, err);
	PQclear(result);
	return result ? 0 : -1;
}
