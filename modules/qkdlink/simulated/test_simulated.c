/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <qvisio/loader.h>
#include <qvisio/qkdlink.h>

static struct qv_loader *loader;
static const struct qv_qkdlink_class *simulated;
static char folder[] = "/tmp/qvisio-link-XXXXXX";
static char file[64];
static const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };

static void write_secret(const char *text, mode_t mode)
{
	FILE *out = fopen(file, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	chmod(file, mode);
}

static struct qv_qkdlink *open_with(const char *local, const char *remote, const char *cursor, const char *const *more,
				    struct qv_error *err)
{
	char secret[96];
	const char *assignments[8] = { secret };
	snprintf(secret, sizeof secret, "secret_file=%s", file);
	for (size_t i = 1; *more; i++)
		assignments[i] = *more++;
	/* Borrowed by open only; static because cppcheck takes it for kept. */
	static struct qv_qkdlink_ends ends;
	ends = (struct qv_qkdlink_ends){ local, remote, { cursor, "" } };
	struct qv_options *options =
		qv_options_from_strings(assignments, simulated->head.options, simulated->head.option_size, "test", err);
	assert_non_null(options);
	struct qv_qkdlink *link = simulated->open(&host, options, &ends, err);
	qv_options_free(options);
	return link;
}

static struct qv_qkdlink *try_open(const char *local, const char *remote, const char *cursor, const char *rate,
				   const char *stock, struct qv_error *err)
{
	return open_with(local, remote, cursor, (const char *const[]){ rate, stock, NULL }, err);
}

static struct qv_qkdlink *open_link(const char *local, const char *remote, const char *cursor)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_qkdlink *link = try_open(local, remote, cursor, "rate=0", "stock=10", &err);
	if (!link)
		fail_msg("%s", err.message);
	return link;
}

/* The first `count` keys of a lane; the cursor after them. */
static void read_keys(struct qv_qkdlink *link, unsigned lane, size_t count, uint8_t *keys, char *cursor)
{
	struct qv_qkdlink_batch batch;
	assert_int_equal(simulated->read(link, lane, count, &batch, NULL), 1);
	assert_int_equal(batch.count, count);
	memcpy(keys, qv_secret_bytes(batch.keys), count * QV_QKDLINK_KEY_BYTES);
	snprintf(cursor, QV_QKDLINK_CURSOR_MAX + 1, "%s", batch.cursor);
}

static void test_same_keys(void **state)
{
	(void)state;
	uint8_t a[10][32], b[10][32], other[10][32];
	char cursor[QV_QKDLINK_CURSOR_MAX + 1];
	struct qv_qkdlink_batch batch;
	struct qv_qkdlink *first = open_link("A", "B", ""), *second = open_link("B", "A", "");
	read_keys(first, 0, 10, a[0], cursor);
	read_keys(second, 0, 4, b[0], cursor);
	/* Opened again where it was left. */
	simulated->close(second);
	second = open_link("B", "A", cursor);
	assert_int_equal(simulated->read(second, 0, 100, &batch, NULL), 1);
	assert_int_equal(batch.count, 6);
	assert_string_equal(batch.labels[0], "0:4");
	memcpy(b[4], qv_secret_bytes(batch.keys), sizeof b[0] * 6);
	assert_memory_equal(a, b, sizeof a);
	assert_int_equal(simulated->read(first, 0, 1, &batch, NULL), 0);
	/* No two keys alike, in other lanes and between other KMEs neither. */
	read_keys(first, 1, 10, other[0], cursor);
	assert_memory_not_equal(a, other, sizeof a);
	for (unsigned i = 1; i < 10; i++)
		assert_memory_not_equal(a[0], a[i], sizeof a[0]);
	simulated->close(second);
	second = open_link("A", "C", "");
	read_keys(second, 0, 10, other[0], cursor);
	assert_memory_not_equal(a[0], other[0], sizeof a[0]);
	simulated->close(first);
	simulated->close(second);
}

static void test_grows(void **state)
{
	(void)state;
	struct qv_qkdlink_batch batch;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_qkdlink *link = try_open("A", "B", "", "rate=100000", "stock=0", &err);
	size_t seen = 0;
	assert_non_null(link);
	while (seen < 20) {
		int wait = simulated->wait_ms(link);
		assert_in_range(wait, 1, 60000);
		if (simulated->read(link, seen % 2, 3, &batch, &err) == 1) {
			assert_in_range(batch.count, 1, 3);
			seen += batch.count;
		} else {
			qv_clock_sleep_until(qv_clock_now(&qv_clock_monotonic) + wait * QV_NS_PER_MS, -1, NULL);
		}
	}
	simulated->close(link);
}

static int64_t wall_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* Keys of lane 0 of a link that began at `start`, growing one key a second. */
static int64_t count_keys(const char *local, int64_t start, const char *const *more)
{
	char cursor[64];
	struct qv_error err = QV_ERROR_INIT;
	struct qv_qkdlink_batch batch;
	int64_t count = 0;
	snprintf(cursor, sizeof cursor, "%lld 0", (long long)start * QV_NS_PER_SECOND);
	struct qv_qkdlink *link = open_with(local, local[0] == 'A' ? "B" : "A", cursor, more, &err);
	if (!link)
		fail_msg("%s", err.message);
	while (simulated->read(link, 0, 256, &batch, &err) == 1)
		count += (int64_t)batch.count;
	simulated->close(link);
	return count;
}

static void test_rate_is_exact(void **state)
{
	(void)state;
	int64_t start = wall_seconds() - 100000;
	int64_t before = wall_seconds();
	int64_t count = count_keys("A", start, (const char *const[]){ "rate=512", NULL });
	assert_in_range(count, before - start, wall_seconds() - start);
	/* A rate that no power of two divides. */
	before = wall_seconds();
	count = count_keys("A", start, (const char *const[]){ "rate=777", "delay=1000000", NULL });
	assert_in_range(count, (before - start - 1000) * 777 / 512, (wall_seconds() + 1 - start - 1000) * 777 / 512);
}

static void test_outages(void **state)
{
	(void)state;
	static const char *const regular[] = { "rate=512", "outage_every=100", "outage_length=40", NULL };
	static const char *const some[] = { "rate=512", "outage_every=10", "outage_length=10", "outage_probability=0.5",
					    NULL };
	static const char *const own[] = {
		"rate=512", "outage_every=10", "outage_length=10", "outage_probability=0.5", "outage_kind=this_end",
		NULL
	};
	int64_t start = wall_seconds() / 100 * 100 - 100000;
	int64_t count = count_keys("A", start, regular);
	int64_t passed = wall_seconds() - start;
	assert_in_range(count, 60000, passed / 100 * 60 + (passed % 100 > 40 ? passed % 100 - 40 : 0));
	/* Random ones are the same at both ends, some and not all. */
	int64_t first = count_keys("A", start, some), there = count_keys("B", start, some);
	int64_t again = count_keys("A", start, some);
	assert_in_range(there, first, again);
	assert_in_range(first, 45000, 55000);
	/* Of an end: what grew in the meantime comes after it. */
	int64_t before = wall_seconds() - start;
	count = count_keys("A", start, own);
	assert_in_range(count, before - 1000, wall_seconds() - start);
	/* All the year. */
	int64_t year = wall_seconds() / 31536000 * 31536000;
	static const char *const always[] = { "rate=512", "outage_every=31536000", "outage_length=31536000", NULL };
	static const char *const always_own[] = { "rate=512", "outage_every=31536000", "outage_length=31535999",
						  "outage_kind=this_end", NULL };
	assert_int_equal(count_keys("A", year - 500, always), 0);
	assert_int_equal(count_keys("A", year - 500, always_own), 500);
}

static void assert_refused(const char *cursor, const char *message)
{
	struct qv_error err = QV_ERROR_INIT;
	assert_null(try_open("A", "B", cursor, "rate=0", "stock=0", &err));
	if (!strstr(err.message, message))
		fail_msg("\"%s\" is not in \"%s\"", message, err.message);
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("other module", "a position that is none of this module");
	assert_refused("1 2 3", "a position that is none of this module");
	struct qv_error err = QV_ERROR_INIT;
	assert_null(open_with("A", "B", "", (const char *const[]){ "outage_every=5", "outage_length=6", NULL }, &err));
	assert_non_null(strstr(err.message, "outage_length: is longer than outage_every"));
	write_secret("too short", 0600);
	assert_refused("", "has 9 bytes, at least 32 are needed");
	write_secret("0123456789abcdef0123456789abcdef", 0644);
	assert_refused("", "others can read it (mode 0644); run: chmod 600");
	unlink(file);
	assert_refused("", "No such file or directory");
	mkdir(file, 0700);
	assert_refused("", "a secret is read from a regular file only");
	rmdir(file);
}

static int fresh(void **state)
{
	(void)state;
	write_secret("0123456789abcdef0123456789abcdef", 0600);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof file, "%s/secret", folder);
	loader = qv_loader_new(NULL, NULL, &err);
	simulated = qv_qkdlink_class(qv_loader_get(loader, "qkdlink", "simulated", &err));
	if (!simulated)
		fprintf(stderr, "%s\n", err.message);
	return simulated ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(file);
	rmdir(folder);
	qv_loader_free(loader);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_same_keys, fresh),     cmocka_unit_test_setup(test_grows, fresh),
		cmocka_unit_test_setup(test_rate_is_exact, fresh), cmocka_unit_test_setup(test_outages, fresh),
		cmocka_unit_test_setup(test_refused, fresh),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
