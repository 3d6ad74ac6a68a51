/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key stores against bare loops that do the same to the disk, in turn, and how a store behaves as it fills.
 *
 *	bench/store/store                        sqlite, and how memory behaves as it fills
 *	bench/store/store postgres CONNECTION    postgres; postgres.py starts one
 *	QV_BENCH_KEYS=10000000                   fills memory up to as many keys (1000000)
 */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void bench_fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why ? why : "failed");
	exit(1);
}

static struct bench_data open_store(struct qv_loader *loader, const char *name, const char *assignment)
{
	struct qv_error err = QV_ERROR_INIT;
	static const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };
	const char *const settings[] = { assignment, NULL };
	struct bench_data data = { .class = qv_keystore_class(qv_loader_get(loader, "keystore", name, &err)) };
	if (!data.class)
		bench_fail(name, err.message);
	data.options = qv_options_from_strings(settings, data.class->head.options, data.class->head.option_size,
					       "bench", &err);
	data.store = data.options ? data.class->open(&host, data.options, &err) : NULL;
	if (!data.store)
		bench_fail(name, err.message);
	return data;
}

static void close_store(struct bench_data *data)
{
	data->class->close(data->store);
	qv_options_free(data->options);
}

static bool compare_sqlite(struct qv_loader *loader, const char *folder)
{
	char ours[160], bare[160];
	snprintf(ours, sizeof ours, "file=%s/ours.db", folder);
	snprintf(bare, sizeof bare, "%s/bare.db", folder);
	struct bench_data data = open_store(loader, "sqlite", ours);
	bare_sqlite_open(&data, bare);
	data.threads = 1;
	data.count = 250;
	data.batch = 1;
	bool good = bench_run(&(struct bench_pair){ "sqlite deliver, 1 client", "us/key", "bare SQLite, 1 key/commit",
						    deliver_all, bare_sqlite_round, &data, 9, 1 / 0.9 });
	data.threads = 64;
	data.count = 64 * 30;
	data.batch = 64;
	good &= bench_run(&(struct bench_pair){ "sqlite deliver, 64 clients", "us/key", "bare SQLite, 64 keys/commit",
						deliver_all, bare_sqlite_round, &data, 9, 1 / 0.7 });
	bare_sqlite_close(&data);
	close_store(&data);
	unlink(bare);
	unlink(ours + strlen("file="));
	return good;
}

static bool compare_postgres(struct qv_loader *loader, const char *connection)
{
	char assignment[512];
	snprintf(assignment, sizeof assignment, "connection=%s", connection);
	struct bench_data data = open_store(loader, "postgres", assignment);
	bool good = true;
	bare_postgres_open(&data, connection);
	for (unsigned threads = 1; threads <= 8; threads *= 8) {
		char take[64], deliver[64];
		snprintf(deliver, sizeof deliver, "postgres deliver, %u client%s", threads, threads > 1 ? "s" : "");
		snprintf(take, sizeof take, "postgres reserve+finish, %u client%s", threads, threads > 1 ? "s" : "");
		data.threads = threads;
		data.count = 120 * threads;
		good &= bench_run(&(struct bench_pair){ deliver, "us/key", "bare SKIP LOCKED delete", deliver_all,
							bare_postgres_round, &data, 5, 1 / 0.8 });
		good &= bench_run(&(struct bench_pair){ take, "us/key", "bare SKIP LOCKED delete", pick_all,
							bare_postgres_round, &data, 5, 0 });
	}
	bare_postgres_close(&data);
	close_store(&data);
	return good;
}

int main(int argc, char **argv)
{
	struct qv_error err = QV_ERROR_INIT;
	const char *keys = getenv("QV_BENCH_KEYS");
	struct qv_loader *loader = qv_loader_new(NULL, NULL, &err);
	bool good = true;
	if (!loader)
		bench_fail("start", err.message);
	bench_header();
	if (argc == 3 && strcmp(argv[1], "postgres") == 0) {
		good = compare_postgres(loader, argv[2]);
	} else {
		/* Where the build is, for /tmp may lie in memory. */
		char folder[] = "bench-store-XXXXXX";
		if (!mkdtemp(folder))
			bench_fail(folder, "cannot be made");
		good = compare_sqlite(loader, folder);
		rmdir(folder);
		struct bench_data memory = open_store(loader, "memory", NULL);
		measure_growth(&memory, keys ? strtoul(keys, NULL, 10) : 1000000);
		close_store(&memory);
	}
	qv_loader_free(loader);
	return good ? 0 : 1;
}
