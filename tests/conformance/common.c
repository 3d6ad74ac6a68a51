/* SPDX-License-Identifier: Apache-2.0 */
/* What every class owes, whatever its kind. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

static const struct check_suite *suite_of(struct check *check)
{
	const struct check_suite *suite = check_suite_find(check->class->kind);
	if (!suite)
		check_skip(check, "this version has no suite that opens modules of kind %s", check->class->kind);
	return suite;
}

static void descriptor(struct check *check)
{
	const struct qv_class *class = check->class;
	const struct qv_module *module = check->loaded->module;
	const struct qv_kind *kind = qv_kind_find(class->kind);
	char file[256];
	REQUIRE(check, module->version[0], "the module's version is empty");
	REQUIRE(check, module->license[0], "the module's license is empty; it is an SPDX expression");
	REQUIRE(check,
		class->name[0] && strspn(class->name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(class->name),
		"the class name \"%s\" has characters other than a-z, 0-9, _ and -", class->name);
	REQUIRE(check, class->summary[0] && !strpbrk(class->summary, "\n\t"), "the summary is not one line of text");
	REQUIRE(check, class->summary[strlen(class->summary) - 1] != '.',
		"the summary ends with a full stop; it is no sentence");
	REQUIRE(check, class->abi_minor > kind->abi_minor || class->size <= kind->size,
		"it claims %s ABI %u.%u, which this Qvisio has, but its struct is larger (%u bytes, not %u)",
		class->kind, class->abi_major, class->abi_minor, class->size, kind->size);
	REQUIRE(check, !class->options || class->option_size % _Alignof(struct qv_option) == 0,
		"option_size is not sizeof (struct qv_option)");
	snprintf(file, sizeof file, "%s-%s.so", class->kind, class->name);
	const char *slash = strrchr(check->loaded->path, '/');
	bool named = strcmp(slash ? slash + 1 : check->loaded->path, file) == 0;
	REQUIRE(check, named || check->loaded->classes[1], "the file has to be named %s to be found", file);
}

static void close_null(struct check *check)
{
	suite_of(check)->close_null(check->class);
}

static void open_close(struct check *check, const struct qv_options *options, unsigned count)
{
	struct qv_error err = QV_ERROR_INIT;
	if (suite_of(check)->open_close(check, options, count, &err) != 0)
		check_not_opened(check, &err);
}

struct misuse {
	struct qv_options_watch watch; /* first, so that the watch's pointer is this struct's */
	struct check *check;
};

static void misused(struct qv_options_watch *watch, const char *name, const char *asked)
{
	struct misuse *misuse = (struct misuse *)(void *)watch;
	check_fail(misuse->check, "it asks for \"%s\" as %s, which its option table does not declare", name, asked);
}

static void declared_options(struct check *check)
{
	struct misuse misuse = { { misused }, check };
	struct qv_options *options = check_options(check, NULL);
	qv_options_set_watch(options, &misuse.watch);
	open_close(check, options, 1);
	qv_options_free(options);
}

static void leaves_nothing(struct check *check)
{
	struct qv_options *options = check_options(check, NULL);
	/* The first time, libraries may open what they keep for the life of the process. */
	open_close(check, options, 1);
	unsigned fds = check_count_fds(), threads = check_count_threads();
	for (int i = 0; i < 4; i++)
		open_close(check, options, 1);
	unsigned fds_now = check_count_fds(), threads_now = check_count_threads();
	qv_options_free(options);
	REQUIRE(check, fds_now <= fds, "after four times open and close there are %u descriptors more", fds_now - fds);
	REQUIRE(check, threads_now <= threads, "after four times open and close there are %u threads more",
		threads_now - threads);
}

static void failed_open_leaves_nothing(struct check *check)
{
	struct qv_options *options = check_options(check, NULL);
	struct qv_option option;
	bool any = false;
	for (size_t i = 0; check_option(check->class, i, &option); i++) {
		if (option.type != QV_OPTION_PATH)
			continue;
		char change[256];
		snprintf(change, sizeof change, "%s=/nonexistent/qvisio-check/file", option.name);
		const char *const changes[] = { change, suite_of(check)->uses_files, NULL };
		struct qv_options *bad = check_options(check, changes);
		struct qv_error err = QV_ERROR_INIT;
		if (suite_of(check)->open_close(check, bad, 1, &err) == 0)
			check_fail(check, "%s names a file in a folder that does not exist, and open succeeds",
				   option.name);
		check_error_filled(check, "open", &err);
		unsigned fds = check_count_fds(), threads = check_count_threads();
		for (int j = 0; j < 3; j++)
			suite_of(check)->open_close(check, bad, 1, &err);
		REQUIRE(check, check_count_fds() <= fds, "open fails because of %s and leaves descriptors open",
			option.name);
		REQUIRE(check, check_count_threads() <= threads, "open fails because of %s and leaves threads",
			option.name);
		qv_options_free(bad);
		any = true;
	}
	qv_options_free(options);
	if (!any)
		check_skip(check, "it has no option that names a file");
}

static void try_number(struct check *check, const struct qv_option *option, double number)
{
	char change[192];
	snprintf(change, sizeof change, option->type == QV_OPTION_INT ? "%s=%.0f" : "%s=%.15g", option->name, number);
	const char *const changes[] = { change, NULL };
	struct qv_options *options = check_options(check, changes);
	struct qv_error err = QV_ERROR_INIT;
	if (suite_of(check)->open_close(check, options, 1, &err) != 0)
		check_error_filled(check, change, &err);
	qv_options_free(options);
}

static void ends_of_ranges(struct check *check)
{
	struct qv_option option;
	suite_of(check);
	for (size_t i = 0; check_option(check->class, i, &option); i++)
		if (option.max > option.min) {
			try_number(check, &option, option.min);
			try_number(check, &option, option.max);
		}
}

static void two_at_once(struct check *check)
{
	struct qv_options *options = check_options(check, NULL);
	struct qv_error err = QV_ERROR_INIT;
	open_close(check, options, 1);
	if (suite_of(check)->open_close(check, options, 2, &err) != 0 && err.code == QV_E_BUSY)
		check_skip(check, "the options name something that only one can use: %s", err.message);
	qv_options_free(options);
	REQUIRE(check, err.code == QV_OK, "a second instance cannot be opened beside the first: %s", err.message);
}

const struct check_case check_common[] = {
	{ "the descriptor is complete", descriptor },
	{ "the option table is consistent", check_option_table },
	{ "only qv_module is exported", check_exports },
	{ "there is no writable global data", check_writable_data },
	{ "closing NULL is fine", close_null },
	{ "open asks only for declared options", declared_options },
	{ "open and close leave no descriptor and no thread", leaves_nothing },
	{ "a file that does not exist fails open, which leaves nothing", failed_open_leaves_nothing },
	{ "the ends of each range are taken or refused with an error", ends_of_ranges },
	{ "two instances live side by side", two_at_once },
	{ NULL, NULL },
};
