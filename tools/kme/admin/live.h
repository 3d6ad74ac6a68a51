/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events for the pages that are open, as Server-Sent Events (HTML Living Standard section 9.2). A client takes them from
 * a ring that all share, so that a slow one costs no memory: it misses some, and is told so. Safe on any thread.
 */
#ifndef KME_ADMIN_LIVE_H
#define KME_ADMIN_LIVE_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdint.h>

#include <qvisio/error.h>

struct live;

struct live *live_new(unsigned clients_max, struct qv_error *err);

/* A new event "key"; takes it over. */
void live_event(struct live *live, json_t *event);

/* The newest event "state", a JSON text, copied; older ones that a client has not got yet are skipped. */
void live_state(struct live *live, const char *text);

/* Streams what comes after event number `after` (0: the newest few) to a connection. NULL: too many clients. */
struct MHD_Response *live_stream(struct live *live, struct MHD_Connection *connection, uint64_t after);

unsigned live_clients(struct live *live);

/* Ends all streams; then MHD can be stopped. */
void live_stop(struct live *live);
void live_free(struct live *live); /* NULL is fine */

#endif
