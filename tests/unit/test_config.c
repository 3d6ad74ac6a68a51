/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration text against declared options: what is accepted, and the exact message of what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <qvisio/config.h>
#include <qvisio/loader.h>

static const char *const colours[] = { "red", "green", NULL };

static const struct qv_option table[] = {
	{ .name = "name", .type = QV_OPTION_STRING, .required = true, .help = "A name." },
	{ .name = "port", .type = QV_OPTION_INT, .fallback = "7443", .min = 1, .max = 65535, .help = "A port." },
	{ .name = "wait", .type = QV_OPTION_INT, .unit = "ms", .help = "A time." },
	{ .name = "gain",
	  .type = QV_OPTION_FLOAT,
	  .fallback = "0.5",
	  .min = 0,
	  .max = 2,
	  .unit = "dB",
	  .help = "Loud." },
	{ .name = "loop", .type = QV_OPTION_BOOL, .fallback = "false", .help = "Again." },
	{ .name = "colour", .type = QV_OPTION_CHOICE, .fallback = "red", .choices = colours, .help = "A colour." },
	{ .name = "file", .type = QV_OPTION_PATH, .help = "A file." },
	{ .name = "password", .type = QV_OPTION_SECRET, .help = "A password." },
	{ .name = "hosts", .type = QV_OPTION_STRINGS, .fallback = "a,b", .help = "Hosts." },
	{ .name = NULL },
};
static const char *const groups[] = { "video", "peers", NULL };

static struct qv_options *check(const char *text, struct qv_config **config, struct qv_error *err)
{
	*config = qv_config_parse(text, "t.conf", "/etc/qv", err);
	return *config ? qv_options_check(qv_config_root(*config), table, sizeof table[0], groups, err) : NULL;
}

static void each_bad_text_has_its_message(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "t.conf: name: missing; it is required: a string in quotes" },
		{ "name = \"x\"\nport = ;", "t.conf:2: syntax error" },
		{ "name = \"x\"; name = \"y\";", "t.conf:1: duplicate setting name" },
		{ "name = \"x\";\n\npotr = 1;", "t.conf:3: potr: unknown setting; did you mean \"port\"?" },
		{ "name = \"x\";\nvidoe: { };", "t.conf:2: vidoe: unknown setting; did you mean \"video\"?" },
		{ "name = \"x\";\nzzzzzzzzzzz = 1;", "t.conf:2: zzzzzzzzzzz: unknown setting" },
		{ "name = 5;", "t.conf:1: name: expected a string in quotes, not 5" },
		{ "name = true;", "t.conf:1: name: expected a string in quotes" },
		{ "name = [\"a\"];", "t.conf:1: name: expected a string in quotes" },
		{ "name = \"x\"; port = 0;", "t.conf:1: port: expected a whole number from 1 to 65535, not 0" },
		{ "name = \"x\"; port = 65536;", "t.conf:1: port: expected a whole number from 1 to 65535, not 65536" },
		{ "name = \"x\"; port = -1;", "t.conf:1: port: expected a whole number from 1 to 65535, not -1" },
		{ "name = \"x\"; port = 1.5;", "t.conf:1: port: expected a whole number from 1 to 65535, not 1.5" },
		{ "name = \"x\"; port = \"80\";",
		  "t.conf:1: port: expected a whole number from 1 to 65535, not a string" },
		{ "name = \"x\"; wait = \"1\";", "t.conf:1: wait: expected a whole number of ms, not a string" },
		{ "name = \"x\"; gain = 2.5;", "t.conf:1: gain: expected a number from 0 to 2 dB, not 2.5" },
		{ "name = \"x\"; gain = true;", "t.conf:1: gain: expected a number from 0 to 2 dB" },
		{ "name = \"x\"; loop = 1;", "t.conf:1: loop: expected true or false, not 1" },
		{ "name = \"x\"; loop = \"true\";", "t.conf:1: loop: expected true or false, not a string" },
		{ "name = \"x\"; colour = \"blue\";",
		  "t.conf:1: colour: expected one of \"red\", \"green\", not \"blue\"" },
		{ "name = \"x\"; file = 1;", "t.conf:1: file: expected a file name in quotes, not 1" },
		{ "name = \"x\"; file: { };", "t.conf:1: file: expected a file name in quotes" },
		{ "name = \"x\"; hosts = (1, 2);", "t.conf:1: hosts: expected a string in quotes, or a list of them" },
		{ "name = \"x\"; hosts = 1;",
		  "t.conf:1: hosts: expected a string in quotes, or a list of them, not 1" },
		{ "name = \"x\"; password = 12;", "t.conf:1: password: expected a string in quotes, not 12" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		struct qv_config *config;
		struct qv_options *options = check(bad[i].text, &config, &err);
		if (options)
			fail_msg("accepted: %s", bad[i].text);
		assert_string_equal(err.message, bad[i].message);
		assert_int_equal(err.code, QV_E_CONFIG);
		qv_config_free(config);
	}
}

static void values_come_as_declared(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_config *config;
	struct qv_options *options = check("name = \"x\"; port = 65535; wait = 5000000000L; gain = 2; loop = true;\n"
					   "colour = \"green\"; file = \"a/b\"; password = \"pw\";\n"
					   "hosts = [\"h1\", \"h2\", \"h3\"]; video: { };",
					   &config, &err);
	if (!options)
		fail_msg("%s", err.message);
	assert_string_equal(qv_options_string(options, "name"), "x");
	assert_int_equal(qv_options_int(options, "port"), 65535);
	assert_int_equal(qv_options_int(options, "wait"), 5000000000);
	assert_float_equal(qv_options_float(options, "gain"), 2.0, 0);
	assert_true(qv_options_bool(options, "loop"));
	assert_string_equal(qv_options_string(options, "colour"), "green");
	assert_string_equal(qv_options_string(options, "file"), "/etc/qv/a/b");
	assert_string_equal((const char *)qv_secret_bytes(qv_options_secret(options, "password")), "pw");
	assert_int_equal(qv_options_count(options, "hosts"), 3);
	assert_string_equal(qv_options_item(options, "hosts", 2), "h3");
	assert_null(qv_options_item(options, "hosts", 3));
	assert_string_equal(qv_options_where(options, "colour"), "t.conf:2");
	assert_string_equal(qv_options_where(options, "nix"), "t.conf");
	assert_int_equal(qv_options_fail(options, "file", &err, "it is %s", "gone"), -1);
	assert_string_equal(err.message, "t.conf:2: file: it is gone");
	qv_config_free(config);
	assert_string_equal(qv_options_string(options, "name"), "x"); /* values outlive the file */
	qv_options_free(options);
}

static void defaults_are_values_too(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_config *config;
	struct qv_options *options = check("name = \"\"; hosts = \"one\"; file = \"/abs\";", &config, &err);
	assert_non_null(options);
	assert_int_equal(qv_options_int(options, "port"), 7443);
	assert_true(qv_options_has(options, "port"));
	assert_false(qv_options_is_set(options, "port"));
	assert_true(qv_options_is_set(options, "name"));
	assert_false(qv_options_has(options, "wait"));
	assert_string_equal(qv_options_item(options, "hosts", 0), "one");
	assert_string_equal(qv_options_string(options, "file"), "/abs");
	assert_null(qv_options_secret(options, "password"));
	qv_options_free(options);
	qv_config_free(config);
	options =
		qv_options_from_strings((const char *const[]){ "name=n", NULL }, table, sizeof table[0], "words", &err);
	assert_int_equal(qv_options_count(options, "hosts"), 2);
	qv_options_free(options);
}

static void words_are_checked_like_files(void **state)
{
	(void)state;
	static const struct {
		const char *word, *message;
	} bad[] = {
		{ "port", "words: \"port\" is not of the form name=value" },
		{ "=1", "words: : unknown setting" },
		{ "prot=1", "words: prot: unknown setting; did you mean \"port\"?" },
		{ "port=", "words: port: expected a whole number from 1 to 65535, not \"\"" },
		{ "port=1x", "words: port: expected a whole number from 1 to 65535, not \"1x\"" },
		{ "port=99999999999999999999", "words: port: expected a whole number from 1 to 65535, not "
					       "\"99999999999999999999\"" },
		{ "gain=nan", "words: gain: expected a number from 0 to 2 dB, not nan" },
		{ "loop=yes", "words: loop: expected true or false, not that" },
		{ "name=again", "words: name: given twice" },
		{ "password=x",
		  "words: password: a secret does not belong on a command line, where others can read it; "
		  "use a configuration file" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_error err = QV_ERROR_INIT;
		const char *const words[] = { "name=n", bad[i].word, NULL };
		assert_null(qv_options_from_strings(words, table, sizeof table[0], "words", &err));
		assert_string_equal(err.message, bad[i].message);
	}
}

static void groups_and_lists_are_found(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_config *config =
		qv_config_parse("video: {\n source: { module = \"m\"; nam = 1; };\n};\n"
				"peers = ( { name = \"a\"; }, { port = 1; } );\nwrong = ( 1 ); flat = 2;",
				"t.conf", "/etc", &err);
	const struct qv_section *root = qv_config_root(config), *video, *source, *none;
	assert_int_equal(qv_section_group(root, "video", &video, &err), 0);
	assert_int_equal(qv_section_group(video, "source", &source, &err), 0);
	assert_string_equal(qv_section_name(source), "video.source");
	assert_string_equal(qv_section_where(source), "t.conf:2");
	assert_int_equal(qv_section_group(root, "absent", &none, &err), 0);
	assert_null(none);
	assert_int_equal(qv_section_group(root, "flat", &none, &err), -1);
	assert_string_equal(err.message, "t.conf:5: flat: expected a group of settings: { … }");
	assert_string_equal(qv_section_module(source, NULL, &err), "m");
	assert_null(qv_section_module(video, NULL, &err));
	assert_string_equal(err.message, "t.conf:1: video.module: missing; it names the module to use");
	static const char *const own[] = { "module", NULL };
	assert_null(qv_options_check(source, table, sizeof table[0], own, &err));
	assert_string_equal(err.message, "t.conf:2: video.source.nam: unknown setting; did you mean \"name\"?");
	size_t count;
	assert_int_equal(qv_section_list(root, "peers", &count, &err), 0);
	assert_int_equal(count, 2);
	assert_null(qv_options_check(qv_section_list_item(root, "peers", 1), table, sizeof table[0], NULL, &err));
	assert_string_equal(err.message, "t.conf:4: peers[1].name: missing; it is required: a string in quotes");
	assert_int_equal(qv_section_list(root, "wrong", &count, &err), -1);
	assert_string_equal(err.message, "t.conf:5: wrong: expected a group of settings: { … }");
	qv_config_free(config);
}

static void roles_name_what_is_wrong(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	struct qv_loader *loader = qv_loader_new(NULL, NULL, &err);
	struct qv_config *config =
		qv_config_parse("a: { module = \"no-such\"; };\nb: { module = \"../x\"; };", "t.conf", "/", &err);
	const struct qv_section *group;
	struct qv_role role;
	qv_section_group(qv_config_root(config), "a", &group, &err);
	assert_int_equal(qv_role_load(loader, group, "tls", NULL, &role, &err), -1);
	static const char start[] = "t.conf:1: a: no tls module \"no-such\": there is no tls-no-such.so in ";
	assert_int_equal(strncmp(err.message, start, sizeof start - 1), 0);
	qv_section_group(qv_config_root(config), "b", &group, &err);
	assert_int_equal(qv_role_load(loader, group, "tls", NULL, &role, &err), -1);
	assert_non_null(strstr(err.message, "\"../x\" is no module name"));
	assert_int_equal(qv_role_load(loader, NULL, "tls", NULL, &role, &err), -1);
	assert_int_equal(err.code, QV_E_CONFIG);
	qv_role_free(&role);
	qv_role_free(NULL);
	qv_config_free(config);
	qv_loader_free(loader);
}

static void write_file(const char *folder, const char *name, const char *text, size_t size)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
}

static void expect_load(const char *folder, const char *name, const char *text, size_t size, const char *expected)
{
	char path[256], message[1024];
	struct qv_error err = QV_ERROR_INIT;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	write_file(folder, name, text, size);
	struct qv_config *config = qv_config_load(path, &err);
	if (!!config != !expected)
		fail_msg("%s: %s", name, err.message);
	qv_config_free(config);
	snprintf(message, sizeof message, "%s%s", folder, expected ? expected : "");
	if (expected && !strstr(err.message, expected))
		fail_msg("\"%s\" does not say \"%s\"", err.message, expected);
}

static void files_and_includes(void **state)
{
	(void)state;
	char folder[] = "/tmp/qvisio-config-XXXXXX", command[128], *big = calloc(1, 2 * 1024 * 1024);
	assert_non_null(mkdtemp(folder));
	memset(big, '\n', 2 * 1024 * 1024 - 1);
#define LOAD(name, text, expected) expect_load(folder, name, text, sizeof text - 1, expected)
	LOAD("part", "port = 1;\n", NULL);
	LOAD("whole.conf", "name = \"x\";\n@include \"part\"\n", NULL);
	LOAD("bad-part", "port = 1;\nwait 2;\n", "bad-part:2: syntax error");
	LOAD("bad-whole.conf", "@include \"bad-part\"\n", "bad-part:2: syntax error");
	LOAD("folder.conf", "\n@include \".\"\n", "folder.conf:2: include file: ");
	LOAD("absent.conf", "@include \"absent\"\n", "absent.conf:1: include file: ");
	LOAD("loop.conf", "@include \"loop.conf\"\n", "include file nesting too deep");
	LOAD("zero.conf", "a = 1;\0b = 2;", "zero byte");
	expect_load(folder, "big.conf", big, 2 * 1024 * 1024 - 1, "larger than");
	struct qv_error err = QV_ERROR_INIT;
	assert_null(qv_config_load(folder, &err));
	assert_int_equal(err.code, QV_E_IO);
	assert_non_null(strstr(err.message, "Is a directory"));
	assert_null(qv_config_load("/nonexistent/x.conf", &err));
	assert_string_equal(err.message, "/nonexistent/x.conf: cannot be read: No such file or directory");
	snprintf(command, sizeof command, "rm -r %s", folder);
	assert_int_equal(system(command), 0);
	free(big);
}

struct watch {
	struct qv_options_watch watch;
	char seen[128];
};

static void misused(struct qv_options_watch *watch, const char *name, const char *asked)
{
	struct watch *mine = (struct watch *)(void *)watch;
	snprintf(mine->seen, sizeof mine->seen, "%s as %s", name, asked);
}

static void misuse_is_seen_and_harmless(void **state)
{
	(void)state;
	struct watch watch = { .watch = { misused } };
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options =
		qv_options_from_strings((const char *const[]){ "name=n", NULL }, table, sizeof table[0], "words", &err);
	qv_options_set_watch(options, &watch.watch);
	assert_int_equal(qv_options_int(options, "port"), 7443);
	assert_string_equal(watch.seen, "");
	assert_int_equal(qv_options_int(options, "name"), 0);
	assert_string_equal(watch.seen, "name as an integer");
	assert_null(qv_options_string(options, "hosts"));
	assert_string_equal(watch.seen, "hosts as a string, choice or path");
	assert_false(qv_options_has(options, "nix"));
	assert_string_equal(watch.seen, "nix as an option");
	assert_int_equal(qv_options_assign(options, "port", "80", &err), 0);
	assert_int_equal(qv_options_int(options, "port"), 80);
	assert_int_equal(qv_options_assign(options, "port", "0", &err), -1);
	assert_int_equal(qv_options_assign(options, "prot", "1", &err), -1);
	assert_int_equal(qv_options_assign(options, "hosts", "x", &err), 0);
	assert_int_equal(qv_options_count(options, "hosts"), 1);
	qv_options_free(options);
	assert_int_equal(qv_options_int(NULL, "port"), 0);
	qv_options_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bad_text_has_its_message),
		cmocka_unit_test(values_come_as_declared),
		cmocka_unit_test(defaults_are_values_too),
		cmocka_unit_test(words_are_checked_like_files),
		cmocka_unit_test(groups_and_lists_are_found),
		cmocka_unit_test(roles_name_what_is_wrong),
		cmocka_unit_test(files_and_includes),
		cmocka_unit_test(misuse_is_seen_and_harmless),
	};
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
