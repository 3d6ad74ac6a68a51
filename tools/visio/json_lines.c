/* SPDX-License-Identifier: Apache-2.0 */
#include "json_lines.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct scan {
	const char *at;
	unsigned line;
	int depth;
	bool in_parent; /* between the braces of the parent's object, at depth 2 */
};

/* Past the closing quote; `scan->at` stands on the opening one. The contents are *start, *length. */
static void skip_string(struct scan *scan, const char **start, size_t *length)
{
	*start = ++scan->at;
	while (*scan->at && *scan->at != '"')
		scan->at += scan->at[0] == '\\' && scan->at[1] ? 2 : 1;
	*length = (size_t)(scan->at - *start);
	if (*scan->at)
		scan->at++;
}

static bool is_name(const char *start, size_t length, const char *name)
{
	return strlen(name) == length && memcmp(start, name, length) == 0;
}

static bool is_member(const struct scan *scan)
{
	return scan->at[strspn(scan->at, " \t\r\n")] == ':';
}

unsigned json_line_of(const char *text, const char *parent, const char *name)
{
	struct scan scan = { .at = text, .line = 1 };
	while (*scan.at) {
		char c = *scan.at;
		if (c == '"') {
			const char *start;
			size_t length;
			skip_string(&scan, &start, &length);
			if (!is_member(&scan))
				continue;
			if (scan.depth == 1)
				scan.in_parent = parent && is_name(start, length, parent);
			bool level = parent ? scan.depth == 2 && scan.in_parent : scan.depth == 1;
			if (level && is_name(start, length, name))
				return scan.line;
			continue;
		}
		if (c == '\n')
			scan.line++;
		else if (c == '{' || c == '[')
			scan.depth++;
		else if (c == '}' || c == ']')
			scan.depth--;
		scan.at++;
	}
	return 0;
}
