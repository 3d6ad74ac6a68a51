/* SPDX-License-Identifier: Apache-2.0 */
/* The peers of a configuration get their clients and links. Main thread. */
#ifndef KME_PEERS_H
#define KME_PEERS_H

#include "kme.h"

/* A client for each peer, and its link: that of `before` (NULL: none), or one that is opened. */
int peers_open(struct kme *kme, const struct kme *before, struct qv_error *err);

/* Starts the threads of links that `before` does not have. */
int peers_start(struct kme *kme, const struct kme *before, struct qv_error *err);

/* Stops links that `other` (NULL: none) does not have. */
void peers_stop(struct kme *kme, const struct kme *other);

#endif
