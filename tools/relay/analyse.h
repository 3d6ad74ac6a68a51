/* SPDX-License-Identifier: Apache-2.0 */
/* qkd-relay analyse: what the parts of the command share. */
#ifndef RELAY_ANALYSE_H
#define RELAY_ANALYSE_H

#include <stdbool.h>

#include <jansson.h>

#include "analysis.h"
#include "names.h"
#include "suggest.h"

struct analyse_options {
	const char *path, *from, *to, *relays;
	const char **assignments; /* NULL-ended */
	struct analysis_wish wish;
	unsigned listed; /* minimal sets to print of each kind */
	bool suggest, json;
};

/* QV_E_INVALID; 1: help was asked for and given. */
int analyse_arguments(int argc, char **argv, struct analyse_options *options, struct qv_error *err);

/* One pair as text, with what each module makes of it. */
void analyse_print_pair(const struct qv_topology *topology, const struct analyse_options *options,
			const struct analysis *analyses, size_t count);
/* A line of the table of all pairs, after its head. */
void analyse_print_head(const struct analyse_options *options);
void analyse_print_line(const struct qv_topology *topology, const struct analysis *analysis);
void analyse_print_suggestion(const struct qv_topology *topology, const struct suggestion *suggestion);

/* The same for programs. */
json_t *analyse_json(const struct qv_topology *topology, const struct analyse_options *options,
		     const struct analysis *analysis);
json_t *analyse_suggestion_json(const struct qv_topology *topology, const struct suggestion *suggestion);

#endif
