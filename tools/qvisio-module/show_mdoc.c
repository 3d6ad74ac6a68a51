/* SPDX-License-Identifier: Apache-2.0 */
/* The OPTIONS section of a module's manual page, in mdoc(7). */
#include <string.h>

#include "tool.h"

#define LINE_WIDTH 78

static void put_word(FILE *out, const char *word, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (word[i] == '\\')
			fputs("\\e", out);
		else
			fputc(word[i], out);
}

/* Running text in lines of their own; a line that starts as a request would is kept from being one. */
static void put_text(FILE *out, const char *text)
{
	size_t column = 0;
	while (*text) {
		size_t length = strcspn(text, " ");
		if (column && column + 1 + length > LINE_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		if (column)
			fputc(' ', out);
		else if (*text == '.' || *text == '\'')
			fputs("\\&", out);
		put_word(out, text, length);
		column += length + 1;
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

/* Names of macros have two or three letters, the first in upper case; punctuation alone is moved by macros. */
static bool is_plain(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,";
	size_t length = strlen(text);
	bool like_macro = length <= 3 && !(text[0] >= 'a' && text[0] <= 'z') && !(text[0] >= '0' && text[0] <= '9');
	return length > 0 && strspn(text, plain) == length && !like_macro;
}

/* A word as the argument of a macro: never taken for a macro itself, nor split. */
static void put_argument(FILE *out, const char *text)
{
	if (is_plain(text)) {
		fputs(text, out);
		return;
	}
	fputs("\"\\&", out);
	for (; *text; text++)
		if (*text == '"')
			fputs("\\(dq", out);
		else
			put_word(out, text, 1);
	fputc('"', out);
}

static void put_macro(FILE *out, const char *macro, const char *text, const char *after)
{
	fprintf(out, ".%s ", macro);
	put_argument(out, text);
	fprintf(out, "%s%s\n", after[0] ? " " : "", after);
}

static void put_choices(FILE *out, const struct qv_option *option)
{
	fputs("One of\n", out);
	for (size_t i = 0; option->choices && option->choices[i]; i++) {
		bool last = !option->choices[i + 1];
		if (last && i > 0)
			fputs("or\n", out);
		put_macro(out, "Cm", option->choices[i], last ? "." : option->choices[i + 2] ? "," : "");
	}
}

static void put_range(FILE *out, const struct qv_option *option)
{
	fputs("From ", out);
	put_number(out, option->min);
	fputs(" to ", out);
	put_number(out, option->max);
	if (option->unit)
		fprintf(out, " %s", option->unit);
	fputs(".\n", out);
}

/* What a value of the type looks like, where the type's name alone does not say it. */
static void put_shape(FILE *out, const struct qv_option *option)
{
	if (option->type == QV_OPTION_CHOICE)
		put_choices(out, option);
	else if (option->type == QV_OPTION_STRINGS)
		fputs("One string or a list of strings.\n", out);
	else if (option->type == QV_OPTION_SECRET)
		fputs("Kept in locked memory, and refused on a command line.\n", out);
	else if (has_range(option))
		put_range(out, option);
	else if (option->unit)
		fprintf(out, "In %s.\n", option->unit);
}

static void put_default(FILE *out, const struct qv_option *option)
{
	if (option->required) {
		fputs("Required.\n", out);
	} else if (option->fallback && option->fallback[0]) {
		fputs("The default is\n", out);
		put_macro(out, "Cm", option->fallback, ".");
	}
}

static void put_option(FILE *out, const struct qv_option *option)
{
	fputs(".It Ic ", out);
	put_argument(out, option->name);
	fprintf(out, " = Ar %s\n", type_name(option->type));
	put_text(out, option->help ? option->help : "");
	put_shape(out, option);
	put_default(out, option);
}

void show_mdoc(FILE *out, const struct qv_class *class)
{
	struct qv_option option;
	fputs(".Sh OPTIONS\n", out);
	if (!class_option(class, 0, &option)) {
		fputs("This module has no options.\n", out);
		return;
	}
	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; class_option(class, i, &option); i++)
		put_option(out, &option);
	fputs(".El\n", out);
}
