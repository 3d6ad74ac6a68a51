/* SPDX-License-Identifier: Apache-2.0 */
#include "module_path.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int add_folder(char ***path, size_t *count, const char *folder, size_t length)
{
	if (length == 0)
		return 0;
	char **longer = realloc(*path, (*count + 2) * sizeof *longer);
	if (!longer)
		return -1;
	*path = longer;
	longer[*count + 1] = NULL;
	longer[*count] = strndup(folder, length);
	return longer[(*count)++] ? 0 : -1;
}

static int add_environment(char ***path, size_t *count)
{
	const char *list = secure_getenv("QVISIO_MODULE_PATH");
	while (list && *list) {
		size_t length = strcspn(list, ":");
		if (add_folder(path, count, list, length) != 0)
			return -1;
		list += length + (list[length] == ':');
	}
	return 0;
}

static int add_configured(char ***path, size_t *count, const struct qv_options *top)
{
	for (size_t i = 0; i < qv_options_count(top, "module_path"); i++) {
		const char *folder = qv_options_item(top, "module_path", i);
		if (add_folder(path, count, folder, strlen(folder)) != 0)
			return -1;
	}
	return 0;
}

char **qv_module_path_new(const struct qv_options *top, struct qv_error *err)
{
	char **path = NULL;
	size_t count = 0;
	if (add_environment(&path, &count) == 0 && add_configured(&path, &count, top) == 0 &&
	    add_folder(&path, &count, QV_MODULEDIR, strlen(QV_MODULEDIR)) == 0)
		return path;
	qv_module_path_free(path);
	qv_fail(err, QV_E_NOMEM, "no memory for the module path");
	return NULL;
}

void qv_module_path_free(char **path)
{
	for (size_t i = 0; path && path[i]; i++)
		free(path[i]);
	free(path);
}

static int check_owner(const char *path, struct qv_error *err)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return qv_fail_errno(err, QV_E_MODULE, errno, "%s", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return qv_fail(err, QV_E_MODULE,
			       "%s: refused: it belongs to user %u; modules are code, so root or the user who runs "
			       "this program must own them",
			       path, (unsigned)st.st_uid);
	bool by_group = (st.st_mode & S_IWGRP) && st.st_gid != 0 && st.st_gid != getegid();
	if (by_group || (st.st_mode & S_IWOTH))
		return qv_fail(err, QV_E_MODULE, "%s: refused: others can write it; run: chmod go-w '%s'", path, path);
	return 0;
}

int qv_module_path_safe(const char *path, struct qv_error *err)
{
	char *copy = strdup(path);
	if (!copy)
		return qv_fail(err, QV_E_NOMEM, "no memory for a module path");
	int result = check_owner(path, err) == 0 && check_owner(dirname(copy), err) == 0 ? 0 : -1;
	free(copy);
	return result;
}
