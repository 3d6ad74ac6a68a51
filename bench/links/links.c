/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Importing key files as qkd-kme does it, through the modules qkdlink/directory and keystore/sqlite, with every key
 * sealed, against reading the same file and inserting into bare SQLite with as many keys a commit. Both write the same
 * rows to the same disk with synchronous=FULL.
 */
#include "../bench.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <qvisio/keystore.h>
#include <qvisio/loader.h>
#include <qvisio/qkdlink.h>

#include "../../tools/kme/seal.h"

#define ROUNDS     7
#define FILE_KEYS  32768 /* 1 MiB */
#define FILE_BYTES ((size_t)FILE_KEYS * QV_QKDLINK_KEY_BYTES)
#define SEALED     (QV_QKDLINK_KEY_BYTES + SEAL_OVERHEAD)
#define LINK       "kme-2"

struct bench_data {
	const struct qv_qkdlink_class *link_class;
	const struct qv_keystore_class *store_class;
	struct qv_qkdlink *link;
	struct qv_keystore *store;
	struct seal *seal;
	sqlite3 *db;
	sqlite3_stmt *insert;
	char folder[64];
	size_t batch; /* keys a commit */
	int round;
	char cursors[QV_QKDLINK_LANES][QV_QKDLINK_CURSOR_MAX + 1];
	uint8_t *bytes, *sealed;
	struct qv_pool_key *keys;
};

static const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };

/* A new file of random keys; neither round is charged for it. */
static bool put_file(struct bench_data *data, char path[128])
{
	struct qv_error err = QV_ERROR_INIT;
	char part[128];
	snprintf(path, 128, "%s/keys/%d.cor", data->folder, data->round);
	snprintf(part, sizeof part, "%s/keys/.part", data->folder);
	data->round++;
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct qv_secret *random = qv_secret_random(FILE_BYTES, &err);
	bool fine = fd >= 0 && random && write(fd, qv_secret_bytes(random), FILE_BYTES) == (ssize_t)FILE_BYTES &&
		    fsync(fd) == 0 && rename(part, path) == 0;
	qv_secret_free(random);
	if (fd >= 0)
		close(fd);
	return fine;
}

static void seal_key(struct bench_data *data, size_t i, const char *label, const uint8_t *key)
{
	uint8_t *out = data->sealed + i * SEALED;
	seal_wrap(data->seal, "pool", LINK, label, key, QV_QKDLINK_KEY_BYTES, out);
}

static int64_t import_batch(struct bench_data *data, unsigned lane)
{
	struct qv_qkdlink_batch batch;
	struct qv_error err = QV_ERROR_INIT;
	if (data->link_class->read(data->link, lane, data->batch, &batch, &err) != 1)
		return 0;
	for (size_t i = 0; i < batch.count; i++) {
		seal_key(data, i, batch.labels[i], qv_secret_bytes(batch.keys) + i * QV_QKDLINK_KEY_BYTES);
		data->keys[i] = (struct qv_pool_key){ batch.labels[i], { data->sealed + i * SEALED, SEALED } };
	}
	int64_t added = data->store_class->import(data->store, LINK, lane, data->keys, batch.count, data->cursors[lane],
						  batch.cursor, &err);
	snprintf(data->cursors[lane], sizeof data->cursors[lane], "%s", batch.cursor);
	if (added < 0 || data->link_class->stored(data->link, lane, batch.cursor, &err) != 0) {
		fprintf(stderr, "%s\n", err.message);
		return -1;
	}
	return added;
}

static double ours(struct bench_data *data)
{
	char path[128];
	int64_t count = 0;
	if (!put_file(data, path))
		return -1;
	double start = bench_wall();
	while (count < FILE_KEYS)
		for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++) {
			int64_t added = import_batch(data, lane);
			if (added < 0)
				return -1;
			count += added;
		}
	double seconds = bench_wall() - start;
	return seconds * 1e3 / ((double)FILE_BYTES / 1e6);
}

static bool insert_batch(struct bench_data *data, const uint8_t *keys, size_t count, size_t first)
{
	char label[QV_QKDLINK_LABEL_MAX + 1];
	if (sqlite3_exec(data->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return false;
	for (size_t i = 0; i < count; i++) {
		snprintf(label, sizeof label, "%d.cor:%zu", data->round - 1, first + i);
		seal_key(data, i, label, keys + i * QV_QKDLINK_KEY_BYTES);
		sqlite3_bind_int64(data->insert, 1, (sqlite3_int64)(i % 2));
		sqlite3_bind_text(data->insert, 2, label, -1, SQLITE_STATIC);
		sqlite3_bind_blob(data->insert, 3, data->sealed + i * SEALED, SEALED, SQLITE_STATIC);
		if (sqlite3_step(data->insert) != SQLITE_DONE)
			return false;
		sqlite3_reset(data->insert);
	}
	return sqlite3_exec(data->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

static double bare(struct bench_data *data)
{
	char path[128];
	if (!put_file(data, path))
		return -1;
	double start = bench_wall();
	int fd = open(path, O_RDONLY);
	bool fine = fd >= 0 && read(fd, data->bytes, FILE_BYTES) == (ssize_t)FILE_BYTES;
	for (size_t i = 0; fine && i < FILE_KEYS; i += data->batch)
		fine = insert_batch(data, data->bytes + i * QV_QKDLINK_KEY_BYTES, data->batch, i);
	double seconds = bench_wall() - start;
	if (fd >= 0)
		close(fd);
	unlink(path);
	return fine ? seconds * 1e3 / ((double)FILE_BYTES / 1e6) : -1;
}

static struct qv_options *options_for(const struct qv_class *class, const char *name, const char *path)
{
	struct qv_error err = QV_ERROR_INIT;
	char option[128];
	snprintf(option, sizeof option, "%s=%s", name, path);
	bool link = strcmp(name, "path") == 0;
	const char *const assignments[] = { option, link ? "settle=0" : NULL, "after=delete", NULL };
	struct qv_options *options =
		qv_options_from_strings(assignments, class->options, class->option_size, "bench", &err);
	if (!options)
		fprintf(stderr, "%s\n", err.message);
	return options;
}

static bool open_ours(struct bench_data *data, struct qv_loader *loader)
{
	struct qv_error err = QV_ERROR_INIT;
	char keys[96], file[96];
	const struct qv_class *link = qv_loader_get(loader, "qkdlink", "directory", &err);
	const struct qv_class *store = link ? qv_loader_get(loader, "keystore", "sqlite", &err) : NULL;
	if (!store) {
		fprintf(stderr, "%s\n", err.message);
		return false;
	}
	snprintf(keys, sizeof keys, "%s/keys", data->folder);
	snprintf(file, sizeof file, "%s/ours.db", data->folder);
	mkdir(keys, 0700);
	const struct qv_qkdlink_ends ends = { "kme-1", LINK, { "", "" } };
	struct qv_options *link_options = options_for(link, "path", keys),
			  *store_options = options_for(store, "file", file);
	data->link_class = qv_qkdlink_class(link);
	data->store_class = qv_keystore_class(store);
	if (link_options && store_options) {
		data->link = data->link_class->open(&host, link_options, &ends, &err);
		data->store = data->store_class->open(&host, store_options, &err);
	}
	qv_options_free(link_options);
	qv_options_free(store_options);
	if (!data->link || !data->store)
		fprintf(stderr, "%s\n", err.message);
	return data->link && data->store;
}

/* A table as plain as it can be that finds a key by its label and the next free one of a lane. */
static bool open_bare(struct bench_data *data)
{
	char file[96];
	snprintf(file, sizeof file, "%s/bare.db", data->folder);
	return sqlite3_open(file, &data->db) == SQLITE_OK &&
	       sqlite3_exec(data->db,
			    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			    "CREATE TABLE pool (id INTEGER PRIMARY KEY, lane INTEGER, label TEXT, sealed BLOB);"
			    "CREATE UNIQUE INDEX pool_label ON pool (label); CREATE INDEX pool_lane ON pool (lane);",
			    NULL, NULL, NULL) == SQLITE_OK &&
	       sqlite3_prepare_v2(data->db, "INSERT INTO pool (lane, label, sealed) VALUES (?, ?, ?)", -1,
				  &data->insert, NULL) == SQLITE_OK;
}

static bool run(struct bench_data *data, size_t batch)
{
	char what[64];
	data->batch = batch;
	snprintf(what, sizeof what, "import of key files, %zu keys a commit", batch);
	const struct bench_pair pair = { .what = what,
					 .unit = "ms/MB",
					 .peer = "read and bare SQLite",
					 .ours = ours,
					 .theirs = bare,
					 .data = data,
					 .rounds = ROUNDS,
					 .goal = 1 / 0.7 };
	return bench_run(&pair);
}

static void clean_up(struct bench_data *data)
{
	char command[128];
	if (data->link)
		data->link_class->close(data->link);
	if (data->store)
		data->store_class->close(data->store);
	sqlite3_finalize(data->insert);
	sqlite3_close(data->db);
	seal_free(data->seal);
	free(data->bytes);
	free(data->sealed);
	free(data->keys);
	snprintf(command, sizeof command, "rm -rf '%s'", data->folder);
	if (system(command) != 0)
		fprintf(stderr, "%s: was not removed\n", data->folder);
}

int main(void)
{
	struct qv_error err = QV_ERROR_INIT;
	struct bench_data data = { .folder = "bench-links-XXXXXX",
				   .bytes = malloc(FILE_BYTES),
				   .sealed = malloc(FILE_KEYS * SEALED),
				   .keys = calloc(FILE_KEYS, sizeof(struct qv_pool_key)) };
	struct qv_loader *loader = qv_loader_new(NULL, NULL, &err);
	struct qv_secret *text =
		qv_secret_copy("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 64, &err);
	data.seal = text ? seal_from_text(text) : NULL;
	qv_secret_free(text);
	bool fine = loader && data.bytes && data.sealed && data.keys && data.seal && mkdtemp(data.folder) &&
		    open_ours(&data, loader) && open_bare(&data);
	if (fine) {
		bench_header();
		fine = run(&data, 256) && run(&data, 1024);
	}
	clean_up(&data);
	qv_loader_free(loader);
	return fine ? 0 : 1;
}
