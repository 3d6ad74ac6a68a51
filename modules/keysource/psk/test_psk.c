/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <qvisio/keysource.h>
#include <qvisio/loader.h>

#define KEYS 300 /* lines of the file that many() writes */

static struct qv_loader *loader;
static const struct qv_keysource_class *psk;
static char folder[] = "/tmp/qvisio-psk-XXXXXX";
static char key_file[64], record_file[80], other_record[64];
static const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };

static void write_file(const char *path, const char *text, mode_t mode)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void many(void)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	for (unsigned i = 0; i < KEYS; i++)
		fprintf(file, "key-%03u hex:%032x%032x\n", i, i, i);
	fclose(file);
	write_file(key_file, text, 0600);
	free(text);
}

static const char three[] = "# shared with bob\n"
			    "k1 hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
			    "\n"
			    "  k2\tICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\r\n"
			    "k3 hex:404142434445464748494a4b4c4d4e4f";

static struct qv_keysource *try_open(struct qv_error *err, const char *more)
{
	char keys[128], record[128];
	snprintf(keys, sizeof keys, "keys=%s", key_file);
	snprintf(record, sizeof record, "record=%s", other_record);
	const char *const assignments[] = { keys, more ? more : NULL, NULL };
	const char *const elsewhere[] = { keys, record, NULL };
	struct qv_options *options =
		qv_options_from_strings(more && strcmp(more, "other") == 0 ? elsewhere : assignments, psk->head.options,
					psk->head.option_size, "test", err);
	if (!options)
		return NULL;
	struct qv_keysource *source = psk->open(&host, options, err);
	qv_options_free(options);
	return source;
}

static struct qv_keysource *open_source(const char *more)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_keysource *source = try_open(&err, more);
	if (!source)
		print_error("%s\n", err.message);
	assert_non_null(source);
	return source;
}

static int setup(void **state)
{
	(void)state;
	unlink(record_file);
	unlink(other_record);
	write_file(key_file, three, 0600);
	return 0;
}

static void expect_take(struct qv_keysource *source, const char *id, unsigned bits)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_key key = { .secret = NULL };
	assert_int_equal(psk->take(source, "bob", bits, &key, &err), 0);
	assert_string_equal(key.id, id);
	qv_key_clear(&key);
}

static void expect_error(int result, const struct qv_error *err, enum qv_code code, const char *part)
{
	assert_int_equal(result, -1);
	if (!strstr(err->message, part))
		print_error("\"%s\" lacks \"%s\"\n", err->message, part);
	assert_int_equal(err->code, code);
	assert_non_null(strstr(err->message, part));
}

static void both_ends_get_the_same_key(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_keysource *alice = open_source(NULL), *bob = open_source("other");
	struct qv_key taken = { .secret = NULL }, claimed = { .secret = NULL };
	assert_int_equal(psk->take(alice, "bob", 256, &taken, &err), 0);
	assert_int_equal(psk->claim(bob, "alice", taken.id, &claimed, &err), 0);
	assert_string_equal(claimed.id, "k1");
	assert_true(qv_secret_equal(taken.secret, claimed.secret));
	assert_int_equal(qv_secret_bytes(taken.secret)[31], 0x1f);
	qv_key_clear(&taken);
	qv_key_clear(&claimed);
	expect_error(psk->claim(bob, "alice", "k1", &claimed, &err), &err, QV_E_NOT_FOUND, "claimed before");
	expect_error(psk->claim(bob, "alice", "k9", &claimed, &err), &err, QV_E_NOT_FOUND, "no key k9");
	expect_error(psk->claim(alice, "bob", "k1", &claimed, &err), &err, QV_E_NOT_FOUND, "taken by this end");
	assert_null(claimed.secret);
	expect_take(bob, "k2", 256);
	psk->close(alice);
	psk->close(bob);
	psk->close(NULL);
}

static void a_restart_repeats_no_key(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_key key = { .secret = NULL };
	struct qv_keysource *source = open_source(NULL);
	expect_take(source, "k1", 0);
	psk->close(source);
	source = open_source(NULL);
	expect_take(source, "k3", 128);
	expect_error(psk->take(source, "bob", 128, &key, &err), &err, QV_E_NO_KEY, "1 of other sizes");
	psk->close(source);
	source = open_source(NULL);
	expect_take(source, "k2", 0);
	expect_error(psk->take(source, "bob", 0, &key, &err), &err, QV_E_NO_KEY, "all 3 keys are used");
	expect_error(psk->take(source, "bob", 127, &key, &err), &err, QV_E_INVALID, "multiple of 8");
	psk->close(source);
	struct stat st;
	assert_int_equal(stat(record_file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void status_counts_what_is_left(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_keysource_status status;
	struct qv_keysource *source = open_source("sae_id=alice");
	char id[QV_SAE_ID_MAX + 1];
	assert_int_equal(psk->self(source, "bob", id, &err), 0);
	assert_string_equal(id, "alice");
	expect_take(source, "k1", 0);
	assert_int_equal(psk->status(source, "bob", &status, &err), 0);
	assert_string_equal(status.master_sae_id, "alice");
	assert_string_equal(status.slave_sae_id, "bob");
	assert_int_equal(status.stored_key_count, 2);
	assert_int_equal(status.max_key_count, 3);
	assert_int_equal(status.key_size, 256);
	assert_int_equal(status.min_key_size, 128);
	psk->close(source);
}

static void backward_takes_from_the_end(void **state)
{
	(void)state;
	struct qv_keysource *source = open_source("order=backward");
	expect_take(source, "k3", 0);
	expect_take(source, "k2", 0);
	psk->close(source);
}

static void reuse_is_only_on_request(void **state)
{
	(void)state;
	struct qv_keysource *source = open_source("reuse=true");
	expect_take(source, "k1", 0);
	expect_take(source, "k1", 0);
	expect_take(source, "k3", 128);
	psk->close(source);
	assert_int_equal(access(record_file, F_OK), -1);
}

static void refused(const char *text, mode_t mode, enum qv_code code, const char *part)
{
	struct qv_error err = QV_ERROR_INIT;
	unlink(record_file);
	write_file(key_file, text, mode);
	struct qv_keysource *source = try_open(&err, NULL);
	assert_null(source);
	expect_error(-1, &err, code, part);
}

static void bad_key_files_are_refused(void **state)
{
	(void)state;
	static const char good[] = "k1 hex:000102030405060708090a0b0c0d0e0f\n";
	refused(good, 0640, QV_E_DENIED, "chmod 600");
	refused(good, 0604, QV_E_DENIED, "mode 0604");
	refused("", 0600, QV_E_CONFIG, "holds no key");
	refused("# nothing\n", 0600, QV_E_CONFIG, "holds no key");
	refused("\nk1\n", 0600, QV_E_INVALID, ".keys:2: no key after the key_ID");
	refused("k1 hex:00 11\n", 0600, QV_E_INVALID, "more than a key_ID and a key");
	refused("k1 hex:0011\n", 0600, QV_E_INVALID, "16 bits");
	refused("k1 hex:0001020304050607zz090a0b0c0d0e0f\n", 0600, QV_E_INVALID, "hexadecimal");
	refused("k1 AAECAwQFBgcICQoLDA0ODw\n", 0600, QV_E_INVALID, "base64");
	refused("k\xc3\xa9 hex:000102030405060708090a0b0c0d0e0f\n", 0600, QV_E_INVALID, "printable ASCII");
	refused("a hex:000102030405060708090a0b0c0d0e0f\na hex:100102030405060708090a0b0c0d0e0f\n", 0600, QV_E_INVALID,
		":2: the same key_ID as in line 1");
	refused("b hex:000102030405060708090a0b0c0d0e0f\n#\na AAECAwQFBgcICQoLDA0ODw==\n", 0600, QV_E_INVALID,
		":3: the same key as in line 1");
	struct qv_error err = QV_ERROR_INIT;
	unlink(key_file);
	assert_null(try_open(&err, NULL));
	expect_error(-1, &err, QV_E_IO, "cannot be read");
	assert_int_equal(mkdir(key_file, 0700), 0);
	assert_null(try_open(&err, NULL));
	expect_error(-1, &err, QV_E_DENIED, "regular file only");
	assert_int_equal(rmdir(key_file), 0);
}

static void a_damaged_record_is_refused(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_key key = { .secret = NULL };
	write_file(record_file, "taken k1\nrubbish\n", 0600);
	assert_null(try_open(&err, NULL));
	expect_error(-1, &err, QV_E_INVALID, "line 2");
	write_file(record_file, "taken k1\n", 0622);
	assert_null(try_open(&err, NULL));
	expect_error(-1, &err, QV_E_DENIED, "others could change");

	write_file(record_file, "taken k1\n", 0600);
	struct qv_keysource *source = open_source(NULL);
	unlink(record_file);
	expect_error(psk->take(source, "bob", 0, &key, &err), &err, QV_E_IO, "removed or replaced");
	write_file(record_file, "", 0600);
	expect_error(psk->take(source, "bob", 0, &key, &err), &err, QV_E_IO, "removed or replaced");
	psk->close(source);

	write_file(record_file, "taken k1\n", 0600);
	source = open_source(NULL);
	assert_int_equal(truncate(record_file, 0), 0);
	expect_error(psk->take(source, "bob", 0, &key, &err), &err, QV_E_IO, "was cut");
	psk->close(source);
}

static void an_unfinished_line_is_removed(void **state)
{
	(void)state;
	write_file(record_file, "taken k1\nclaimed gone\ntaken k", 0600);
	struct qv_keysource *source = open_source(NULL);
	expect_take(source, "k2", 0);
	psk->close(source);
	char text[128] = "";
	int fd = open(record_file, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, text, sizeof text - 1) > 0);
	close(fd);
	assert_string_equal(text, "taken k1\nclaimed gone\ntaken k2\n");
}

static void a_use_that_cannot_be_recorded_gives_no_key(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_key key = { .secret = NULL };
	struct qv_keysource *source = open_source(NULL);
	/* A file size limit stands for a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit limit = { 0, 0 };
		setrlimit(RLIMIT_FSIZE, &limit);
		int refused_it = psk->take(source, "bob", 0, &key, &err) != 0 && err.code == QV_E_IO &&
				 strstr(err.message, "not handed out") && !key.secret;
		_exit(refused_it ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	psk->close(source);
}

static void a_held_lock_can_be_cancelled(void **state)
{
	(void)state;
	int pipe_fd[2];
	struct qv_error err = QV_ERROR_INIT;
	struct qv_key key = { .secret = NULL };
	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	char keys[128];
	snprintf(keys, sizeof keys, "keys=%s", key_file);
	const char *const assignments[] = { keys, NULL };
	struct qv_host cancelled = host;
	cancelled.cancel_fd = pipe_fd[0];
	struct qv_options *options =
		qv_options_from_strings(assignments, psk->head.options, psk->head.option_size, "test", &err);
	struct qv_keysource *source = psk->open(&cancelled, options, &err);
	assert_non_null(source);
	qv_options_free(options);
	int fd = open(record_file, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(write(pipe_fd[1], "", 1), 1);
	expect_error(psk->take(source, "bob", 0, &key, &err), &err, QV_E_CANCELLED, "taking a key for bob");
	close(fd);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	psk->close(source);
}

/* Takes until none is left and writes each number to the pipe, in one write that is whole or absent. */
static void take_all(struct qv_keysource *source, int fd)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_key key = { .secret = NULL };
	while (psk->take(source, "bob", 256, &key, &err) == 0) {
		unsigned number = (unsigned)strtoul(key.id + 4, NULL, 10);
		if (qv_secret_bytes(key.secret)[31] != (number & 255) || write(fd, &number, sizeof number) < 0)
			return;
		qv_key_clear(&key);
	}
	if (err.code != QV_E_NO_KEY)
		print_error("%s\n", err.message);
}

struct taker {
	struct qv_keysource *source;
	int fd;
};

static void *taker_main(void *argument)
{
	struct taker *taker = argument;
	take_all(taker->source, taker->fd);
	return NULL;
}

static unsigned count_unique(int fd)
{
	bool seen[KEYS] = { false };
	unsigned number, count = 0;
	while (read(fd, &number, sizeof number) == (ssize_t)sizeof number) {
		assert_true(number < KEYS);
		assert_false(seen[number]);
		seen[number] = true;
		count++;
	}
	return count;
}

static void processes_and_threads_never_share_a_key(void **state)
{
	(void)state;
	many();
	int fd[2];
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	pid_t children[3];
	for (size_t i = 0; i < 3; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			struct qv_keysource *source = try_open(NULL, NULL);
			if (source)
				take_all(source, fd[1]);
			psk->close(source);
			_exit(0);
		}
	}
	struct taker taker = { open_source(NULL), fd[1] };
	pthread_t threads[2];
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, taker_main, &taker), 0);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
	psk->close(taker.source);
	close(fd[1]);
	assert_int_equal(count_unique(fd[0]), KEYS);
	close(fd[0]);
}

static void a_killed_process_repeats_no_key(void **state)
{
	(void)state;
	many();
	int fd[2];
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	bool seen[KEYS] = { false };
	unsigned number = 0, rounds = 0;
	for (bool left = true; left && rounds < KEYS; rounds++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct qv_keysource *source = try_open(NULL, NULL);
			if (source)
				take_all(source, fd[1]);
			number = KEYS;
			_exit(write(fd[1], &number, sizeof number) < 0);
		}
		/* Killed while it is somewhere in the next takes. */
		for (unsigned i = 0; i < 7 && left; i++) {
			assert_int_equal(read(fd[0], &number, sizeof number), sizeof number);
			left = number != KEYS;
			assert_true(!left || !seen[number]);
			if (left)
				seen[number] = true;
		}
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
	assert_true(rounds > 2);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	struct qv_error err = QV_ERROR_INIT;
	loader = qv_loader_new(NULL, NULL, &err);
	const struct qv_class *class = loader ? qv_loader_get(loader, "keysource", "psk", &err) : NULL;
	psk = qv_keysource_class(class);
	if (!psk || !mkdtemp(folder)) {
		printf("Bail out! %s\n", err.message);
		return 1;
	}
	snprintf(key_file, sizeof key_file, "%s/test.keys", folder);
	snprintf(record_file, sizeof record_file, "%s.used", key_file);
	snprintf(other_record, sizeof other_record, "%s/other", folder);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(both_ends_get_the_same_key, setup),
		cmocka_unit_test_setup(a_restart_repeats_no_key, setup),
		cmocka_unit_test_setup(status_counts_what_is_left, setup),
		cmocka_unit_test_setup(backward_takes_from_the_end, setup),
		cmocka_unit_test_setup(reuse_is_only_on_request, setup),
		cmocka_unit_test_setup(bad_key_files_are_refused, setup),
		cmocka_unit_test_setup(a_damaged_record_is_refused, setup),
		cmocka_unit_test_setup(an_unfinished_line_is_removed, setup),
		cmocka_unit_test_setup(a_use_that_cannot_be_recorded_gives_no_key, setup),
		cmocka_unit_test_setup(a_held_lock_can_be_cancelled, setup),
		cmocka_unit_test_setup(processes_and_threads_never_share_a_key, setup),
		cmocka_unit_test_setup(a_killed_process_repeats_no_key, setup),
	};
	int failed = cmocka_run_group_tests_name("psk", tests, NULL, NULL);
	unlink(key_file);
	unlink(record_file);
	unlink(other_record);
	rmdir(folder);
	qv_loader_free(loader);
	return failed;
}
