/* SPDX-License-Identifier: Apache-2.0 */
/* The destination's part in a session: it collects shares, rebuilds the keys, and promises them once they are confirmed. */
#ifndef KME_RELAY_DESTINATION_H
#define KME_RELAY_DESTINATION_H

#include "relay.h"
#include "session.h"

struct collector;

void collector_free(struct collector *collector); /* NULL is fine */

/* A share has come, or waiting is over (`last`): rebuilds, and tells the origin. Called with the session's lock. */
void destination_look(struct relay *relay, struct session *session, bool last);

/* When waiting is over; as session_due. */
bool destination_due(struct relay *relay, struct session *session);

#endif
