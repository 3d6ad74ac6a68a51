/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *file_text(const char *path, struct qv_error *err)
{
	FILE *file = fopen(path, "re");
	if (!file) {
		qv_fail_errno(err, QV_E_IO, errno, "%s: cannot be read", path);
		return NULL;
	}
	char *text = malloc(FILE_TEXT_MAX + 1);
	size_t size = text ? fread(text, 1, FILE_TEXT_MAX + 1, file) : 0;
	int failed = ferror(file) ? errno : 0;
	fclose(file);
	if (text && !failed && size > 0 && size <= FILE_TEXT_MAX) {
		text[size] = '\0';
		return text;
	}
	if (!text)
		qv_fail(err, QV_E_NOMEM, "%s: no memory to read it", path);
	else if (failed)
		qv_fail_errno(err, QV_E_IO, failed, "%s: cannot be read", path);
	else
		qv_fail(err, QV_E_INVALID, "%s: is %s", path, size ? "too large" : "empty");
	free(text);
	return NULL;
}
