/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of qkd-key. */
#ifndef QKD_KEY_ARGUMENTS_H
#define QKD_KEY_ARGUMENTS_H

#include <stdbool.h>

#include <qvisio/log.h>

enum command { COMMAND_STATUS, COMMAND_GET, COMMAND_CLAIM };
enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_RAW };

struct arguments {
	enum command command;
	const char *peer;           /* SAE ID: of the peer, or of the master */
	const char *const *key_ids; /* ended by NULL; of `claim` */
	unsigned number, bits;      /* of `get`; bits 0: the source's default */
	enum format format;
	const char *output; /* NULL: standard output */
	bool show;
	const char *config;
	const char *module;
	const char **assignments; /* "name=value", ended by NULL; owned */
	enum qv_log_level level;
};

/* 0; 1: answered (--help, --version), end with success; -1 with QV_E_INVALID: wrong usage. */
int arguments_parse(int argc, char **argv, struct arguments *arguments, struct qv_error *err);
void arguments_clear(struct arguments *arguments);

#endif
