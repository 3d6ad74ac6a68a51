/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <qvisio/secret.h>

/* The VmFlags of the mapping that holds an address (proc(5)). */
static void flags_of(const void *address, char *flags, size_t room)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[512];
	bool inside = false;
	flags[0] = 0;
	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		unsigned long start, end;
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (uintptr_t)address >= start && (uintptr_t)address < end;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(flags, room, "%.200s", line + 8);
	}
	fclose(file);
}

/* AddressSanitizer and ThreadSanitizer turn mlock into a call that does nothing and succeeds. */
static bool mlock_does_nothing(void)
{
	char flags[256] = " lo";
	void *page = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	if (mlock(page, 1) == 0)
		flags_of(page, flags, sizeof flags);
	munmap(page, 1);
	if (!strstr(flags, " lo"))
		print_message("# mlock does nothing here\n");
	return !strstr(flags, " lo");
}

static void locked_and_out_of_dumps(void **state)
{
	(void)state;
	if (mlock_does_nothing())
		return;
	static const size_t sizes[] = { 0, 1, 32, 63, 64, 100, 4095, 5000, 100000, QV_SECRET_MAX };
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		struct qv_secret *secret = qv_secret_random(sizes[i], &err);
		char flags[256];
		if (!secret)
			fail_msg("%zu bytes: %s", sizes[i], err.message);
		flags_of(qv_secret_bytes(secret), flags, sizeof flags);
		if (!strstr(flags, " lo") || !strstr(flags, " dd"))
			fail_msg("memory of %zu bytes is not locked (lo) or is dumped (dd):%s", sizes[i], flags);
		assert_int_equal(qv_secret_bytes(secret)[sizes[i]], 0);
		qv_secret_free(secret);
	}
}

static void wiped_when_freed(void **state)
{
	(void)state;
	struct qv_secret *keep = qv_secret_new(32, NULL), *secret = qv_secret_new(32, NULL);
	const uint8_t *bytes = qv_secret_bytes(secret);
	memset(qv_secret_edit(secret), 0xa5, 32);
	memset(qv_secret_edit(keep), 0x5a, 32);
	qv_secret_free(secret);
	/* The slab stays mapped, as `keep` lies in it. */
	for (int i = 0; i < 32; i++)
		assert_int_equal(bytes[i], 0);
	assert_int_equal(qv_secret_bytes(keep)[31], 0x5a);
	qv_secret_free(keep);
	qv_secret_free(NULL);
}

static void sizes_are_bounded_and_zeroed(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	assert_null(qv_secret_new(QV_SECRET_MAX + 1, &err));
	assert_int_equal(err.code, QV_E_INVALID);
	assert_null(qv_secret_new(SIZE_MAX, &err));
	struct qv_secret *many[300];
	for (int i = 0; i < 300; i++) {
		many[i] = qv_secret_new((size_t)i * 7, &err);
		assert_non_null(many[i]);
		assert_int_equal(qv_secret_size(many[i]), i * 7);
		for (int j = 0; j < i * 7; j++)
			assert_int_equal(qv_secret_bytes(many[i])[j], 0);
		memset(qv_secret_edit(many[i]), i, (size_t)i * 7);
	}
	for (int i = 0; i < 300; i++) {
		for (int j = 0; j < i * 7; j++)
			assert_int_equal(qv_secret_bytes(many[i])[j], i & 0xff);
		qv_secret_free(many[i]);
	}
}

static void no_lock_no_secret(void **state)
{
	(void)state;
	if (mlock_does_nothing())
		return;
	if (geteuid() == 0) {
		/* Root may lock whatever the limit says; a child without that right must be refused. */
		print_message("# as root, after giving up the privilege\n");
	}
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct rlimit none = { 0, 0 };
		struct qv_error err = QV_ERROR_INIT;
		bool ready = setrlimit(RLIMIT_MEMLOCK, &none) == 0 && (geteuid() != 0 || setuid(65534) == 0);
		struct qv_secret *secret = qv_secret_new(QV_SECRET_MAX, &err);
		_exit(!ready ? 2 : !secret && err.code == QV_E_NOMEM && strstr(err.message, "ulimit -l") ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void base64_by_table(void **state)
{
	(void)state;
	static const struct {
		const char *plain, *text; /* RFC 4648 section 10 */
	} good[] = { { "", "" },
		     { "f", "Zg==" },
		     { "fo", "Zm8=" },
		     { "foo", "Zm9v" },
		     { "foob", "Zm9vYg==" },
		     { "fooba", "Zm9vYmE=" },
		     { "foobar", "Zm9vYmFy" } };
	static const char *const bad[] = { "Z",     "Zg",   "Zg=",  "Zg===", "Z g=", "Zg==\n",
					   "Zm9v=", "Zm9-", "Zm9_", "====",  "Zh==" };
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct qv_secret *plain = qv_secret_from_base64(good[i].text, strlen(good[i].text), NULL);
		assert_non_null(plain);
		assert_int_equal(qv_secret_size(plain), strlen(good[i].plain));
		assert_string_equal((const char *)qv_secret_bytes(plain), good[i].plain);
		struct qv_secret *text = qv_secret_to_base64(plain, NULL);
		assert_string_equal((const char *)qv_secret_bytes(text), good[i].text);
		assert_int_equal(qv_secret_size(text), strlen(good[i].text));
		qv_secret_free(plain);
		qv_secret_free(text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		if (qv_secret_from_base64(bad[i], strlen(bad[i]), &err))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(err.code, QV_E_INVALID);
		assert_null(strstr(err.message, bad[i]));
	}
}

static void hex_by_table(void **state)
{
	(void)state;
	static const char *const bad[] = { "0", "0g", "00 11", "0x00", "00:11" };
	struct qv_secret *secret = qv_secret_from_hex("00fFA1", 6, NULL);
	assert_int_equal(qv_secret_size(secret), 3);
	assert_memory_equal(qv_secret_bytes(secret), "\x00\xff\xa1", 3);
	qv_secret_free(secret);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_null(qv_secret_from_hex(bad[i], strlen(bad[i]), NULL));
}

static void equality(void **state)
{
	(void)state;
	struct qv_secret *a = qv_secret_copy("0123456789", 10, NULL), *b = qv_secret_copy("0123456789", 10, NULL);
	struct qv_secret *c = qv_secret_copy("0123456780", 10, NULL), *d = qv_secret_copy("012345678", 9, NULL);
	assert_true(qv_secret_equal(a, b));
	assert_false(qv_secret_equal(a, c));
	assert_false(qv_secret_equal(a, d));
	assert_false(qv_secret_equal(a, NULL));
	assert_true(qv_secret_equal(NULL, NULL));
	assert_null(qv_secret_bytes(NULL));
	assert_int_equal(qv_secret_size(NULL), 0);
	struct qv_secret *all[] = { a, b, c, d };
	for (int i = 0; i < 4; i++)
		qv_secret_free(all[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(locked_and_out_of_dumps),
		cmocka_unit_test(wiped_when_freed),
		cmocka_unit_test(sizes_are_bounded_and_zeroed),
		cmocka_unit_test(no_lock_no_secret),
		cmocka_unit_test(base64_by_table),
		cmocka_unit_test(hex_by_table),
		cmocka_unit_test(equality),
	};
	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
