/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QV_CALL_CONNECTION_TIMERS_H
#define QV_CALL_CONNECTION_TIMERS_H

#include "connection.h"

/* When the loop must run again even if nothing happens. */
int64_t connection_deadline(const struct connection *connection);

/* Pings, the side's second, and time-outs: -1 QV_E_TIMEOUT. */
int connection_run_timers(struct connection *connection, int64_t now, struct qv_error *err);

#endif
