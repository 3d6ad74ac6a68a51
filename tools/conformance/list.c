/* SPDX-License-Identifier: Apache-2.0 */
/* --list: the checks, for people, for programs, and for the manual page. */
#include <stdio.h>
#include <string.h>

#include "checks.h"
#include "report.h"

static const char *const clauses[][2] = {
	{ "5.1", "General: HTTPS" },       { "5.2", "Get status" }, { "5.3", "Get key" },
	{ "5.4", "Get key with key IDs" }, { "6.1", "Status" },     { "6.2", "Key request" },
	{ "6.3", "Key container" },        { "6.4", "Key IDs" },    { "6.5", "Error" },
	{ "A", "Advice beyond the text" },
};

typedef void visitor(const struct check *check, void *user);

/* All checks of a clause in the order of their numbers. */
static void visit(const char *clause, visitor *visits, void *user)
{
	size_t length = strlen(clause);
	for (size_t i = 0; check_tables[i]; i++)
		for (const struct check *check = check_tables[i]; check->number; check++)
			if (strncmp(check->number, clause, length) == 0 && check->number[length] == '-')
				visits(check, user);
}

static void print_line(const struct check *check, void *user)
{
	(void)user;
	printf("%-6s  %-6s  %s\n", check->number, level_word(check->level), check->title);
}

static void print_item(const struct check *check, void *user)
{
	(void)user;
	printf(".It %s\n%s%s%s.\n", check->number, check->level == SHOULD ? "(should) " : "", check->title,
	       check->needs & NEEDS_THIRD ? " (--third-cert)" : "");
}

static void add_object(const struct check *check, void *array)
{
	json_array_append_new(array,
			      json_pack("{s:s,s:s,s:s,s:s}", "number", check->number, "level", level_word(check->level),
					"title", check->title, "expected", check->expected));
}

void report_list(enum format format)
{
	json_t *array = json_array();
	if (format == FORMAT_MDOC)
		puts(".Sh CHECKS");
	for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++) {
		if (format == FORMAT_MDOC) {
			printf(".Ss %s %s\n.Bl -tag -width \"5.1-01\" -compact\n", clauses[i][0], clauses[i][1]);
			visit(clauses[i][0], print_item, NULL);
			puts(".El");
		} else if (format == FORMAT_JSON) {
			visit(clauses[i][0], add_object, array);
		} else {
			visit(clauses[i][0], print_line, NULL);
		}
	}
	if (format == FORMAT_JSON) {
		json_dumpf(array, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(array);
}
