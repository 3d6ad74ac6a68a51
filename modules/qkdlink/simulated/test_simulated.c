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

static struct qv_qkdlink *try_open(const char *local, const char *remote, const char *cursor, const char *rate,
				   const char *stock, struct qv_error *err)
{
	char secret[96];
	snprintf(secret, sizeof secret, "secret_file=%s", file);
	const char *const assignments[] = { secret, rate, stock, NULL };
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
		cmocka_unit_test_setup(test_same_keys, fresh),
		cmocka_unit_test_setup(test_grows, fresh),
		cmocka_unit_test_setup(test_refused, fresh),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
