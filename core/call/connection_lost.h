/* SPDX-License-Identifier: Apache-2.0 */
/* A call between two sessions: the one it had is dead, and its peer is looked for. */
#ifndef QV_CALL_CONNECTION_LOST_H
#define QV_CALL_CONNECTION_LOST_H

#include "connection.h"

/* Gives the session up if that is what failed, and the side waits for another one. False: the call has failed. */
bool connection_lose(struct connection *connection, const struct qv_error *why);

/* Gives a session up that still seems to work: the peer has another one. */
bool connection_abandon(struct connection *connection, const struct qv_error *why);

/* While lost: goes on in this session. */
void connection_resume(struct connection *connection, const struct qv_link *link);

/* While lost: -1 when the peer was looked for long enough. */
int connection_check_lost(const struct connection *connection, int64_t now, struct qv_error *err);

#endif
