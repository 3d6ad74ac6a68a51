/* SPDX-License-Identifier: Apache-2.0 */
/* Checked option values, as the files of the core that make and read them see them. */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include <qvisio/option.h>

struct qv_value {
	struct qv_option option; /* a copy, full size */
	bool set;                /* in the file */
	bool has;                /* in the file or by default */
	int64_t integer;         /* INT, and BOOL as 0 or 1 */
	double real;
	char *string;
	struct qv_secret *secret;
	char **items;
	size_t count;
	char *where; /* "file:line"; NULL: the group's */
};

struct qv_options {
	char *where;  /* of the group */
	char *prefix; /* "video.source." for messages */
	char *folder; /* relative paths are taken from here; NULL: the working folder */
	size_t count;
	struct qv_value *values;
	struct qv_options_watch *watch; /* or NULL */
};

/* All unset values for a table whose entries are `option_size` bytes apart. Strings are copied; any may be NULL. */
struct qv_options *qv_options_new(const struct qv_option *table, size_t option_size, const char *where,
				  const char *prefix, const char *folder, struct qv_error *err);

struct qv_value *qv_options_find(const struct qv_options *options, const char *name);

/* Frees what the value holds and leaves it unset. */
void qv_value_clear(struct qv_value *value);

/* Setters check type and range, and say what was expected. `where` may be NULL. */
int qv_value_set_integer(const struct qv_options *options, struct qv_value *value, int64_t integer,
			 struct qv_error *err);
int qv_value_set_real(const struct qv_options *options, struct qv_value *value, double real, struct qv_error *err);
int qv_value_set_string(const struct qv_options *options, struct qv_value *value, const char *string,
			struct qv_error *err);
int qv_value_add_item(const struct qv_options *options, struct qv_value *value, const char *item, struct qv_error *err);
/* From text in the option's own syntax: defaults and command lines. STRINGS are separated by commas. */
int qv_value_set_text(const struct qv_options *options, struct qv_value *value, const char *text, struct qv_error *err);

/* Sets defaults, and fails for a required option that is missing. */
int qv_options_finish(struct qv_options *options, struct qv_error *err);

/* "a whole number from 1 to 100", "one of a, b", … into `text`. */
void qv_option_expects(const struct qv_option *option, char *text, size_t room);

/* QV_E_CONFIG for a name that the table does not have; suggests the nearest of it and of `groups` (may be NULL). */
int qv_options_unknown(const struct qv_options *options, const char *where, const char *name, const char *const *groups,
		       struct qv_error *err);

#endif
