/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files (libconfig syntax) for programs. Settings are read once and checked against declared options;
 * whatever was not asked for is an error, so a misspelt name is never ignored. Not thread-safe; used at start.
 */
#ifndef QVISIO_CONFIG_H
#define QVISIO_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <qvisio/error.h>
#include <qvisio/log.h>
#include <qvisio/option.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct qv_config;  /* a parsed file */
struct qv_section; /* a group in it; lives as long as its qv_config */

/* Reads a file. QV_E_CONFIG with "file:line: …", QV_E_IO. Includes (@include) are relative to the file's folder. */
struct qv_config *qv_config_load(const char *path, struct qv_error *err);

/* Parses text; `name` stands for the file in messages, relative paths are taken from `folder`. */
struct qv_config *qv_config_parse(const char *text, const char *name, const char *folder, struct qv_error *err);

/*
 * The same for text that was made from another file: `lines[i]` (for i < count) is the line of that file which line i + 1
 * of the text comes from, so that messages name the line that a person wrote. Borrowed during the call.
 */
struct qv_config *qv_config_parse_from(const char *text, const char *name, const char *folder, const unsigned *lines,
				       size_t count, struct qv_error *err);

/* Wipes the strings and frees. NULL is fine. */
void qv_config_free(struct qv_config *config);

/* The top of the file as a section. */
const struct qv_section *qv_config_root(const struct qv_config *config);

/* The group `name` of a section, or NULL if it is absent. QV_E_CONFIG if it is there but is no group. */
int qv_section_group(const struct qv_section *section, const char *name, const struct qv_section **group,
		     struct qv_error *err);

/* A list of groups: `name: ( {…}, {…} )`. Count is 0 when absent. */
int qv_section_list(const struct qv_section *section, const char *name, size_t *count, struct qv_error *err);
const struct qv_section *qv_section_list_item(const struct qv_section *section, const char *name, size_t index);

/* "file:line" of a section. */
const char *qv_section_where(const struct qv_section *section);
const char *qv_section_name(const struct qv_section *section); /* "video.source"; "" at the top */

/*
 * Checks a section against an option table and returns the values. Names in `groups` (NULL-ended, may be NULL) are
 * sub-groups or lists that the caller reads itself. Any other name is an error that suggests the nearest known one.
 * `section` may be NULL: all defaults (missing required options are then reported without a line).
 */
struct qv_options *qv_options_check(const struct qv_section *section, const struct qv_option *table, size_t option_size,
				    const char *const *groups, struct qv_error *err);
void qv_options_free(struct qv_options *options);

/* As qv_options_check from "name=value" strings, for command lines; ended by NULL. A SECRET is refused in argv. */
struct qv_options *qv_options_from_strings(const char *const *assignments, const struct qv_option *table,
					   size_t option_size, const char *origin, struct qv_error *err);

/*
 * Replaces the value of one option by `text` in the option's own syntax, checked as from a file. For programs that
 * change a setting after reading it; not while a module has the options. QV_E_CONFIG.
 */
int qv_options_assign(struct qv_options *options, const char *name, const char *text, struct qv_error *err);

/*
 * Is told when an accessor asks for an option that the table does not declare, or with another type than declared:
 * `asked` is the type asked for in words. Called on the thread of the accessor. For `qvisio-module check`.
 */
struct qv_options_watch {
	void (*misused)(struct qv_options_watch *watch, const char *name, const char *asked);
};
void qv_options_set_watch(struct qv_options *options, struct qv_options_watch *watch); /* borrowed; NULL: none */

/*
 * A role: the group's `module` names the backend, its other settings are that module's options.
 * Returns the module name (owned by the section), or `fallback` when the section is NULL or has no `module`.
 */
const char *qv_section_module(const struct qv_section *section, const char *fallback, struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
