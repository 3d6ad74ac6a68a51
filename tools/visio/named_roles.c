/* SPDX-License-Identifier: Apache-2.0 */
#include "named_roles.h"

#include <stdio.h>
#include <string.h>

static const struct qv_option name_options[] = {
	{ .name = "name", .type = QV_OPTION_STRING, .required = true, .help = "As in visio ctl source video NAME." },
	{ .name = NULL },
};

static int load_one(struct qv_loader *loader, const struct qv_section *item, const char *word, const char *kind,
		    struct named_roles *named, struct qv_error *err)
{
	const char *const groups[] = { word, NULL };
	const struct qv_section *section;
	char known[1];
	struct named_role one = { .options =
					  qv_options_check(item, name_options, sizeof name_options[0], groups, err) };
	if (!one.options)
		return -1;
	bool again = named_roles_find(named, qv_options_string(one.options, "name"), known, sizeof known);
	struct named_role *kept = &named->list[named->count++];
	*kept = one;
	if (qv_section_group(item, word, &section, err) != 0)
		return -1;
	if (!section)
		return qv_fail(err, QV_E_CONFIG, "%s: %s: missing group %s, which names a module",
			       qv_section_where(item), qv_section_name(item), word);
	if (again)
		return qv_options_fail(kept->options, "name", err, "another %s has this name", word);
	return qv_role_load(loader, section, kind, NULL, &kept->role, err);
}

int named_roles_load(struct qv_loader *loader, const struct qv_section *outer, const char *word, const char *kind,
		     struct named_roles *named, struct qv_error *err)
{
	char list[16];
	size_t count;
	snprintf(list, sizeof list, "%ss", word);
	if (qv_section_list(outer, list, &count, err) != 0)
		return -1;
	if (count > NAMED_MAX)
		return qv_fail(err, QV_E_CONFIG, "%s: %s: more than %d %s", qv_section_where(outer),
			       qv_section_name(outer), NAMED_MAX, list);
	if (count > 0 && !named->usual->class)
		return qv_fail(err, QV_E_CONFIG, "%s: %s: %s without a %s, which is the usual one",
			       qv_section_where(outer), qv_section_name(outer), list, word);
	for (size_t i = 0; i < count; i++)
		if (load_one(loader, qv_section_list_item(outer, list, i), word, kind, named, err) != 0)
			return -1;
	return 0;
}

void named_roles_free(struct named_roles *named)
{
	for (size_t i = 0; i < named->count; i++) {
		qv_role_free(&named->list[i].role);
		qv_options_free(named->list[i].options);
	}
	named->count = 0;
}

size_t named_roles_count(const struct named_roles *named)
{
	return named->usual && named->usual->class ? 1 + named->count : 0;
}

const struct qv_role *named_roles_get(const struct named_roles *named, size_t index)
{
	return index == 0 ? named->usual : &named->list[index - 1].role;
}

const char *named_roles_name(const struct named_roles *named, size_t index)
{
	return index == 0 ? "default" : qv_options_string(named->list[index - 1].options, "name");
}

const struct qv_role *named_roles_find(const struct named_roles *named, const char *name, char *known, size_t room)
{
	size_t used = 0;
	snprintf(known, room, "none");
	for (size_t i = 0; i < named_roles_count(named); i++) {
		const char *has = named_roles_name(named, i);
		if (strcmp(has, name) == 0)
			return named_roles_get(named, i);
		if (used < room)
			used += (size_t)snprintf(known + used, room - used, "%s%s", used ? ", " : "", has);
	}
	return NULL;
}
