/* SPDX-License-Identifier: Apache-2.0 */
/* Roles: a configuration group that names a module and holds its options. */
#include <qvisio/loader.h>

int qv_role_load(struct qv_loader *loader, const struct qv_section *section, const char *kind, const char *fallback,
		 struct qv_role *role, struct qv_error *err)
{
	static const char *const own[] = { "module", NULL };
	*role = (struct qv_role){ NULL };
	const char *name = qv_section_module(section, fallback, err);
	if (!name)
		return -1;
	role->class = qv_loader_get(loader, kind, name, err);
	if (!role->class)
		return section ? qv_error_prefix(err, "%s: %s", qv_section_where(section), qv_section_name(section))
			       : -1;
	role->options = qv_options_check(section, role->class->options, role->class->option_size, own, err);
	return role->options ? 0 : -1;
}

void qv_role_free(struct qv_role *role)
{
	if (!role)
		return;
	qv_options_free(role->options);
	*role = (struct qv_role){ NULL };
}
