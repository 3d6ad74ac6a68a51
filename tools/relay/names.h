/* SPDX-License-Identifier: Apache-2.0 */
/* The relay modules that a command was given, opened: "recursive,disjoint", or "all" of ours. */
#ifndef RELAY_NAMES_H
#define RELAY_NAMES_H

#include "command.h"

#define NAMES_MAX 8

struct named_relays {
	struct relay_module module[NAMES_MAX];
	size_t count;
};

/*
 * `assignments`: "NAME=VALUE" options, NULL-ended; an assignment "MODULE.NAME=VALUE" is for that module alone. Errors as
 * of relay_module_open. Close with names_close, also after a failure.
 */
int names_open(struct named_relays *relays, const char *names, const char *const *assignments, struct qv_error *err);
void names_close(struct named_relays *relays);

#endif
