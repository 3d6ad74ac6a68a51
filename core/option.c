/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/config.h>
#include <qvisio/option.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define BIT(type) (1u << (type))
#define ANY       (~0u)
#define TEXTS     (BIT(QV_OPTION_STRING) | BIT(QV_OPTION_CHOICE) | BIT(QV_OPTION_PATH))

/* The value of that name if it is of one of the types; `asked` are the types in words. */
static const struct qv_value *typed(const struct qv_options *options, const char *name, unsigned types,
				    const char *asked)
{
	if (!options)
		return NULL;
	const struct qv_value *value = qv_options_find(options, name);
	if (value && (types & BIT(value->option.type)))
		return value;
	if (options->watch)
		options->watch->misused(options->watch, name, asked);
	return NULL;
}

bool qv_options_is_set(const struct qv_options *options, const char *name)
{
	const struct qv_value *value = typed(options, name, ANY, "an option");
	return value && value->set;
}

bool qv_options_has(const struct qv_options *options, const char *name)
{
	const struct qv_value *value = typed(options, name, ANY, "an option");
	return value && value->has;
}

const char *qv_options_string(const struct qv_options *options, const char *name)
{
	const struct qv_value *value = typed(options, name, TEXTS, "a string, choice or path");
	return value ? value->string : NULL;
}

int64_t qv_options_int(const struct qv_options *options, const char *name)
{
	const struct qv_value *value = typed(options, name, BIT(QV_OPTION_INT), "an integer");
	return value ? value->integer : 0;
}

double qv_options_float(const struct qv_options *options, const char *name)
{
	const struct qv_value *value = typed(options, name, BIT(QV_OPTION_FLOAT), "a number");
	return value ? value->real : 0;
}

bool qv_options_bool(const struct qv_options *options, const char *name)
{
	const struct qv_value *value = typed(options, name, BIT(QV_OPTION_BOOL), "a boolean");
	return value && value->integer;
}

const struct qv_secret *qv_options_secret(const struct qv_options *options, const char *name)
{
	const struct qv_value *value = typed(options, name, BIT(QV_OPTION_SECRET), "a secret");
	return value ? value->secret : NULL;
}

size_t qv_options_count(const struct qv_options *options, const char *name)
{
	const struct qv_value *value = typed(options, name, BIT(QV_OPTION_STRINGS), "a list of strings");
	return value ? value->count : 0;
}

const char *qv_options_item(const struct qv_options *options, const char *name, size_t index)
{
	const struct qv_value *value = typed(options, name, BIT(QV_OPTION_STRINGS), "a list of strings");
	return value && index < value->count ? value->items[index] : NULL;
}

void qv_options_set_watch(struct qv_options *options, struct qv_options_watch *watch)
{
	options->watch = watch;
}

const char *qv_options_where(const struct qv_options *options, const char *name)
{
	const struct qv_value *value = options ? qv_options_find(options, name) : NULL;
	if (value && value->where)
		return value->where;
	return options && options->where ? options->where : "configuration";
}

int qv_options_fail(const struct qv_options *options, const char *name, struct qv_error *err, const char *format, ...)
{
	char message[QV_ERROR_MESSAGE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	return qv_fail(err, QV_E_CONFIG, "%s: %s%s: %s", qv_options_where(options, name),
		       options && options->prefix ? options->prefix : "", name, message);
}

struct qv_value *qv_options_find(const struct qv_options *options, const char *name)
{
	for (size_t i = 0; i < options->count; i++)
		if (strcmp(options->values[i].option.name, name) == 0)
			return &options->values[i];
	return NULL;
}

static void wipe_string(char *string)
{
	if (string)
		qv_wipe(string, strlen(string));
	free(string);
}

void qv_value_clear(struct qv_value *value)
{
	wipe_string(value->string);
	qv_secret_free(value->secret);
	for (size_t i = 0; i < value->count; i++)
		free(value->items[i]);
	free(value->items);
	free(value->where);
	*value = (struct qv_value){ .option = value->option };
}

void qv_options_free(struct qv_options *options)
{
	if (!options)
		return;
	for (size_t i = 0; i < options->count; i++)
		qv_value_clear(&options->values[i]);
	free(options->values);
	free(options->where);
	free(options->prefix);
	free(options->folder);
	free(options);
}

static const struct qv_option *entry(const struct qv_option *table, size_t option_size, size_t index)
{
	return (const struct qv_option *)(const void *)((const char *)table + index * option_size);
}

static char *copy_or_null(const char *text)
{
	return text ? strdup(text) : NULL;
}

struct qv_options *qv_options_new(const struct qv_option *table, size_t option_size, const char *where,
				  const char *prefix, const char *folder, struct qv_error *err)
{
	size_t count = 0;
	while (table && entry(table, option_size, count)->name)
		count++;
	struct qv_options *options = calloc(1, sizeof *options);
	if (options)
		options->values = calloc(count + 1, sizeof *options->values);
	if (!options || !options->values) {
		free(options);
		qv_fail(err, QV_E_NOMEM, "no memory for options");
		return NULL;
	}
	options->count = count;
	options->where = copy_or_null(where);
	options->prefix = copy_or_null(prefix);
	options->folder = copy_or_null(folder);
	size_t known = option_size < sizeof(struct qv_option) ? option_size : sizeof(struct qv_option);
	for (size_t i = 0; i < count; i++)
		memcpy(&options->values[i].option, entry(table, option_size, i), known);
	return options;
}

int qv_options_finish(struct qv_options *options, struct qv_error *err)
{
	for (size_t i = 0; i < options->count; i++) {
		struct qv_value *value = &options->values[i];
		if (value->has)
			continue;
		if (value->option.required) {
			char expects[256];
			qv_option_expects(&value->option, expects, sizeof expects);
			return qv_options_fail(options, value->option.name, err, "missing; it is required: %s",
					       expects);
		}
		if (value->option.fallback && qv_value_set_text(options, value, value->option.fallback, err) != 0)
			return -1;
		value->has = value->option.fallback != NULL;
	}
	return 0;
}
