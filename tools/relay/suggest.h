/* SPDX-License-Identifier: Apache-2.0 */
/* Which link, added to a network, would help most. */
#ifndef RELAY_SUGGEST_H
#define RELAY_SUGGEST_H

#include "analysis.h"
#include "command.h"

/*
 * What a network is worth. For one pair, by what a relay module makes of it: the smaller the chances that keys are learned
 * and that they are stopped, added up, the better. For all pairs, by Menger's bound, which holds for any module: disjoint
 * routes, the first ones of a pair counting most.
 */
struct worth {
	double value;            /* larger is better */
	double learned, stopped; /* chances, for one pair */
	double routes;           /* for all */
};

struct suggestion {
	bool found;
	uint32_t a, b; /* KMEs to link */
	struct worth now, then;
	uint32_t pairs;      /* 0: one pair was looked at */
	uint32_t candidates; /* links that were tried */
	bool all;            /* these are all that could be added */
	const char *relay;   /* for one pair */
	uint32_t from, to;
};

/* Looks for the chances that `wish` has. QV_E_NOMEM. That no link helps is no failure. */
int suggest_for_pair(struct suggestion *suggestion, const struct relay_module *relay,
		     const struct qv_topology *topology, uint32_t from, uint32_t to, const struct analysis_wish *wish,
		     struct progress *progress, struct qv_error *err);
int suggest_for_all(struct suggestion *suggestion, const struct qv_topology *topology, struct progress *progress,
		    struct qv_error *err);

#endif
