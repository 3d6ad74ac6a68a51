/* SPDX-License-Identifier: Apache-2.0 */
#include "config_text.h"

#include <qvisio/secret.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INCLUDE_DEPTH 10 /* libconfig stops at this depth */

static ssize_t read_all(int fd, char *text, size_t room)
{
	size_t used = 0;
	while (used < room) {
		ssize_t got = read(fd, text + used, room - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

static char *read_text(int fd, const char *path, struct qv_error *err)
{
	char *text = calloc(1, QV_CONFIG_SIZE_MAX + 2);
	if (!text) {
		qv_fail(err, QV_E_NOMEM, "no memory for the configuration");
		return NULL;
	}
	ssize_t size = read_all(fd, text, QV_CONFIG_SIZE_MAX + 1);
	if (size < 0)
		qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", path);
	else if (size > QV_CONFIG_SIZE_MAX)
		qv_fail(err, QV_E_CONFIG, "%s: larger than %d bytes, which no configuration is", path,
			QV_CONFIG_SIZE_MAX);
	else if (memchr(text, 0, (size_t)size))
		qv_fail(err, QV_E_CONFIG, "%s: it holds a zero byte, so it is no text", path);
	else
		return text;
	qv_config_text_free(text);
	return NULL;
}

char *qv_config_text_read(const char *path, struct qv_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", path);
		return NULL;
	}
	char *text = read_text(fd, path, err);
	close(fd);
	return text;
}

void qv_config_text_free(char *text)
{
	if (text)
		qv_wipe(text, strlen(text));
	free(text);
}

static int check_text(const char *text, const char *name, const char *folder, int depth, struct qv_error *err);

static int check_file(const char *included, const char *name, unsigned line, const char *folder, int depth,
		      struct qv_error *err)
{
	char *path;
	if (asprintf(&path, "%s/%s", folder, included) < 0)
		return qv_fail(err, QV_E_NOMEM, "no memory for the configuration");
	char *text = qv_config_text_read(path, err);
	int result = text ? check_text(text, path, folder, depth + 1, err) : -1;
	if (!text) {
		qv_error_prefix(err, "%s:%u: include file", name, line);
		err->code = QV_E_CONFIG;
	}
	qv_config_text_free(text);
	free(path);
	return result;
}

/* The file name of a line `@include "NAME"`, to be freed; NULL for any other line. */
static char *included_by(const char *line)
{
	static const char directive[] = "@include";
	line += strspn(line, " \t");
	if (strncmp(line, directive, sizeof directive - 1) != 0)
		return NULL;
	line += sizeof directive - 1;
	line += strspn(line, " \t");
	size_t length = line[0] == '"' ? strcspn(line + 1, "\"\n") : 0;
	return length ? strndup(line + 1, length) : NULL;
}

static int check_text(const char *text, const char *name, const char *folder, int depth, struct qv_error *err)
{
	int result = 0;
	unsigned number = 1;
	/* Deeper ones are left to libconfig, which refuses them. */
	for (const char *line = text; line && result == 0 && depth < INCLUDE_DEPTH; number++) {
		char *included = included_by(line);
		if (included)
			result = check_file(included, name, number, folder, depth, err);
		free(included);
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return result;
}

int qv_config_text_check_includes(const char *text, const char *name, const char *folder, struct qv_error *err)
{
	return check_text(text, name, folder, 0, err);
}
