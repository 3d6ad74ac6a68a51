/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going over from one TLS session to the next in the middle of a call. Each direction does it on its own, between two
 * records: SWITCH and close_notify in the old session, then the next record in the new one.
 */
#ifndef QV_CALL_CONNECTION_SWITCH_H
#define QV_CALL_CONNECTION_SWITCH_H

#include "connection.h"

/* The peer has said SWITCH: what follows comes in the next session. */
int connection_peer_switches(struct connection *connection, struct qv_error *err);

/* Call with the wire idle. 1: go on writing (SWITCH may be on the wire now); 0: the socket is full; -1. */
int connection_go_over(struct connection *connection, struct qv_error *err);

/* Reads the peer's close_notify from the sessions gone over from, and releases them; then at the end of the call. */
void connection_read_old(struct connection *connection, int64_t now);
void connection_drop_old(struct connection *connection);

void connection_tune_socket(int fd);

#endif
