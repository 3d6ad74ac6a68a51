/* SPDX-License-Identifier: Apache-2.0 */
/* Pool levels of one link over time, and how its peer is. Not locked. */
#ifndef KME_ADMIN_SERIES_H
#define KME_ADMIN_SERIES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define SERIES_RECENT 600  /* one each second */
#define SERIES_DAY    1440 /* one each minute */

struct series {
	struct series *next;
	char *peer;       /* KME ID */
	bool seen;        /* by the pass that is on */
	int64_t level[2]; /* of the own lane, of the peer's; -1: not known */
	bool probed, reachable;
	char why[200]; /* it is not reachable */
	int64_t recent[2][SERIES_RECENT], day[2][SERIES_DAY];
};

struct series *series_new(const char *peer);
void series_free(struct series *series);

/* Notes the levels for second number `tick`, counted from 0. */
void series_note(struct series *series, uint64_t tick);

/* { "peer", "own": […], "theirs": […] }, oldest first, `tick` being the newest. */
json_t *series_json(const struct series *series, uint64_t tick, bool day);

#endif
