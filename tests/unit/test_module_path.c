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

#include <qvisio/config.h>

#include "../../core/module_path.h"

#define NOBODY 65534

static const struct qv_option table[] = {
	{ .name = "module_path", .type = QV_OPTION_STRINGS, .help = "Folders." },
	{ .name = NULL },
};

static char folder[] = "/tmp/qvisio-path-XXXXXX";
static char file[64];

static int make_file(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/qvisio-path-XXXXXX");
	snprintf(file, sizeof file, "%s/module.so", mkdtemp(folder));
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0644);
	return fd >= 0 && fchmod(fd, 0644) == 0 ? close(fd) : -1;
}

static int remove_all(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(folder);
}

static void assert_path(const char *environment, const char *config, const char *const *expected)
{
	struct qv_config *parsed = qv_config_parse(config, "test", "/base", NULL);
	struct qv_options *top = qv_options_check(qv_config_root(parsed), table, sizeof table[0], NULL, NULL);
	assert_non_null(top);
	if (environment)
		setenv("QVISIO_MODULE_PATH", environment, 1);
	else
		unsetenv("QVISIO_MODULE_PATH");
	char **path = qv_module_path_new(top, NULL);
	assert_non_null(path);
	size_t count = 0;
	for (; expected[count]; count++) {
		assert_non_null(path[count]);
		assert_string_equal(path[count], expected[count]);
	}
	assert_null(path[count]);
	qv_module_path_free(path);
	qv_options_free(top);
	qv_config_free(parsed);
}

static void folders_come_from_environment_configuration_and_installation_in_this_order(void **state)
{
	(void)state;
	static const char *const built_in[] = { QV_MODULEDIR, NULL };
	static const char *const configured[] = { "/a", "/b", QV_MODULEDIR, NULL };
	static const char *const all[] = { "/e", "/f", "/a", "/b", QV_MODULEDIR, NULL };
	static const char *const environment[] = { "/e", QV_MODULEDIR, NULL };
	assert_path(NULL, "", built_in);
	assert_path(NULL, "module_path = [\"/a\", \"/b\"];", configured);
	assert_path("/e:/f", "module_path = [\"/a\", \"/b\"];", all);
	/* Empty pieces are no folder, least of all the current one. */
	assert_path(":/e::", "module_path = [];", environment);
	assert_path("", "", built_in);
	assert_path(":::", "", built_in);
}

static void without_a_configuration_the_installed_folder_is_left(void **state)
{
	(void)state;
	unsetenv("QVISIO_MODULE_PATH");
	char **path = qv_module_path_new(NULL, NULL);
	assert_non_null(path);
	assert_string_equal(path[0], QV_MODULEDIR);
	assert_null(path[1]);
	qv_module_path_free(path);
	qv_module_path_free(NULL);
}

static void assert_unsafe(const char *word)
{
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(qv_module_path_safe(file, &err), -1);
	assert_int_equal(err.code, QV_E_MODULE);
	assert_non_null(strstr(err.message, folder));
	assert_non_null(strstr(err.message, word));
}

static void assert_safe(void)
{
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(qv_module_path_safe(file, &err), 0);
}

static void what_only_this_user_can_change_is_safe(void **state)
{
	(void)state;
	assert_safe();
	assert_int_equal(chmod(file, 0600), 0);
	assert_safe();
	/* The user's own group may. */
	assert_int_equal(chmod(file, 0664), 0);
	assert_safe();
}

static void what_everybody_can_change_is_not(void **state)
{
	(void)state;
	assert_int_equal(chmod(file, 0646), 0);
	assert_unsafe("chmod go-w");
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_unsafe("chmod go-w");
	/* Whoever can write the folder can replace the file, sticky bit or not. */
	assert_int_equal(chmod(folder, 01777), 0);
	assert_unsafe("chmod go-w");
}

/* Only root can give files away, so that others test less here. */
static void what_another_user_or_group_can_change_is_not(void **state)
{
	(void)state;
	if (chown(file, (uid_t)-1, NOBODY) != 0)
		return;
	assert_safe();
	assert_int_equal(chmod(file, 0664), 0);
	assert_unsafe("chmod go-w");
	assert_int_equal(chown(file, NOBODY, 0), 0);
	assert_int_equal(chmod(file, 0644), 0);
	assert_unsafe("belongs to user 65534");
	assert_int_equal(chown(file, 0, 0), 0);
	assert_int_equal(chown(folder, NOBODY, 0), 0);
	assert_unsafe("belongs to user 65534");
	assert_int_equal(chown(folder, 0, NOBODY), 0);
	assert_int_equal(chmod(folder, 0775), 0);
	assert_unsafe("chmod go-w");
}

static void what_is_not_there_is_named(void **state)
{
	(void)state;
	unlink(file);
	assert_unsafe("No such file");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_file, remove_all)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_come_from_environment_configuration_and_installation_in_this_order),
		cmocka_unit_test(without_a_configuration_the_installed_folder_is_left),
		CASE(what_only_this_user_can_change_is_safe),
		CASE(what_everybody_can_change_is_not),
		CASE(what_another_user_or_group_can_change_is_not),
		CASE(what_is_not_there_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
