/* SPDX-License-Identifier: Apache-2.0 */
#include "uri.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes in place. */
static bool decode(char *text)
{
	char *out = text;
	for (const char *in = text; *in; in++) {
		if (*in != '%') {
			*out++ = *in;
			continue;
		}
		int high = hex_digit(in[1]);
		int low = high < 0 ? -1 : hex_digit(in[2]);
		if (low < 0 || (high == 0 && low == 0))
			return false;
		*out++ = (char)(high << 4 | low);
		in += 2;
	}
	*out = '\0';
	return utf8_valid(text, (size_t)(out - text));
}

static int broken(struct qv_error *err)
{
	return qv_fail(err, QV_E_INVALID, "the URL holds a broken escape, or bytes that are no UTF-8");
}

static int parse_path(struct uri *uri, char *path, struct qv_error *err)
{
	if (path[0] != '/')
		return qv_fail(err, QV_E_INVALID, "the URL has no absolute path");
	char *rest = path + 1;
	for (char *segment; (segment = strsep(&rest, "/"));) {
		if (uri->segment_count == URI_SEGMENTS_MAX)
			return qv_fail(err, QV_E_NOT_FOUND, "no such resource");
		if (!decode(segment))
			return broken(err);
		uri->segments[uri->segment_count++] = segment;
	}
	return 0;
}

static int parse_query(struct uri *uri, char *query, struct qv_error *err)
{
	for (char *pair; (pair = strsep(&query, "&"));) {
		if (!pair[0])
			continue;
		char *value = strchr(pair, '=');
		if (value)
			*value++ = '\0';
		if (uri->param_count == URI_PARAMS_MAX)
			return qv_fail(err, QV_E_INVALID, "more than %d URL parameters", URI_PARAMS_MAX);
		if (!decode(pair) || (value && !decode(value)))
			return broken(err);
		uri->params[uri->param_count++] = (struct uri_param){ pair, value ? value : "" };
	}
	return 0;
}

int uri_parse(struct uri *uri, const char *target, struct qv_error *err)
{
	*uri = (struct uri){ .text = strdup(target) };
	if (!uri->text)
		return qv_fail(err, QV_E_NOMEM, "no memory for a URL");
	char *query = strchr(uri->text, '?');
	if (query)
		*query++ = '\0';
	if (parse_path(uri, uri->text, err) != 0)
		return -1;
	return query ? parse_query(uri, query, err) : 0;
}

void uri_clear(struct uri *uri)
{
	free(uri->text);
	*uri = (struct uri){ .text = NULL };
}

int uri_param(const struct uri *uri, const char *name, const char **value, struct qv_error *err)
{
	int found = 0;
	for (size_t i = 0; i < uri->param_count; i++)
		if (strcmp(uri->params[i].name, name) == 0) {
			if (found++)
				return qv_fail(err, QV_E_INVALID, "URL parameter %s is there more than once", name);
			*value = uri->params[i].value;
		}
	return found;
}
