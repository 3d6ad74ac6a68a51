/* SPDX-License-Identifier: Apache-2.0 */
#include "sources.h"

#include <stdio.h>
#include <string.h>

#include "settings.h"

static const struct qv_option name_options[] = {
	{ .name = "name", .type = QV_OPTION_STRING, .required = true, .help = "As in visio ctl source video NAME." },
	{ .name = NULL },
};

static int load_one(struct qv_loader *loader, const struct qv_section *item, const char *kind, struct devices *devices,
		    struct qv_error *err)
{
	static const char *const groups[] = { "source", NULL };
	struct named_source *source = &devices->named[devices->named_count++];
	const struct qv_section *section;
	char known[1];
	source->options = qv_options_check(item, name_options, sizeof name_options[0], groups, err);
	if (!source->options || qv_section_group(item, "source", &section, err) != 0)
		return -1;
	if (!section)
		return qv_fail(err, QV_E_CONFIG, "%s: %s: missing group source, which names a module",
			       qv_section_where(item), qv_section_name(item));
	devices->named_count--;
	bool again = settings_named_source(devices, qv_options_string(source->options, "name"), known, sizeof known);
	devices->named_count++;
	if (again)
		return qv_options_fail(source->options, "name", err, "another source has this name");
	return qv_role_load(loader, section, kind, NULL, &source->role, err);
}

int sources_load(struct qv_loader *loader, const struct qv_section *outer, const char *kind, struct devices *devices,
		 struct qv_error *err)
{
	size_t count;
	if (qv_section_list(outer, "sources", &count, err) != 0)
		return -1;
	if (count > SOURCES_MAX)
		return qv_fail(err, QV_E_CONFIG, "%s: %s: more than %d sources", qv_section_where(outer),
			       qv_section_name(outer), SOURCES_MAX);
	if (count > 0 && !devices->source.class)
		return qv_fail(err, QV_E_CONFIG, "%s: %s: sources without a source, which is the usual one",
			       qv_section_where(outer), qv_section_name(outer));
	for (size_t i = 0; i < count; i++)
		if (load_one(loader, qv_section_list_item(outer, "sources", i), kind, devices, err) != 0)
			return -1;
	return 0;
}

void sources_free(struct devices *devices)
{
	for (size_t i = 0; i < devices->named_count; i++) {
		qv_role_free(&devices->named[i].role);
		qv_options_free(devices->named[i].options);
	}
	devices->named_count = 0;
}

size_t settings_source_count(const struct devices *devices)
{
	return devices->source.class ? 1 + devices->named_count : 0;
}

const struct qv_role *settings_source(const struct devices *devices, size_t index)
{
	return index == 0 ? &devices->source : &devices->named[index - 1].role;
}

const char *settings_source_name(const struct devices *devices, size_t index)
{
	return index == 0 ? "default" : qv_options_string(devices->named[index - 1].options, "name");
}

const struct qv_role *settings_named_source(const struct devices *devices, const char *name, char *known, size_t room)
{
	size_t used = 0;
	snprintf(known, room, "none");
	for (size_t i = 0; i < settings_source_count(devices); i++) {
		const char *has = settings_source_name(devices, i);
		if (strcmp(has, name) == 0)
			return settings_source(devices, i);
		if (used < room)
			used += (size_t)snprintf(known + used, room - used, "%s%s", used ? ", " : "", has);
	}
	return NULL;
}
