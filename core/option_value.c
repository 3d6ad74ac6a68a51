/* SPDX-License-Identifier: Apache-2.0 */
/* Setting one option from a value or from text, with the checks that its declaration asks for. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

static bool has_range(const struct qv_option *option)
{
	return option->max > option->min;
}

static void list_choices(const struct qv_option *option, char *text, size_t room)
{
	size_t used = (size_t)snprintf(text, room, "one of");
	for (size_t i = 0; option->choices && option->choices[i] && used < room; i++)
		used += (size_t)snprintf(text + used, room - used, "%s \"%s\"", i ? "," : "", option->choices[i]);
}

void qv_option_expects(const struct qv_option *option, char *text, size_t room)
{
	const char *unit = option->unit ? option->unit : "";
	const char *space = option->unit ? " " : "";
	switch (option->type) {
	case QV_OPTION_INT:
	case QV_OPTION_FLOAT: {
		const char *noun = option->type == QV_OPTION_INT ? "a whole number" : "a number";
		int decimals = option->type == QV_OPTION_INT ? 18 : 15;
		if (has_range(option))
			snprintf(text, room, "%s from %.*g to %.*g%s%s", noun, decimals, option->min, decimals,
				 option->max, space, unit);
		else
			snprintf(text, room, "%s%s%s%s", noun, unit[0] ? " of" : "", space, unit);
		return;
	}
	case QV_OPTION_BOOL:
		snprintf(text, room, "true or false");
		return;
	case QV_OPTION_CHOICE:
		list_choices(option, text, room);
		return;
	case QV_OPTION_PATH:
		snprintf(text, room, "a file name in quotes");
		return;
	case QV_OPTION_STRINGS:
		snprintf(text, room, "a string in quotes, or a list of them");
		return;
	case QV_OPTION_STRING:
	case QV_OPTION_SECRET:
		break;
	}
	snprintf(text, room, "a string in quotes");
}

static int wrong(const struct qv_options *options, const struct qv_value *value, const char *seen, struct qv_error *err)
{
	char expects[384];
	qv_option_expects(&value->option, expects, sizeof expects);
	return qv_options_fail(options, value->option.name, err, "expected %s, not %s", expects, seen);
}

static int finish(struct qv_value *value)
{
	value->has = true;
	return 0;
}

int qv_value_set_integer(const struct qv_options *options, struct qv_value *value, int64_t integer,
			 struct qv_error *err)
{
	const struct qv_option *option = &value->option;
	char seen[32];
	snprintf(seen, sizeof seen, "%lld", (long long)integer);
	if (option->type == QV_OPTION_FLOAT)
		return qv_value_set_real(options, value, (double)integer, err);
	if (option->type != QV_OPTION_INT ||
	    (has_range(option) && ((double)integer < option->min || (double)integer > option->max)))
		return wrong(options, value, seen, err);
	value->integer = integer;
	return finish(value);
}

int qv_value_set_real(const struct qv_options *options, struct qv_value *value, double real, struct qv_error *err)
{
	const struct qv_option *option = &value->option;
	char seen[40];
	snprintf(seen, sizeof seen, "%g", real);
	if (option->type != QV_OPTION_FLOAT || !isfinite(real) ||
	    (has_range(option) && (real < option->min || real > option->max)))
		return wrong(options, value, seen, err);
	value->real = real;
	return finish(value);
}

static bool is_choice(const struct qv_option *option, const char *string)
{
	for (size_t i = 0; option->choices && option->choices[i]; i++)
		if (strcmp(option->choices[i], string) == 0)
			return true;
	return false;
}

/* A relative path is the configuration's, not the working folder's. */
static char *resolve_path(const char *folder, const char *path)
{
	char *whole;
	if (path[0] == '/' || path[0] == '\0' || !folder)
		return strdup(path);
	return asprintf(&whole, "%s/%s", folder, path) < 0 ? NULL : whole;
}

int qv_value_set_string(const struct qv_options *options, struct qv_value *value, const char *string,
			struct qv_error *err)
{
	const struct qv_option *option = &value->option;
	char seen[96];
	snprintf(seen, sizeof seen, "\"%.80s\"", string);
	switch (option->type) {
	case QV_OPTION_CHOICE:
		if (!is_choice(option, string))
			return wrong(options, value, seen, err);
		value->string = strdup(string);
		break;
	case QV_OPTION_STRING:
		value->string = strdup(string);
		break;
	case QV_OPTION_PATH:
		value->string = resolve_path(options->folder, string);
		break;
	case QV_OPTION_SECRET:
		value->secret = qv_secret_copy(string, strlen(string), err);
		return value->secret ? finish(value) : -1;
	case QV_OPTION_STRINGS:
		return qv_value_add_item(options, value, string, err);
	case QV_OPTION_INT:
	case QV_OPTION_FLOAT:
	case QV_OPTION_BOOL:
		return wrong(options, value, "a string", err);
	}
	return value->string ? finish(value) : qv_fail(err, QV_E_NOMEM, "no memory for options");
}

int qv_value_add_item(const struct qv_options *options, struct qv_value *value, const char *item, struct qv_error *err)
{
	if (value->option.type != QV_OPTION_STRINGS)
		return wrong(options, value, "a list", err);
	char **items = realloc(value->items, (value->count + 1) * sizeof *items);
	char *copy = strdup(item);
	if (items)
		value->items = items;
	if (!items || !copy) {
		free(copy);
		return qv_fail(err, QV_E_NOMEM, "no memory for options");
	}
	value->items[value->count++] = copy;
	return finish(value);
}

static int set_number_text(const struct qv_options *options, struct qv_value *value, const char *text,
			   struct qv_error *err)
{
	char *end;
	char seen[96];
	snprintf(seen, sizeof seen, "\"%.80s\"", text);
	errno = 0;
	if (value->option.type == QV_OPTION_INT) {
		long long integer = strtoll(text, &end, 0);
		if (errno || end == text || *end)
			return wrong(options, value, seen, err);
		return qv_value_set_integer(options, value, integer, err);
	}
	double real = strtod(text, &end);
	if (errno || end == text || *end)
		return wrong(options, value, seen, err);
	return qv_value_set_real(options, value, real, err);
}

static int set_list_text(const struct qv_options *options, struct qv_value *value, const char *text,
			 struct qv_error *err)
{
	while (*text) {
		size_t length = strcspn(text, ",");
		char *item = strndup(text, length);
		if (!item)
			return qv_fail(err, QV_E_NOMEM, "no memory for options");
		int result = qv_value_add_item(options, value, item, err);
		free(item);
		if (result != 0)
			return -1;
		text += length + (text[length] == ',');
	}
	return finish(value);
}

int qv_value_set_text(const struct qv_options *options, struct qv_value *value, const char *text, struct qv_error *err)
{
	switch (value->option.type) {
	case QV_OPTION_INT:
	case QV_OPTION_FLOAT:
		return set_number_text(options, value, text, err);
	case QV_OPTION_BOOL:
		if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
			return wrong(options, value, "that", err);
		value->integer = text[0] == 't';
		return finish(value);
	case QV_OPTION_STRINGS:
		return set_list_text(options, value, text, err);
	case QV_OPTION_STRING:
	case QV_OPTION_CHOICE:
	case QV_OPTION_PATH:
	case QV_OPTION_SECRET:
		break;
	}
	return qv_value_set_string(options, value, text, err);
}
