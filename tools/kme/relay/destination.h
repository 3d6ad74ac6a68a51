/* SPDX-License-Identifier: Apache-2.0 */
/* The destination's part in a session: it collects shares, rebuilds the keys, and promises them once they are confirmed. */
#ifndef KME_RELAY_DESTINATION_H
#define KME_RELAY_DESTINATION_H

#include "relay.h"
#include "session.h"

struct collector;

void collector_free(struct collector *collector); /* NULL is fine */

/* Wipes the keys; only what tells a commit that it was done before stays. NULL is fine. */
void collector_shrink(struct collector *collector);

/*
 * A share has come, or waiting is over (`last`): rebuilds, and tells the origin. True: there is nothing more to do. Called
 * with the session's lock.
 */
bool destination_look(struct relay *relay, struct session *session, bool last);

/* When waiting is over; as session_due. */
bool destination_due(struct relay *relay, struct session *session);

#endif
