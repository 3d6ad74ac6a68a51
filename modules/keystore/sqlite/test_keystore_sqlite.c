/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qvisio/keystore.h>
#include <qvisio/loader.h>

#define LINK "KME-B"
#define NOW  INT64_C(1000000000000)

static struct qv_loader *loader;
static const struct qv_keystore_class *sqlite;
static char folder[] = "/tmp/qvisio-store-XXXXXX";
static char file[64];
static const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };

static struct qv_keystore *try_open(struct qv_error *err)
{
	char assignment[96];
	snprintf(assignment, sizeof assignment, "file=%s", file);
	const char *const assignments[] = { assignment, NULL };
	struct qv_options *options =
		qv_options_from_strings(assignments, sqlite->head.options, sqlite->head.option_size, "test", err);
	assert_non_null(options);
	struct qv_keystore *store = sqlite->open(&host, options, err);
	qv_options_free(options);
	return store;
}

static struct qv_keystore *open_store(void)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_keystore *store = try_open(&err);
	if (!store)
		fail_msg("%s", err.message);
	return store;
}

/* Labels "<lane>:<n>"; what is "sealed" is the label itself. */
static int64_t import(struct qv_keystore *store, unsigned lane, unsigned first, unsigned count)
{
	char labels[256][16], cursor[16], from[QV_QKDLINK_CURSOR_MAX + 1];
	struct qv_pool_key keys[256];
	assert_true(count <= 256);
	for (unsigned i = 0; i < count; i++) {
		snprintf(labels[i], sizeof labels[i], "%u:%u", lane, first + i);
		keys[i] = (struct qv_pool_key){ labels[i], { (uint8_t *)labels[i], strlen(labels[i]) } };
	}
	snprintf(cursor, sizeof cursor, "%u", first + count);
	assert_int_equal(sqlite->cursor(store, LINK, lane, from, NULL), 0);
	return sqlite->import(store, LINK, lane, keys, count, from, cursor, NULL);
}

/* Collects what a call hands over. */
struct collected {
	struct qv_keystore_visit visit; /* first */
	char text[4096];                /* labels, key_IDs or requests, each followed by a blank */
	size_t count;
};

static void collect(struct collected *collected, const char *text)
{
	size_t used = strlen(collected->text);
	snprintf(collected->text + used, sizeof collected->text - used, "%s ", text);
	collected->count++;
}

static int collect_key(struct qv_keystore_visit *visit, const struct qv_pool_key *key, struct qv_error *err)
{
	(void)err;
	assert_int_equal(key->sealed.size, strlen(key->label));
	assert_memory_equal(key->sealed.bytes, key->label, key->sealed.size);
	collect((struct collected *)visit, key->label);
	return 0;
}

static int collect_promise(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	(void)err;
	assert_int_equal(promise->key_bytes, 32);
	assert_memory_equal(promise->sealed.bytes, "sealed", 6);
	collect((struct collected *)visit, promise->key_id);
	return 0;
}

static int collect_reservation(struct qv_keystore_visit *visit, const char *request, const char *link,
			       struct qv_error *err)
{
	(void)err;
	assert_string_equal(link, LINK);
	collect((struct collected *)visit, request);
	return 0;
}

static struct collected collector(void)
{
	return (struct collected){ .visit = { collect_key, collect_promise, collect_reservation } };
}

static enum qv_code reserve(struct qv_keystore *store, const char *request, size_t count, int64_t now,
			    const char *expected)
{
	struct qv_error err = QV_ERROR_INIT;
	struct collected got = collector();
	int result = sqlite->reserve(store, request, LINK, 0, count, now, &got.visit, &err);
	assert_true(result == 0 || err.code != QV_OK);
	assert_string_equal(got.text, expected);
	return err.code;
}

static int64_t stock(struct qv_keystore *store, unsigned lane)
{
	return sqlite->stock(store, LINK, lane, NULL);
}

static enum qv_code release(struct qv_keystore *store, const char *request)
{
	struct qv_error err = QV_ERROR_INIT;
	sqlite->release(store, request, NULL, 0, 0, 0, &err);
	return err.code;
}

static int settle(struct qv_keystore *store, const char *request, const char *label, const char *key_id,
		  const char *slave, struct qv_error *err)
{
	const char *const take[] = { label };
	struct qv_promise promise = { .key_id = key_id,
				      .slave = slave,
				      .master = "master",
				      .labels = label ? label : "",
				      .key_bytes = 32,
				      .sealed = { (const uint8_t *)"sealed", 6 },
				      .expires = NOW + 100 };
	struct qv_settlement settlement = { .request = request,
					    .link = LINK,
					    .lane = 0,
					    .take = take,
					    .take_count = label ? 1 : 0,
					    .promises = &promise,
					    .promise_count = 1 };
	return sqlite->settle(store, &settlement, err);
}

static enum qv_code deliver(struct qv_keystore *store, const char *slave, const char *master, int64_t now,
			    const char *first, const char *second)
{
	const char *const ids[] = { first, second };
	struct qv_error err = QV_ERROR_INIT;
	struct collected got = collector();
	size_t count = second ? 2 : 1;
	sqlite->deliver(store, slave, master, ids, count, now, &got.visit, &err);
	assert_int_equal(got.count, err.code == QV_OK ? count : 0);
	return err.code;
}

static void test_pool(void **state)
{
	(void)state;
	char cursor[QV_QKDLINK_CURSOR_MAX + 1];
	struct qv_keystore *store = open_store();
	assert_int_equal(stock(store, 0), 0);
	assert_int_equal(sqlite->cursor(store, LINK, 0, cursor, NULL), 0);
	assert_string_equal(cursor, "");
	assert_int_equal(import(store, 0, 0, 10), 10);
	assert_int_equal(import(store, 0, 5, 10), 5);
	assert_int_equal(import(store, 1, 0, 3), 3);
	assert_int_equal(stock(store, 0), 15);
	assert_int_equal(stock(store, 1), 3);
	sqlite->close(store);
	store = open_store();
	assert_int_equal(stock(store, 0), 15);
	assert_int_equal(sqlite->cursor(store, LINK, 0, cursor, NULL), 0);
	assert_string_equal(cursor, "15");
	struct collected found = collector();
	const char *const labels[] = { "0:7", "1:0", "0:99", "0:1" };
	assert_int_equal(sqlite->find(store, LINK, 0, labels, 4, &found.visit, NULL), 0);
	assert_string_equal(found.text, "0:7 0:1 ");
	sqlite->close(store);
}

static void test_reserve(void **state)
{
	(void)state;
	struct qv_keystore *store = open_store();
	import(store, 0, 0, 5);
	assert_int_equal(reserve(store, "r1", 6, NOW, ""), QV_E_NO_KEY);
	assert_int_equal(stock(store, 0), 5);
	assert_int_equal(reserve(store, "r1", 2, NOW, "0:0 0:1 "), QV_OK);
	assert_int_equal(reserve(store, "r2", 2, NOW, "0:2 0:3 "), QV_OK);
	assert_int_equal(reserve(store, "r3", 2, NOW, ""), QV_E_NO_KEY);
	assert_int_equal(stock(store, 0), 1);
	/* They outlive the store's owner. */
	sqlite->close(store);
	store = open_store();
	struct collected left = collector();
	assert_int_equal(sqlite->reservations(store, &left.visit, NULL), 0);
	assert_string_equal(left.text, "r1 r2 ");
	assert_int_equal(release(store, "r1"), QV_OK);
	assert_int_equal(release(store, "r1"), QV_OK);
	assert_int_equal(stock(store, 0), 3);
	/* Finished ones are gone, once. */
	struct qv_settlement finish = { .request = "r2", .link = LINK, .finish = true };
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(sqlite->settle(store, &finish, &err), 0);
	assert_int_equal(sqlite->settle(store, &finish, &err), -1);
	assert_int_equal(err.code, QV_E_NOT_FOUND);
	release(store, "r2");
	assert_int_equal(reserve(store, "r4", 3, NOW, "0:0 0:1 0:4 "), QV_OK);
	sqlite->close(store);
}

static void test_held_back(void **state)
{
	(void)state;
	struct qv_keystore *store = open_store();
	const char *const held[] = { "0:0" };
	import(store, 0, 0, 3);
	reserve(store, "r1", 2, NOW, "0:0 0:1 ");
	/* Imported later than discard_before: held back for a while. */
	assert_int_equal(sqlite->release(store, "r1", held, 1, 0, NOW + 10, NULL), 0);
	assert_int_equal(stock(store, 0), 3);
	assert_int_equal(reserve(store, "r2", 3, NOW, ""), QV_E_NO_KEY);
	assert_int_equal(reserve(store, "r2", 2, NOW, "0:1 0:2 "), QV_OK);
	release(store, "r2");
	assert_int_equal(reserve(store, "r3", 3, NOW + 10, "0:1 0:2 0:0 "), QV_OK);
	/* Imported earlier: gone. */
	assert_int_equal(sqlite->release(store, "r3", held, 1, INT64_MAX, 0, NULL), 0);
	assert_int_equal(stock(store, 0), 2);
	sqlite->close(store);
}

static void test_settle(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_keystore *store = open_store();
	import(store, 0, 0, 3);
	import(store, 1, 0, 1);
	assert_int_equal(settle(store, "r1", "0:9", "k1", "s", &err), -1);
	assert_int_equal(err.code, QV_E_NOT_FOUND);
	/* Keys of the other lane and reserved ones are not there to be taken. */
	assert_int_equal(settle(store, "r1", "1:0", "k1", "s", &err), -1);
	reserve(store, "own", 1, NOW, "0:0 ");
	assert_int_equal(settle(store, "r1", "0:0", "k1", "s", &err), -1);
	assert_int_equal(deliver(store, "s", "master", NOW, "k1", NULL), QV_E_NOT_FOUND);
	assert_int_equal(settle(store, "r1", "0:1", "k1", "s", &err), 0);
	assert_int_equal(settle(store, "r1", "0:2", "k2", "s", &err), 1);
	assert_int_equal(stock(store, 0), 1);
	/* A key_ID that is taken fails whole. */
	assert_int_equal(settle(store, "r2", "0:2", "k1", "s", &err), -1);
	assert_int_equal(err.code, QV_E_INVALID);
	assert_int_equal(stock(store, 0), 1);
	sqlite->close(store);
}

static void test_deliver(void **state)
{
	(void)state;
	struct qv_keystore *store = open_store();
	settle(store, "r1", NULL, "k1", "s", NULL);
	settle(store, "r2", NULL, "k2", "s", NULL);
	settle(store, "r3", NULL, "k3", "t", NULL);
	settle(store, "r4", NULL, "k1", "t", NULL);
	assert_int_equal(deliver(store, "s", "master", NOW, "k1", "none"), QV_E_NOT_FOUND);
	assert_int_equal(deliver(store, "s", "master", NOW, "k1", "k3"), QV_E_DENIED);
	assert_int_equal(deliver(store, "s", "other", NOW, "k1", NULL), QV_E_DENIED);
	assert_int_equal(deliver(store, "s", "master", NOW, "k1", "k1"), QV_E_NOT_FOUND);
	assert_int_equal(deliver(store, "s", "master", NOW + 101, "k1", NULL), QV_E_NOT_FOUND);
	assert_int_equal(deliver(store, "s", "master", NOW, "k1", "k2"), QV_OK);
	assert_int_equal(deliver(store, "s", "master", NOW, "k2", NULL), QV_E_NOT_FOUND);
	sqlite->close(store);
	store = open_store();
	assert_int_equal(deliver(store, "s", "master", NOW, "k1", NULL), QV_E_NOT_FOUND);
	/* Each slave of a key gets it once. */
	assert_int_equal(deliver(store, "t", "master", NOW, "k1", NULL), QV_OK);
	assert_int_equal(deliver(store, "t", "master", NOW, "k1", NULL), QV_E_NOT_FOUND);
	sqlite->close(store);
}

static void test_undo(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_keystore *store = open_store();
	struct qv_pool_key key = { "0:0", { (const uint8_t *)"0:0", 3 } };
	import(store, 0, 0, 2);
	settle(store, "r1", "0:0", "k1", "s", &err);
	struct collected promised = collector();
	assert_int_equal(sqlite->promises(store, "r1", &promised.visit, &err), 0);
	assert_string_equal(promised.text, "k1 ");
	for (int i = 0; i < 2; i++)
		assert_int_equal(sqlite->undo(store, "r1", LINK, 0, &key, 1, NOW, &err), 0);
	assert_int_equal(stock(store, 0), 2);
	assert_int_equal(deliver(store, "s", "master", NOW, "k1", NULL), QV_E_NOT_FOUND);
	assert_int_equal(settle(store, "r1", "0:0", "k1", "s", &err), -1);
	assert_int_equal(err.code, QV_E_DENIED);
	/* Undone before it came. */
	assert_int_equal(sqlite->undo(store, "r2", LINK, 0, NULL, 0, NOW, &err), 0);
	assert_int_equal(settle(store, "r2", "0:0", "k2", "s", &err), -1);
	/* Too late. */
	assert_int_equal(settle(store, "r3", "0:0", "k3", "s", &err), 0);
	assert_int_equal(deliver(store, "s", "master", NOW, "k3", NULL), QV_OK);
	assert_int_equal(sqlite->undo(store, "r3", LINK, 0, &key, 1, NOW, &err), -1);
	assert_int_equal(err.code, QV_E_BUSY);
	assert_int_equal(stock(store, 0), 1);
	sqlite->close(store);
}

static int collect_expired(struct qv_keystore_visit *visit, const struct qv_promise *promise, struct qv_error *err)
{
	(void)err;
	assert_int_equal(promise->sealed.size, 0);
	assert_int_equal(promise->key_bytes, 32);
	collect((struct collected *)visit, promise->key_id);
	return 0;
}

static void test_purge(void **state)
{
	(void)state;
	struct qv_keystore *store = open_store();
	settle(store, "r1", NULL, "k1", "s", NULL);
	settle(store, "r2", NULL, "k2", "s", NULL);
	assert_int_equal(deliver(store, "s", "master", NOW, "k1", NULL), QV_OK);
	struct collected early = { .visit.promise = collect_expired }, late = early;
	assert_int_equal(sqlite->purge(store, NOW, 0, 10, &early.visit, NULL), 0);
	assert_string_equal(early.text, "");
	/* The delivered one is forgotten in silence. */
	assert_int_equal(sqlite->purge(store, NOW + 101, 0, 10, &late.visit, NULL), 2);
	assert_string_equal(late.text, "k2 ");
	assert_int_equal(sqlite->purge(store, NOW + 101, INT64_MAX, 10, &late.visit, NULL), 0);
	/* Forgotten: the same request could be settled again. */
	assert_int_equal(settle(store, "r1", NULL, "k1", "s", NULL), 0);
	sqlite->close(store);
}

struct worker {
	struct qv_keystore *store;
	unsigned number, done;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	for (unsigned i = 0; i < 25; i++) {
		char request[32], key_id[32];
		struct collected got = collector();
		struct qv_error err = QV_ERROR_INIT;
		snprintf(request, sizeof request, "%u-%u", worker->number, i);
		snprintf(key_id, sizeof key_id, "k-%u-%u", worker->number, i);
		struct qv_settlement finish = { .request = request, .link = LINK, .finish = true };
		if (sqlite->reserve(worker->store, request, LINK, 0, 1, NOW, &got.visit, &err) == 0 &&
		    sqlite->settle(worker->store, &finish, &err) == 0 &&
		    settle(worker->store, key_id, NULL, key_id, "s", &err) == 0 &&
		    /* One that fails among others' work takes nothing of theirs with it. */
		    settle(worker->store, "x", "0:none", "x", "s", &err) == -1)
			worker->done++;
	}
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	struct qv_keystore *store = open_store();
	struct worker workers[8];
	pthread_t threads[8];
	import(store, 0, 0, 250);
	for (unsigned i = 0; i < 8; i++) {
		workers[i] = (struct worker){ store, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].done, 25);
	}
	assert_int_equal(stock(store, 0), 50);
	assert_int_equal(deliver(store, "s", "master", NOW, "k-0-0", "k-7-24"), QV_OK);
	sqlite->close(store);
}

static void test_disk_full(void **state)
{
	(void)state;
	struct qv_keystore *store = open_store();
	struct rlimit limit, small = { 40000, RLIM_INFINITY };
	import(store, 0, 0, 3);
	getrlimit(RLIMIT_FSIZE, &limit);
	small.rlim_max = limit.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	unsigned first = 1000;
	while (import(store, 0, first, 200) == 200)
		first += 200;
	enum qv_code code = deliver(store, "s", "master", NOW, "none", NULL);
	int64_t kept = stock(store, 0);
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(code, QV_E_NOT_FOUND);
	/* What failed is not there, what was there still is, and there is more to come. */
	assert_int_equal(kept, 3 + (first - 1000));
	assert_int_equal(import(store, 0, first, 200), 200);
	sqlite->close(store);
	store = open_store();
	assert_int_equal(stock(store, 0), kept + 200);
	sqlite->close(store);
}

/* A process that is killed in the midst of its work leaves whole transactions. */
static void test_killed(void **state)
{
	(void)state;
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct qv_keystore *store = open_store();
		for (unsigned i = 0;; i += 10) {
			import(store, 0, i, 10);
			if (write(ready[1], "x", 1) != 1)
				_exit(1);
		}
	}
	/* A child that fails ends what is read. */
	close(ready[1]);
	char buffer[30];
	size_t seen = 0;
	while (seen < sizeof buffer) {
		ssize_t got = read(ready[0], buffer, sizeof buffer - seen);
		assert_true(got > 0);
		seen += (size_t)got;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ready[0]);
	struct qv_keystore *store = open_store();
	int64_t kept = stock(store, 0);
	assert_true(kept >= (int64_t)seen * 10 && kept % 10 == 0);
	sqlite->close(store);
}

/* Room that is no longer needed goes back, a part with each purge. */
static void test_shrink(void **state)
{
	(void)state;
	static uint8_t bytes[8000];
	struct stat full, less;
	struct qv_keystore *store = open_store();
	struct collected got = collector();
	for (unsigned i = 0; i < 1000; i++) {
		char label[16], from[16], cursor[16];
		const struct qv_pool_key key = { label, { bytes, sizeof bytes } };
		const char *const labels[] = { label };
		snprintf(label, sizeof label, "%u", i);
		snprintf(from, sizeof from, "%.*u", i > 0, i);
		snprintf(cursor, sizeof cursor, "%u", i + 1);
		assert_int_equal(sqlite->import(store, LINK, 0, &key, 1, from, cursor, NULL), 1);
		if (i >= 10)
			continue;
		assert_int_equal(sqlite->discard(store, LINK, 0, labels, 1, NULL), 1);
	}
	sqlite->close(store);
	assert_int_equal(stat(file, &full), 0);
	store = open_store();
	for (unsigned i = 10; i < 1000; i++) {
		char label[16];
		const char *const labels[] = { label };
		snprintf(label, sizeof label, "%u", i);
		assert_int_equal(sqlite->discard(store, LINK, 0, labels, 1, NULL), 1);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(sqlite->purge(store, NOW, 0, 10, &got.visit, NULL), 0);
	sqlite->close(store);
	assert_int_equal(stat(file, &less), 0);
	assert_true(full.st_size > 7000000 && less.st_size < full.st_size / 2);
}

static void test_open(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct stat st;
	struct qv_keystore *store = open_store();
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_null(try_open(&err));
	assert_int_equal(err.code, QV_E_BUSY);
	assert_non_null(strstr(err.message, "another process has it open"));
	sqlite->close(store);
	chmod(file, 0640);
	assert_null(try_open(&err));
	assert_non_null(strstr(err.message, "others can open the key store (mode 640); run: chmod 600"));
	FILE *garbage = fopen(file, "w");
	for (unsigned i = 0; i < 1000; i++)
		fputs("this is no database ", garbage);
	fclose(garbage);
	chmod(file, 0600);
	assert_null(try_open(&err));
	assert_non_null(strstr(err.message, "file is not a database"));
}

static int fresh(void **state)
{
	(void)state;
	char path[80];
	unlink(file);
	snprintf(path, sizeof path, "%s-wal", file);
	unlink(path);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof file, "%s/store.db", folder);
	loader = qv_loader_new(NULL, NULL, &err);
	sqlite = qv_keystore_class(qv_loader_get(loader, "keystore", "sqlite", &err));
	if (!sqlite)
		fprintf(stderr, "%s\n", err.message);
	return sqlite ? 0 : -1;
}

static int tear_down(void **state)
{
	fresh(state);
	rmdir(folder);
	qv_loader_free(loader);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pool, fresh),      cmocka_unit_test_setup(test_reserve, fresh),
		cmocka_unit_test_setup(test_held_back, fresh), cmocka_unit_test_setup(test_settle, fresh),
		cmocka_unit_test_setup(test_deliver, fresh),   cmocka_unit_test_setup(test_undo, fresh),
		cmocka_unit_test_setup(test_purge, fresh),     cmocka_unit_test_setup(test_threads, fresh),
		cmocka_unit_test_setup(test_disk_full, fresh), cmocka_unit_test_setup(test_killed, fresh),
		cmocka_unit_test_setup(test_open, fresh),      cmocka_unit_test_setup(test_shrink, fresh),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
