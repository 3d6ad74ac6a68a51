/* SPDX-License-Identifier: Apache-2.0 */
/* What `qkd-relay run` knows, and how it says it. */
#ifndef RELAY_RUN_H
#define RELAY_RUN_H

#include <stdio.h>

#include "command.h"
#include "simulation.h"

struct run {
	struct qv_topology *topology;
	struct relay_module module;
	struct qv_relay_plan *plan;
	uint32_t from, to;
	uint8_t *kmes, *links; /* marks */
	struct qv_relay_session session;
	struct simulation_result result;
	struct simulation_result weighed; /* of the run that shows what the adversary learned */
	uint8_t *suspects;                /* of each KME: it passed on a share that was found wrong; NULL: none */
};

/* Prints each message, if asked to, and gathers the suspects. */
struct run_watch {
	struct simulation_watch watch;
	struct run *run;
	bool verbose;
};
void run_watch_init(struct run_watch *watch, struct run *run, bool verbose);

void run_print_text(const struct run *run, FILE *out);
void run_print_json(const struct run *run, FILE *out);

#endif
