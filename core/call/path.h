/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether UDP passes between the two ends, both ways: each end sends probes, the peer tells which it got last. Reads no
 * clock; times are ns of one monotonic clock.
 */
#ifndef QV_CALL_PATH_H
#define QV_CALL_PATH_H

#include <stdbool.h>
#include <stdint.h>

#define PATH_SILENT_MS 2000 /* without an answer for so long nothing passes */
#define PATH_AGAIN     3    /* answers within PATH_SILENT_MS that make a path good again */

struct path {
	bool up;
	bool failed; /* it has been told that nothing passes */
	int64_t began_ns;
	int64_t answered_ns; /* when the newest probe that was answered had been sent */
	int64_t heard_ns;    /* when that answer came */
	int64_t probe_ns;    /* when the next one is due */
	int64_t first_ns;    /* of the answers counted in `again` */
	unsigned again;
	int64_t rtt_ns; /* 0: not known */
};

void path_start(struct path *path, int64_t now);

/* True: a probe is to be sent now, and counts as sent. */
bool path_probe(struct path *path, int64_t now);

/* The peer got a probe that was sent then. */
void path_answered(struct path *path, int64_t sent_ns, int64_t rtt_ns, int64_t now);

enum path_change { PATH_SAME, PATH_UP, PATH_DOWN };
enum path_change path_look(struct path *path, int64_t now);

/* When to look, or to probe, again. */
int64_t path_due(const struct path *path);

#endif
