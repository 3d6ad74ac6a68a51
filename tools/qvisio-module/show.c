/* SPDX-License-Identifier: Apache-2.0 */
/* qvisio-module show */
#include <string.h>

#include "find.h"

const struct qv_option *class_option(const struct qv_class *class, size_t index, struct qv_option *copy)
{
	if (!class->options)
		return NULL;
	size_t known = class->option_size < sizeof *copy ? class->option_size : sizeof *copy;
	*copy = (struct qv_option){ .name = NULL };
	memcpy(copy, (const char *)class->options + index * class->option_size, known);
	return copy->name ? copy : NULL;
}

const char *type_name(enum qv_option_type type)
{
	static const char *const names[] = { "unknown", "string", "integer", "number", "boolean",
					     "choice",  "path",   "secret",  "strings" };
	unsigned index = (unsigned)type;
	return names[index < sizeof names / sizeof names[0] ? index : 0];
}

bool has_range(const struct qv_option *option)
{
	return option->max > option->min;
}

void put_number(FILE *out, double number)
{
	bool whole = number > -1e18 && number < 1e18 && number == (double)(int64_t)number;
	fprintf(out, whole ? "%.0f" : "%.15g", number);
}

static void show_range(FILE *out, const struct qv_option *option)
{
	if (has_range(option)) {
		fputs(" from ", out);
		put_number(out, option->min);
		fputs(" to ", out);
		put_number(out, option->max);
	}
	if (option->unit)
		fprintf(out, "%s %s", has_range(option) ? "" : " in", option->unit);
	for (size_t i = 0; option->choices && option->choices[i]; i++)
		fprintf(out, "%s %s", i ? " |" : ":", option->choices[i]);
}

static void show_option(FILE *out, const struct qv_option *option)
{
	fprintf(out, "  %s: %s", option->name, type_name(option->type));
	show_range(out, option);
	if (option->required)
		fputs(", required", out);
	else if (option->fallback)
		fprintf(out, ", default \"%s\"", option->fallback);
	fprintf(out, "\n      %s\n", option->help ? option->help : "");
}

void show_text(FILE *out, const struct found *found)
{
	const struct qv_class *class = found->class;
	struct qv_option option;
	fprintf(out, "%s/%s: %s\n", class->kind, class->name, class->summary);
	fprintf(out, "version %s, license %s, %s ABI %u.%u\n%s\n", found->loaded->module->version,
		found->loaded->module->license, class->kind, class->abi_major, class->abi_minor, found->loaded->path);
	fputs(class_option(class, 0, &option) ? "\nOptions:\n" : "\nIt has no options.\n", out);
	for (size_t i = 0; class_option(class, i, &option); i++)
		show_option(out, &option);
}

static void show(const struct found *found, enum show_form form)
{
	switch (form) {
	case SHOW_JSON:
		show_json(stdout, found);
		putchar('\n');
		break;
	case SHOW_MDOC:
		show_mdoc(stdout, found->class);
		break;
	case SHOW_TEXT:
		show_text(stdout, found);
		break;
	}
}

/* All classes of a file; JSON texts follow one another. */
static int show_file(struct qv_loader *loader, const char *path, enum show_form form, struct qv_error *err)
{
	const struct qv_loaded *loaded = qv_loader_open_file(loader, path, err);
	if (!loaded)
		return -1;
	for (size_t i = 0; loaded->classes[i]; i++) {
		struct found found = { loaded, loaded->classes[i] };
		show(&found, form);
	}
	return 0;
}

int command_show(struct qv_loader *loader, const char *name, enum show_form form)
{
	struct qv_error err = QV_ERROR_INIT;
	struct found found;
	if (is_module_path(name)) {
		if (show_file(loader, name, form, &err) == 0)
			return STATUS_OK;
	} else if (find_class(loader, name, &found, &err) == 0) {
		show(&found, form);
		return STATUS_OK;
	}
	fprintf(stderr, "qvisio-module: %s\n", err.message);
	return err.code == QV_E_INVALID ? STATUS_USAGE : STATUS_MODULE;
}
