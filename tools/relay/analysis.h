/* SPDX-License-Identifier: Apache-2.0 */
/* What one relay module makes of one pair of KMEs. */
#ifndef RELAY_ANALYSIS_H
#define RELAY_ANALYSIS_H

#include "access.h"
#include "sets.h"
#include "trials.h"

struct analysis_wish {
	struct sets_limits limits;
	double compromised, broken; /* probability of each KME, and of each KME and link */
	uint64_t trials, seed;
	uint32_t batch; /* keys of a session */
	uint32_t key_bytes;
	bool cost_only; /* judge nothing */
};

/* Who makes a statement true, and how likely that is. */
struct answer {
	struct access access;
	struct sets sets;
	struct estimate chance;
	bool exact;  /* the chance, from all sets */
	bool marked; /* what the topology marks makes it true */
};

struct analysis {
	uint32_t from, to;
	const char *relay;
	struct qv_error why; /* QV_OK: there is a plan */
	struct qv_relay_plan *plan;
	const struct qv_relay_class *class;
	const struct qv_relay_facts *facts;
	double *load;     /* shares over each link, 2 * link and back 2 * link + 1 */
	double link_bits; /* of link keys for one key, over all links */
	double busiest;   /* of link keys for one key, on the link that most are spent on */
	double rate;      /* keys per second that the links' capacities allow; 0: a capacity is not known */
	uint32_t bottleneck;
	bool judged;
	struct answer learned, stopped;
};

/* Fills the analysis; a pair without a plan is a result too. -1 only with QV_E_NOMEM. Free with analysis_clear. */
int analysis_make(struct analysis *analysis, const struct qv_relay_class *class, struct qv_relay *relay,
		  const struct qv_topology *topology, uint32_t from, uint32_t to, const struct analysis_wish *wish,
		  struct progress *progress, struct qv_error *err);
void analysis_clear(struct analysis *analysis);

#endif
