/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/config.h>

#include <libconfig.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_text.h"
#include "options.h"

struct qv_section {
	struct qv_section *next; /* in the config's list of all sections handed out */
	struct qv_config *config;
	config_setting_t *setting;
	char *name;
	char *where;
};

struct qv_config {
	config_t parsed;
	char *name;      /* of the file, for messages */
	char *folder;    /* relative paths are taken from here */
	unsigned *lines; /* line i + 1 of the text comes from lines[i] of the file; NULL: the same */
	size_t line_count;
	struct qv_section *sections;
	struct qv_section *root;
};

static unsigned source_line(const struct qv_config *config, unsigned line)
{
	if (config->lines && line >= 1 && line <= config->line_count)
		return config->lines[line - 1];
	return line;
}

static char *setting_where(const struct qv_config *config, const config_setting_t *setting)
{
	const char *file = config_setting_source_file(setting);
	unsigned line = source_line(config, config_setting_source_line(setting));
	char *where;
	if (asprintf(&where, "%s:%u", file ? file : config->name, line ? line : 1) < 0)
		return NULL;
	return where;
}

static struct qv_section *section_new(struct qv_config *config, config_setting_t *setting, const char *parent,
				      const char *name)
{
	struct qv_section *section = calloc(1, sizeof *section);
	if (!section)
		return NULL;
	if (asprintf(&section->name, "%s%s%s", parent, parent[0] ? "." : "", name) < 0)
		section->name = NULL;
	section->where = setting_where(config, setting);
	section->config = config;
	section->setting = setting;
	section->next = config->sections;
	config->sections = section;
	return section->name && section->where ? section : NULL;
}

static struct qv_config *config_new(const char *name, const char *folder, struct qv_error *err)
{
	struct qv_config *config = calloc(1, sizeof *config);
	if (!config) {
		qv_fail(err, QV_E_NOMEM, "no memory for the configuration");
		return NULL;
	}
	config_init(&config->parsed);
	config->name = strdup(name);
	config->folder = strdup(folder);
	if (!config->name || !config->folder) {
		qv_fail(err, QV_E_NOMEM, "no memory for the configuration");
		qv_config_free(config);
		return NULL;
	}
	config_set_include_dir(&config->parsed, folder);
	return config;
}

/* Returns the config, or frees it and returns NULL. */
static struct qv_config *parse(struct qv_config *config, const char *text, struct qv_error *err)
{
	if (qv_config_text_check_includes(text, config->name, config->folder, err) != 0) {
		qv_config_free(config);
		return NULL;
	}
	if (config_read_string(&config->parsed, text) != CONFIG_TRUE) {
		const char *file = config_error_file(&config->parsed);
		qv_fail(err, QV_E_CONFIG, "%s:%u: %s", file ? file : config->name,
			source_line(config, (unsigned)config_error_line(&config->parsed)),
			config_error_text(&config->parsed));
		qv_config_free(config);
		return NULL;
	}
	config->root = section_new(config, config_root_setting(&config->parsed), "", "");
	if (!config->root) {
		qv_fail(err, QV_E_NOMEM, "no memory for the configuration");
		qv_config_free(config);
		return NULL;
	}
	/* The root has no line of its own: messages about it name the file. */
	free(config->root->where);
	config->root->where = strdup(config->name);
	return config;
}

struct qv_config *qv_config_load(const char *path, struct qv_error *err)
{
	char *copy = strdup(path);
	if (!copy) {
		qv_fail(err, QV_E_NOMEM, "no memory for the configuration");
		return NULL;
	}
	struct qv_config *config = config_new(path, dirname(copy), err);
	free(copy);
	if (!config)
		return NULL;
	char *text = qv_config_text_read(path, err);
	if (!text) {
		qv_config_free(config);
		return NULL;
	}
	config = parse(config, text, err);
	qv_config_text_free(text);
	return config;
}

struct qv_config *qv_config_parse(const char *text, const char *name, const char *folder, struct qv_error *err)
{
	struct qv_config *config = config_new(name, folder, err);
	return config ? parse(config, text, err) : NULL;
}

struct qv_config *qv_config_parse_from(const char *text, const char *name, const char *folder, const unsigned *lines,
				       size_t count, struct qv_error *err)
{
	struct qv_config *config = config_new(name, folder, err);
	if (!config)
		return NULL;
	config->lines = calloc(count ? count : 1, sizeof *lines);
	if (!config->lines) {
		qv_fail(err, QV_E_NOMEM, "no memory for the configuration");
		qv_config_free(config);
		return NULL;
	}
	memcpy(config->lines, lines, count * sizeof *lines);
	config->line_count = count;
	return parse(config, text, err);
}

/* libconfig frees strings as they are; passwords among them are overwritten first. */
static void wipe_strings(config_setting_t *setting)
{
	if (config_setting_type(setting) == CONFIG_TYPE_STRING) {
		const char *string = config_setting_get_string(setting);
		if (string)
			qv_wipe((char *)(uintptr_t)string, strlen(string));
		return;
	}
	if (!config_setting_is_aggregate(setting))
		return;
	for (int i = 0; i < config_setting_length(setting); i++)
		wipe_strings(config_setting_get_elem(setting, (unsigned)i));
}

void qv_config_free(struct qv_config *config)
{
	if (!config)
		return;
	while (config->sections) {
		struct qv_section *section = config->sections;
		config->sections = section->next;
		free(section->name);
		free(section->where);
		free(section);
	}
	wipe_strings(config_root_setting(&config->parsed));
	config_destroy(&config->parsed);
	free(config->name);
	free(config->folder);
	free(config->lines);
	free(config);
}

const struct qv_section *qv_config_root(const struct qv_config *config)
{
	return config->root;
}

const char *qv_section_where(const struct qv_section *section)
{
	return section ? section->where : "configuration";
}

const char *qv_section_name(const struct qv_section *section)
{
	return section ? section->name : "";
}

static int wrong_shape(const struct qv_section *section, const config_setting_t *setting, const char *name,
		       const char *expected, struct qv_error *err)
{
	char *where = setting_where(section->config, setting);
	qv_fail(err, QV_E_CONFIG, "%s: %s%s%s: expected %s", where ? where : "configuration", section->name,
		section->name[0] ? "." : "", name, expected);
	free(where);
	return -1;
}

int qv_section_group(const struct qv_section *section, const char *name, const struct qv_section **group,
		     struct qv_error *err)
{
	*group = NULL;
	config_setting_t *setting = section ? config_setting_get_member(section->setting, name) : NULL;
	if (!setting)
		return 0;
	if (!config_setting_is_group(setting))
		return wrong_shape(section, setting, name, "a group of settings: { … }", err);
	*group = section_new(section->config, setting, section->name, name);
	return *group ? 0 : qv_fail(err, QV_E_NOMEM, "no memory for the configuration");
}

int qv_section_list(const struct qv_section *section, const char *name, size_t *count, struct qv_error *err)
{
	*count = 0;
	config_setting_t *setting = section ? config_setting_get_member(section->setting, name) : NULL;
	if (!setting)
		return 0;
	if (!config_setting_is_list(setting))
		return wrong_shape(section, setting, name, "a list of groups: ( { … }, { … } )", err);
	for (int i = 0; i < config_setting_length(setting); i++) {
		config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);
		if (!config_setting_is_group(item))
			return wrong_shape(section, item, name, "a group of settings: { … }", err);
	}
	*count = (size_t)config_setting_length(setting);
	return 0;
}

const struct qv_section *qv_section_list_item(const struct qv_section *section, const char *name, size_t index)
{
	config_setting_t *setting = config_setting_get_member(section->setting, name);
	config_setting_t *item = setting ? config_setting_get_elem(setting, (unsigned)index) : NULL;
	char label[128];
	snprintf(label, sizeof label, "%s[%zu]", name, index);
	return item ? section_new(section->config, item, section->name, label) : NULL;
}

const char *qv_section_module(const struct qv_section *section, const char *fallback, struct qv_error *err)
{
	config_setting_t *setting = section ? config_setting_get_member(section->setting, "module") : NULL;
	if (!setting) {
		if (!fallback)
			qv_fail(err, QV_E_CONFIG, "%s: %s%smodule: missing; it names the module to use",
				qv_section_where(section), qv_section_name(section),
				qv_section_name(section)[0] ? "." : "");
		return fallback;
	}
	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		wrong_shape(section, setting, "module", "a module name in quotes", err);
		return NULL;
	}
	return config_setting_get_string(setting);
}

static int set_list(const struct qv_options *options, struct qv_value *value, config_setting_t *setting,
		    struct qv_error *err)
{
	value->has = true;
	for (int i = 0; i < config_setting_length(setting); i++) {
		const char *item = config_setting_get_string_elem(setting, i);
		if (!item)
			return qv_options_fail(options, value->option.name, err,
					       "expected a string in quotes, or a list of them");
		if (qv_value_add_item(options, value, item, err) != 0)
			return -1;
	}
	return 0;
}

static int set_value(const struct qv_options *options, struct qv_value *value, config_setting_t *setting,
		     struct qv_error *err)
{
	char expects[384];
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return qv_value_set_integer(options, value, config_setting_get_int64(setting), err);
	case CONFIG_TYPE_FLOAT:
		return qv_value_set_real(options, value, config_setting_get_float(setting), err);
	case CONFIG_TYPE_BOOL:
		if (value->option.type == QV_OPTION_BOOL)
			return qv_value_set_text(options, value, config_setting_get_bool(setting) ? "true" : "false",
						 err);
		break;
	case CONFIG_TYPE_STRING: {
		const char *string = config_setting_get_string(setting);
		int result = qv_value_set_string(options, value, string, err);
		if (value->option.type == QV_OPTION_SECRET)
			qv_wipe((char *)(uintptr_t)string, strlen(string));
		return result;
	}
	case CONFIG_TYPE_ARRAY:
	case CONFIG_TYPE_LIST:
		if (value->option.type == QV_OPTION_STRINGS)
			return set_list(options, value, setting, err);
		break;
	default:
		break;
	}
	qv_option_expects(&value->option, expects, sizeof expects);
	return qv_options_fail(options, value->option.name, err, "expected %s", expects);
}

static bool listed(const char *const *names, const char *name)
{
	for (size_t i = 0; names && names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int check_setting(struct qv_options *options, const struct qv_section *section, config_setting_t *setting,
			 const char *const *groups, struct qv_error *err)
{
	const char *name = config_setting_name(setting);
	struct qv_value *value = qv_options_find(options, name);
	if (!value && listed(groups, name))
		return 0;
	char *where = setting_where(section->config, setting);
	if (!where)
		return qv_fail(err, QV_E_NOMEM, "no memory for the configuration");
	if (!value) {
		qv_options_unknown(options, where, name, groups, err);
		free(where);
		return -1;
	}
	value->where = where;
	value->set = true;
	return set_value(options, value, setting, err);
}

struct qv_options *qv_options_check(const struct qv_section *section, const struct qv_option *table, size_t option_size,
				    const char *const *groups, struct qv_error *err)
{
	char prefix[256] = "";
	if (section && section->name[0])
		snprintf(prefix, sizeof prefix, "%s.", section->name);
	struct qv_options *options = qv_options_new(table, option_size, section ? section->where : NULL, prefix,
						    section ? section->config->folder : NULL, err);
	if (!options)
		return NULL;
	int count = section ? config_setting_length(section->setting) : 0;
	for (int i = 0; i < count; i++)
		if (check_setting(options, section, config_setting_get_elem(section->setting, (unsigned)i), groups,
				  err) != 0)
			goto fail;
	if (qv_options_finish(options, err) == 0)
		return options;
fail:
	qv_options_free(options);
	return NULL;
}
