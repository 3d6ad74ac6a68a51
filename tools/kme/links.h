/* SPDX-License-Identifier: Apache-2.0 */
/* Each peer has two threads: one brings keys of its link into the store, one undoes requests that went wrong. */
#ifndef KME_LINKS_H
#define KME_LINKS_H

#include "kme.h"

/* Opens the link and starts to bring its keys in. */
int link_start(struct peer *peer, struct qv_error *err);
void link_stop(struct peer *peer);

/* Keys were taken: there is room for new ones. */
void link_hungry(struct peer *peer);

/*
 * Reserved keys of `request` whose fate at the peer is unknown: asks the peer to undo the request until it answers, and
 * then frees the keys, or discards them if they were delivered. Never blocks.
 */
void undo_later(struct peer *peer, const char *request);

int undo_start(struct peer *peer, struct qv_error *err);
void undo_stop(struct peer *peer);

#endif
