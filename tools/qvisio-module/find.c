/* SPDX-License-Identifier: Apache-2.0 */
/* Finding one class from what a person wrote: KIND/NAME, NAME, or the path of a file. */
#include <string.h>

#include "find.h"

struct search {
	struct qv_loader_visit visit; /* first, so that the walk's pointer is this struct's */
	const char *name;
	struct found found;
	char kinds[256]; /* that have the name, "tls/file, …" */
	size_t count;
};

static void remember(struct search *search, const struct qv_loaded *loaded, const struct qv_class *class)
{
	size_t used = strlen(search->kinds);
	snprintf(search->kinds + used, sizeof search->kinds - used, "%s%s/%s", used ? ", " : "", class->kind,
		 class->name);
	search->found = (struct found){ loaded, class };
	search->count++;
}

static int visit_file(struct qv_loader_visit *visit, const char *path, const struct qv_loaded *loaded,
		      const struct qv_error *why)
{
	struct search *search = (struct search *)(void *)visit;
	(void)path;
	(void)why;
	if (!loaded || loaded == search->found.loaded)
		return 0;
	for (size_t i = 0; loaded->classes[i]; i++)
		if (strcmp(loaded->classes[i]->name, search->name) == 0)
			remember(search, loaded, loaded->classes[i]);
	return 0;
}

static int find_by_name(struct qv_loader *loader, const char *name, struct found *found, struct qv_error *err)
{
	struct search search = { .visit = { visit_file }, .name = name };
	if (qv_loader_walk(loader, &search.visit, err) != 0)
		return -1;
	*found = search.found;
	if (search.count == 1)
		return 0;
	if (search.count > 1)
		return qv_fail(err, QV_E_INVALID, "\"%s\" names several modules: %s; write one of these", name,
			       search.kinds);
	return qv_fail(err, QV_E_MODULE, "no module is named \"%s\"; `qvisio-module list` shows what there is", name);
}

static int find_by_kind(struct qv_loader *loader, const char *text, const char *slash, struct found *found,
			struct qv_error *err)
{
	char kind[64];
	snprintf(kind, sizeof kind, "%.*s", (int)(slash - text), text);
	if (!qv_kind_find(kind))
		return qv_fail(err, QV_E_INVALID, "\"%s\" is no kind of module", kind);
	found->class = qv_loader_get(loader, kind, slash + 1, err);
	if (!found->class)
		return -1;
	found->loaded = qv_loader_owner(loader, found->class);
	return 0;
}

bool is_module_path(const char *text)
{
	size_t length = strlen(text);
	return length > 3 && strcmp(text + length - 3, ".so") == 0;
}

int find_class(struct qv_loader *loader, const char *text, struct found *found, struct qv_error *err)
{
	const char *slash = strchr(text, '/');
	return slash ? find_by_kind(loader, text, slash, found, err) : find_by_name(loader, text, found, err);
}
