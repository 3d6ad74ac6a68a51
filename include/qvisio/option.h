/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options as data. A module class declares its options; the core checks a configuration group against them before
 * open, and hands the module the checked values. `qvisio-module show` prints the same table.
 */
#ifndef QVISIO_OPTION_H
#define QVISIO_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>
#include <qvisio/secret.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum qv_option_type {
	QV_OPTION_STRING = 1,
	QV_OPTION_INT,   /* 64-bit; range in min and max when max > min */
	QV_OPTION_FLOAT, /* range in min and max when max > min */
	QV_OPTION_BOOL,
	QV_OPTION_CHOICE, /* one of the strings in choices */
	QV_OPTION_PATH,   /* a file name; a relative one is taken from the configuration file's folder */
	QV_OPTION_SECRET, /* text kept as a qv_secret and wiped from the parsed configuration */
	QV_OPTION_STRINGS /* one string, or a list or array of strings */
};

/* One option. Further fields may be added at the end: qv_class.option_size tells the core the size in use. */
struct qv_option {
	const char *name; /* lower case, words joined by '_'; NULL ends the table */
	enum qv_option_type type;
	bool required;
	const char *fallback;       /* default as text in the option's own syntax; NULL: unset */
	double min, max;            /* inclusive; ignored unless max > min */
	const char *const *choices; /* NULL-ended, for QV_OPTION_CHOICE */
	const char *unit;           /* "ms", "px", "bit/s"… or NULL */
	const char *help;           /* one sentence */
};

/* Checked values of one group. Made and freed by the core; borrowed by a module during open only. */
struct qv_options;

/*
 * Accessors. Asking for a name that the table does not declare, or with another type, is a defect of the module: the
 * value is NULL, 0 or false and `qvisio-module check` reports it. Strings live as long as the options.
 */
bool qv_options_is_set(const struct qv_options *options, const char *name);        /* in the file, not by default */
bool qv_options_has(const struct qv_options *options, const char *name);           /* in the file or by default */
const char *qv_options_string(const struct qv_options *options, const char *name); /* STRING, CHOICE, PATH; or NULL */
int64_t qv_options_int(const struct qv_options *options, const char *name);
double qv_options_float(const struct qv_options *options, const char *name);
bool qv_options_bool(const struct qv_options *options, const char *name);
const struct qv_secret *qv_options_secret(const struct qv_options *options, const char *name); /* or NULL */
size_t qv_options_count(const struct qv_options *options, const char *name);                   /* of a STRINGS option */
const char *qv_options_item(const struct qv_options *options, const char *name, size_t index);

/* Whether two sets of the same names hold the same values, wherever they were written. */
bool qv_options_equal(const struct qv_options *a, const struct qv_options *b);

/* "file:line" of an option, or of its group if the option is unset, for messages. Never NULL. */
const char *qv_options_where(const struct qv_options *options, const char *name);

/*
 * Records QV_E_CONFIG with "file:line: name: message" and returns -1: for what only the module can judge
 * (a file that cannot be read, two options that exclude each other).
 */
int qv_options_fail(const struct qv_options *options, const char *name, struct qv_error *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
