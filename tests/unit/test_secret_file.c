/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <qvisio/secret.h>

static char folder[] = "/tmp/qvisio-secret-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "%s/secret", mkdtemp(folder));
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path) == 0 || rmdir(path) == 0 ? 0 : -1;
}

static void write_file(const char *bytes, size_t size, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* Reading fails with this code, and the message names the file and says `word`. */
static void assert_refused(size_t max, enum qv_code code, const char *word)
{
	struct qv_error err = QV_ERROR_INIT;
	assert_null(qv_secret_from_file(path, max, &err));
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.message, path));
	assert_non_null(strstr(err.message, word));
	assert_null(strstr(err.message, "tell-nobody"));
}

static void the_bytes_of_a_private_file_are_read(void **state)
{
	(void)state;
	static const char bytes[] = "tell\0nobody\n";
	struct qv_error err = QV_ERROR_INIT;
	for (mode_t mode = 0400; mode <= 0600; mode += 0200) {
		write_file(bytes, sizeof bytes, mode);
		struct qv_secret *secret = qv_secret_from_file(path, sizeof bytes, &err);
		assert_non_null(secret);
		assert_int_equal(qv_secret_size(secret), sizeof bytes);
		assert_memory_equal(qv_secret_bytes(secret), bytes, sizeof bytes);
		assert_int_equal(qv_secret_bytes(secret)[sizeof bytes], 0);
		qv_secret_free(secret);
		unlink(path);
	}
	write_file("", 0, 0600);
	struct qv_secret *empty = qv_secret_from_file(path, 16, &err);
	assert_non_null(empty);
	assert_int_equal(qv_secret_size(empty), 0);
	qv_secret_free(empty);
}

static void a_file_larger_than_allowed_is_refused(void **state)
{
	(void)state;
	write_file("tell-nobody", 11, 0600);
	assert_refused(10, QV_E_INVALID, "larger than 10 bytes");
}

static void a_file_that_others_can_use_is_refused_with_the_command_that_mends_it(void **state)
{
	(void)state;
	static const mode_t others[] = { 0640, 0620, 0610, 0604, 0602, 0601, 0660, 0666 };
	write_file("tell-nobody", 11, 0600);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		char command[96];
		assert_int_equal(chmod(path, others[i]), 0);
		snprintf(command, sizeof command, "chmod 600 %s", path);
		assert_refused(100, QV_E_DENIED, command);
	}
}

static void a_file_of_another_user_is_refused(void **state)
{
	(void)state;
	write_file("tell-nobody", 11, 0600);
	/* Only root can give a file away. */
	if (chown(path, 65534, (gid_t)-1) == 0)
		assert_refused(100, QV_E_DENIED, "another user");
}

static void what_is_no_regular_file_is_refused_without_waiting_for_it(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(100, QV_E_DENIED, "regular file");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(100, QV_E_DENIED, "regular file");
}

static void a_symbolic_link_is_judged_by_its_target(void **state)
{
	(void)state;
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_refused(100, QV_E_DENIED, "regular file");
	unlink(path);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_refused(100, QV_E_IO, "No such file");
}

static void a_file_that_is_not_there_is_named(void **state)
{
	(void)state;
	assert_refused(100, QV_E_IO, "No such file");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_bytes_of_a_private_file_are_read, remove_file),
		cmocka_unit_test_teardown(a_file_larger_than_allowed_is_refused, remove_file),
		cmocka_unit_test_teardown(a_file_that_others_can_use_is_refused_with_the_command_that_mends_it,
					  remove_file),
		cmocka_unit_test_teardown(a_file_of_another_user_is_refused, remove_file),
		cmocka_unit_test_teardown(what_is_no_regular_file_is_refused_without_waiting_for_it, remove_file),
		cmocka_unit_test_teardown(a_symbolic_link_is_judged_by_its_target, remove_file),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
