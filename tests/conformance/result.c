/* SPDX-License-Identifier: Apache-2.0 */
/* What cases use: outcomes, options, counts. */
#include "conformance.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether the parent will read it; when it will not, an exit code has to do. */
__attribute__((format(printf, 3, 0))) static bool tell(struct check *check, char outcome, const char *format,
						       va_list args)
{
	char text[QV_ERROR_MESSAGE_MAX + 64];
	text[0] = outcome;
	vsnprintf(text + 1, sizeof text - 1, format, args);
	return write(check->result_fd, text, strlen(text)) > 0;
}

void check_fail(struct check *check, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	tell(check, 'F', format, args);
	va_end(args);
	_exit(1);
}

void check_skip(struct check *check, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	bool told = tell(check, 'S', format, args);
	va_end(args);
	_exit(told ? 0 : 1);
}

bool check_has_settings(const struct check_settings *settings)
{
	return settings->section || (settings->assignments && settings->assignments[0]);
}

void check_not_opened(struct check *check, const struct qv_error *err)
{
	check_error_filled(check, "open", err);
	if (check_has_settings(&check->request->own))
		check_fail(check, "open: %s", err->message);
	check_skip(check, "with its defaults it cannot be opened here; give it options (%s)", err->message);
}

static struct qv_options *given_options(struct check *check, const struct check_settings *settings,
					struct qv_error *err)
{
	static const char *const own[] = { "module", NULL };
	const struct qv_class *class = check->class;
	if (settings->section)
		return qv_options_check(settings->section, class->options, class->option_size, own, err);
	return qv_options_from_strings(settings->assignments, class->options, class->option_size, "options", err);
}

struct qv_options *check_options_of(struct check *check, const struct check_settings *settings,
				    const char *const *changes)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = given_options(check, settings, &err);
	if (!options && !check_has_settings(settings))
		check_skip(check, "it has to be given options: %s", err.message);
	if (!options)
		check_fail(check, "the options given do not fit: %s", err.message);
	for (size_t i = 0; changes && changes[i]; i++) {
		const char *equals = strchr(changes[i], '=');
		char name[128];
		snprintf(name, sizeof name, "%.*s", (int)(equals - changes[i]), changes[i]);
		if (qv_options_assign(options, name, equals + 1, &err) != 0)
			check_fail(check, "%s", err.message);
	}
	return options;
}

struct qv_options *check_options(struct check *check, const char *const *changes)
{
	return check_options_of(check, &check->request->own, changes);
}

void check_cancel(struct check *check)
{
	if (write(check->cancel_pipe[1], "x", 1) != 1)
		check_fail(check, "the cancel pipe cannot be written");
}

void check_error_filled(struct check *check, const char *what, const struct qv_error *err)
{
	if (err->code == QV_OK || strcmp(qv_code_name(err->code), "unknown") == 0)
		check_fail(check, "%s failed and left no valid error code (%d)", what, (int)err->code);
	if (!err->message[0] || strchr(err->message, '\n'))
		check_fail(check, "%s failed and left no message of one line", what);
}

bool check_option(const struct qv_class *class, size_t index, struct qv_option *option)
{
	if (!class->options)
		return false;
	size_t known = class->option_size < sizeof *option ? class->option_size : sizeof *option;
	*option = (struct qv_option){ .name = NULL };
	memcpy(option, (const char *)class->options + index * class->option_size, known);
	return option->name != NULL;
}

static unsigned count_entries(const char *folder)
{
	unsigned count = 0;
	DIR *dir = opendir(folder);
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

unsigned check_count_fds(void)
{
	return count_entries("/proc/self/fd");
}

unsigned check_count_threads(void)
{
	return count_entries("/proc/self/task");
}
