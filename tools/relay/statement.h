/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement about the network that more facts can make true and never false: "the keys are learned", where the facts
 * are compromised KMEs; "the keys do not arrive", where they are what is broken. Facts are numbered from 0.
 */
#ifndef RELAY_STATEMENT_H
#define RELAY_STATEMENT_H

#include <stdint.h>

#define LANES 64 /* sets in one evaluation */

struct statement {
	uint32_t facts;
	double work; /* of one evaluation, in links looked at */
	/* The truth for 64 sets at once: bit i of sets[f] says whether set i holds fact f, bit i of the result is its truth. */
	uint64_t (*evaluate)(const struct statement *statement, const uint64_t *sets);
};

#endif
