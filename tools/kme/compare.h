/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pools of both ends of a link are compared, and keys that only one end has are discarded: those of a store that
 * was lost, or of a request that went wrong half-way. See doc/PROTOCOL.md.
 */
#ifndef KME_COMPARE_H
#define KME_COMPARE_H

#include "kme.h"

/* A request has found that the pools differ. They are compared soon, but not again and again. Never blocks. */
void compare_later(struct peer *peer);

/*
 * A thread compares them at first, again when what was new then is old enough, whenever they seem to differ, and
 * hourly.
 */
int compare_start(struct link *link, struct qv_error *err);
void compare_stop(struct link *link);

#endif
