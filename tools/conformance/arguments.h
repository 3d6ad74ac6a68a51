/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFORMANCE_ARGUMENTS_H
#define CONFORMANCE_ARGUMENTS_H

#include "probe.h"
#include "report.h"

struct arguments {
	struct party parties[PARTIES]; /* borrowed from argv */
	enum format format;
	const char *only, *skip;    /* lists of checks and clauses, or NULL */
	unsigned max_keys, timeout; /* keys; ms */
	bool list, strict;
};

/* 0; 1: help or version was shown; -1 with QV_E_INVALID. */
int arguments_parse(int argc, char **argv, struct arguments *arguments, struct qv_error *err);

#endif
