/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes a network while it runs: a Unix socket that takes a line and answers it.
 *
 *   [after=SECONDS] [path=FROM-TO] name=value…   sets values of the paths (all unless named, nodes count from 1)
 *   counts                                       "FROM-TO passed bytes lost full duplicated reordered" per path, joined by ';'
 *
 * Answers "ok", the counts, or "error: why".
 */
#ifndef NETWORK_CONTROL_H
#define NETWORK_CONTROL_H

#include "path.h"

#define CHANGES_MAX 64

struct network {
	int nodes;
	struct path paths[NODES_MAX][NODES_MAX]; /* from, to */
};

/* Changes to come. */
struct change {
	int64_t due_ns;
	char words[256];
};

struct control {
	struct network *network;
	int listener;
	struct change changes[CHANGES_MAX];
	int count;
};

/* Ends the program if the socket cannot be made. `path` NULL: no socket. */
void control_open(struct control *control, struct network *network, const char *path);
void control_serve(struct control *control, int64_t now_ns); /* when `listener` is readable */
void control_run_due(struct control *control, int64_t now_ns);
int64_t control_next_due(const struct control *control); /* INT64_MAX: nothing to come */

#endif
