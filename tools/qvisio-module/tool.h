/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of qvisio-module share. */
#ifndef QVISIO_MODULE_TOOL_H
#define QVISIO_MODULE_TOOL_H

#include <qvisio/loader.h>

#include <stdio.h>

/* Exit statuses, as qvisio-module(1) lists them. */
enum { STATUS_OK = 0, STATUS_FAULTS = 1, STATUS_USAGE = 2, STATUS_MODULE = 3 };

/* One class of one module file. */
struct found {
	const struct qv_loaded *loaded;
	const struct qv_class *class;
};

enum show_form { SHOW_TEXT, SHOW_JSON, SHOW_MDOC };

/* Each command returns an exit status and reports on stderr. */
int command_list(struct qv_loader *loader, enum show_form form);
int command_show(struct qv_loader *loader, const char *name, enum show_form form);

struct check_arguments {
	const char *module;             /* KIND/NAME, NAME or a file */
	const char *config;             /* file with the module's options, or NULL */
	const char *peer_config;        /* … of the other side, or NULL */
	const char *peer;               /* SAE ID of the other side, or NULL */
	int timeout_ms;                 /* for each case */
	const char *const *assignments; /* "name=value", NULL-ended */
};
int command_check(struct qv_loader *loader, const struct check_arguments *arguments, const struct qv_log *log);

/* Entry `index` of a class's option table, whatever size its module compiled it with; NULL past the end. */
const struct qv_option *class_option(const struct qv_class *class, size_t index, struct qv_option *copy);

void show_text(FILE *out, const struct found *found);
void show_mdoc(FILE *out, const struct qv_class *class);
void show_json(FILE *out, const struct found *found);

/* A JSON string (RFC 8259 section 7) with its quotes; NULL is written as null. */
void json_string(FILE *out, const char *text);

/* The name of an option's type: "integer", "choice"… */
const char *type_name(enum qv_option_type type);

/* A number as people write it: whole ones without an exponent. */
void put_number(FILE *out, double number);

/* Whether the range of a number is declared. */
bool has_range(const struct qv_option *option);

#endif
