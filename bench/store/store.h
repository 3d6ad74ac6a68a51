/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_STORE_H
#define BENCH_STORE_H

#include <qvisio/keystore.h>
#include <qvisio/loader.h>

#include "../bench.h"

#define SEALED_BYTES     72 /* of a key of 32 bytes */
#define BARE_CONNECTIONS 8

struct sqlite3;
struct pg_conn;

struct bench_data {
	const struct qv_keystore_class *class;
	struct qv_keystore *store;
	struct qv_options *options;
	unsigned threads, count, batch; /* count: keys of a round; batch: of a bare commit */
	uint64_t made;                  /* keys so far, for their names */
	struct sqlite3 *sqlite;
	uint64_t bare_made;
	struct pg_conn *postgres[BARE_CONNECTIONS];
};

_Noreturn void bench_fail(const char *what, const char *why);

/* Rounds through the module; us per key, of the part that is compared. */
double deliver_all(struct bench_data *data); /* promised keys, one each */
double pick_all(struct bench_data *data);    /* pool keys, one each: reserved, then used up */

void bare_sqlite_open(struct bench_data *data, const char *file);
double bare_sqlite_round(struct bench_data *data); /* takes keys by their names, `batch` in a commit */
void bare_sqlite_close(struct bench_data *data);

void bare_postgres_open(struct bench_data *data, const char *connection);
double bare_postgres_round(struct bench_data *data);
void bare_postgres_close(struct bench_data *data);

/* Time of the calls and memory of a key, as the store fills from 10^4 to `most` keys. */
void measure_growth(struct bench_data *data, unsigned long most);

#endif
