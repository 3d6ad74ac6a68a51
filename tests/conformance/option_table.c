/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const struct qv_option *option)
{
	return option->type == QV_OPTION_INT || option->type == QV_OPTION_FLOAT;
}

static void check_name(struct check *check, const struct qv_option *option, size_t index)
{
	const char *name = option->name;
	REQUIRE(check,
		islower((unsigned char)name[0]) &&
			strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name),
		"option \"%s\": a name is lower-case words joined by _", name);
	REQUIRE(check, strcmp(name, "module") != 0, "option \"module\": this name is taken; it chooses the module");
	for (size_t i = 0; i < index; i++) {
		struct qv_option other;
		check_option(check->class, i, &other);
		REQUIRE(check, strcmp(name, other.name) != 0, "option \"%s\" is declared twice", name);
	}
}

/* "clock delivers at the frame rate…": a sentence may start with a word of the option itself. */
static bool starts_with_name(const struct qv_option *option)
{
	size_t length = strcspn(option->help, " ");
	for (size_t i = 0; option->choices && option->choices[i]; i++)
		if (strlen(option->choices[i]) == length && strncmp(option->help, option->choices[i], length) == 0)
			return true;
	return strlen(option->name) == length && strncmp(option->help, option->name, length) == 0;
}

static void check_help(struct check *check, const struct qv_option *option)
{
	const char *help = option->help;
	REQUIRE(check, help && help[0] && !strpbrk(help, "\n\t"), "option \"%s\": help is missing, or not one line",
		option->name);
	REQUIRE(check, help[strlen(help) - 1] == '.', "option \"%s\": help is one sentence that ends with a full stop",
		option->name);
	REQUIRE(check, !islower((unsigned char)help[0]) || starts_with_name(option),
		"option \"%s\": help is a sentence that starts with a capital", option->name);
}

static void check_choices(struct check *check, const struct qv_option *option)
{
	bool has_choices = option->choices && option->choices[0];
	REQUIRE(check, (option->type == QV_OPTION_CHOICE) == has_choices,
		"option \"%s\": choices belong to a choice, and a choice needs them", option->name);
	for (size_t i = 0; has_choices && option->choices[i]; i++)
		for (size_t j = 0; j < i; j++)
			REQUIRE(check, strcmp(option->choices[i], option->choices[j]) != 0,
				"option \"%s\": the choice \"%s\" is there twice", option->name, option->choices[i]);
}

static void check_range(struct check *check, const struct qv_option *option)
{
	bool ranged = option->min != 0 || option->max != 0;
	REQUIRE(check, !ranged || option->max > option->min, "option \"%s\": max is not greater than min",
		option->name);
	REQUIRE(check, !ranged || is_number(option), "option \"%s\": a range belongs to a number", option->name);
	REQUIRE(check, !option->unit || is_number(option), "option \"%s\": a unit belongs to a number", option->name);
	REQUIRE(check, !option->unit || option->unit[0], "option \"%s\": the unit is empty; NULL means none",
		option->name);
}

/* The table's entry alone, so that other required options do not matter. */
static void check_fallback(struct check *check, const struct qv_option *option)
{
	if (!option->fallback)
		return;
	REQUIRE(check, !option->required, "option \"%s\" is required, so its default is never used", option->name);
	REQUIRE(check, option->type != QV_OPTION_SECRET, "option \"%s\": a secret in the code is none", option->name);
	const struct qv_option table[] = { *option, { .name = NULL } };
	struct qv_error err = QV_ERROR_INIT;
	struct qv_options *options = qv_options_from_strings(NULL, table, sizeof table[0], "default", &err);
	REQUIRE(check, options, "the default of %s does not pass its own check: %s", option->name, err.message);
	qv_options_free(options);
}

void check_option_table(struct check *check)
{
	struct qv_option option;
	for (size_t i = 0; check_option(check->class, i, &option); i++) {
		check_name(check, &option, i);
		REQUIRE(check, option.type >= QV_OPTION_STRING && option.type <= QV_OPTION_STRINGS,
			"option \"%s\" has no type that this Qvisio knows", option.name);
		check_help(check, &option);
		check_choices(check, &option);
		check_range(check, &option);
		check_fallback(check, &option);
	}
}
