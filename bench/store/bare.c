/* SPDX-License-Identifier: Apache-2.0 */
/* The least that a durable store of keys that are given once has to do, on the same libraries. */
#include "store.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static void sqlite_run(struct bench_data *data, const char *sql)
{
	if (sqlite3_exec(data->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
		bench_fail(sql, sqlite3_errmsg(data->sqlite));
}

void bare_sqlite_open(struct bench_data *data, const char *file)
{
	if (sqlite3_open(file, &data->sqlite) != SQLITE_OK)
		bench_fail(file, sqlite3_errmsg(data->sqlite));
	sqlite_run(data, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			 "CREATE TABLE key (id TEXT PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID");
}

void bare_sqlite_close(struct bench_data *data)
{
	sqlite3_close(data->sqlite);
}

static void name(char *id, size_t size, uint64_t number)
{
	snprintf(id, size, "%08x-0002-4000-8000-%012llx", (unsigned)(number * 2654435761u), (unsigned long long)number);
}

/* Runs the statement for each key of the round. */
static void for_each(struct bench_data *data, sqlite3_stmt *statement, unsigned batch, int wanted)
{
	for (unsigned i = 0; i < data->count; i++) {
		char id[QV_UUID_LENGTH + 1];
		name(id, sizeof id, data->bare_made + i);
		if (i % batch == 0)
			sqlite_run(data, "BEGIN IMMEDIATE");
		sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
		if (sqlite3_step(statement) != wanted)
			bench_fail("bare SQLite", sqlite3_errmsg(data->sqlite));
		sqlite3_reset(statement);
		if ((i + 1) % batch == 0 || i + 1 == data->count)
			sqlite_run(data, "COMMIT");
	}
}

double bare_sqlite_round(struct bench_data *data)
{
	sqlite3_stmt *insert, *take;
	if (sqlite3_prepare_v2(data->sqlite, "INSERT INTO key VALUES (?1, zeroblob(72))", -1, &insert, NULL) ||
	    sqlite3_prepare_v2(data->sqlite, "DELETE FROM key WHERE id = ?1 RETURNING sealed", -1, &take, NULL))
		bench_fail("bare SQLite", sqlite3_errmsg(data->sqlite));
	for_each(data, insert, data->count, SQLITE_DONE);
	double start = bench_wall();
	for_each(data, take, data->batch, SQLITE_ROW);
	double taken = bench_wall() - start;
	data->bare_made += data->count;
	sqlite3_finalize(insert);
	sqlite3_finalize(take);
	return taken * 1e6 / data->count;
}

static PGresult *ask(PGconn *pg, PGresult *result)
{
	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		bench_fail("bare PostgreSQL", PQerrorMessage(pg));
	return result;
}

void bare_postgres_open(struct bench_data *data, const char *connection)
{
	for (unsigned i = 0; i < BARE_CONNECTIONS; i++) {
		data->postgres[i] = PQconnectdb(connection);
		if (PQstatus(data->postgres[i]) != CONNECTION_OK)
			bench_fail("bare PostgreSQL", PQerrorMessage(data->postgres[i]));
		if (i == 0)
			PQclear(ask(data->postgres[0],
				    PQexec(data->postgres[0],
					   "CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY "
					   "PRIMARY KEY, sealed bytea NOT NULL)")));
		PQclear(ask(data->postgres[i],
			    PQprepare(data->postgres[i], "take",
				      "DELETE FROM bare WHERE id = (SELECT id FROM bare ORDER BY id LIMIT 1"
				      " FOR UPDATE SKIP LOCKED) RETURNING sealed",
				      0, NULL)));
	}
}

void bare_postgres_close(struct bench_data *data)
{
	for (unsigned i = 0; i < BARE_CONNECTIONS; i++)
		PQfinish(data->postgres[i]);
}

struct taker {
	PGconn *pg;
	unsigned count;
	pthread_t thread;
};

static void *take_some(void *argument)
{
	struct taker *taker = argument;
	for (unsigned i = 0; i < taker->count; i++) {
		PGresult *result = ask(taker->pg, PQexecPrepared(taker->pg, "take", 0, NULL, NULL, NULL, 1));
		if (PQntuples(result) != 1)
			bench_fail("bare PostgreSQL", "there is no key left");
		PQclear(result);
	}
	return NULL;
}

double bare_postgres_round(struct bench_data *data)
{
	struct taker takers[BARE_CONNECTIONS];
	unsigned each = data->count / data->threads;
	char sql[128];
	snprintf(sql, sizeof sql,
		 "INSERT INTO bare (sealed) SELECT decode(repeat('01', 72), 'hex') FROM generate_series(1, %u)",
		 data->count);
	PQclear(ask(data->postgres[0], PQexec(data->postgres[0], sql)));
	double start = bench_wall();
	for (unsigned i = 0; i < data->threads; i++) {
		takers[i] = (struct taker){ .pg = data->postgres[i], .count = each };
		if (pthread_create(&takers[i].thread, NULL, take_some, &takers[i]) != 0)
			bench_fail("thread", NULL);
	}
	for (unsigned i = 0; i < data->threads; i++)
		pthread_join(takers[i].thread, NULL);
	return (bench_wall() - start) * 1e6 / (each * data->threads);
}
