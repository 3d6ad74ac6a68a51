/* SPDX-License-Identifier: Apache-2.0 */
#include "tool.h"

static void member(FILE *out, const char *name, const char *value)
{
	fprintf(out, ", \"%s\": ", name);
	json_string(out, value);
}

static void write_choices(FILE *out, const struct qv_option *option)
{
	fputs(", \"choices\": [", out);
	for (size_t i = 0; option->choices[i]; i++) {
		fputs(i ? ", " : "", out);
		json_string(out, option->choices[i]);
	}
	fputc(']', out);
}

static void write_option(FILE *out, const struct qv_option *option)
{
	fputs("{\"name\": ", out);
	json_string(out, option->name);
	member(out, "type", type_name(option->type));
	fprintf(out, ", \"required\": %s", option->required ? "true" : "false");
	member(out, "default", option->fallback);
	if (has_range(option)) {
		fputs(", \"min\": ", out);
		put_number(out, option->min);
		fputs(", \"max\": ", out);
		put_number(out, option->max);
	}
	if (option->choices)
		write_choices(out, option);
	if (option->unit)
		member(out, "unit", option->unit);
	member(out, "help", option->help);
	fputc('}', out);
}

void show_json(FILE *out, const struct found *found)
{
	const struct qv_class *class = found->class;
	struct qv_option option;
	fputs("{\"kind\": ", out);
	json_string(out, class->kind);
	member(out, "name", class->name);
	member(out, "summary", class->summary);
	member(out, "version", found->loaded->module->version);
	member(out, "license", found->loaded->module->license);
	member(out, "path", found->loaded->path);
	fprintf(out, ", \"abi_major\": %u, \"abi_minor\": %u, \"options\": [", class->abi_major, class->abi_minor);
	for (size_t i = 0; class_option(class, i, &option); i++) {
		fputs(i ? ",\n  " : "\n  ", out);
		write_option(out, &option);
	}
	fputs("]}", out);
}
