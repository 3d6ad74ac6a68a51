/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits to be sent to other KMEs: shares, which take link keys, and notes, which are JSON. Each KME has a box of either
 * kind, with a thread that sends what lies in it by the configuration that is current then. Putting something in never waits.
 */
#ifndef KME_RELAY_OUTBOX_H
#define KME_RELAY_OUTBOX_H

#include "relay.h"
#include "session.h"

struct outboxes *outboxes_new(struct relay *relay, struct qv_error *err);
/* Ends the threads; what has not been sent is lost. NULL is fine. */
void outboxes_free(struct outboxes *outboxes);

/* A share of a session for a neighbour; copied. 0, also when there is no room and it is lost; -1: no memory. */
int outbox_share(struct outboxes *outboxes, struct session *session, uint32_t next,
		 const struct qv_relay_message *message, struct qv_error *err);

/* POSTs JSON to a path of a KME; `text` (may be NULL: nothing happens) is taken over. Who it was about hears no answer. */
void outbox_note(struct outboxes *outboxes, const char *kme_id, const char *path, char *text);

/* Calls `each` for every neighbour that shares were sent to: how many, the link keys for them, and how many wait. */
void outboxes_walk(struct outboxes *outboxes,
		   void (*each)(void *context, const char *kme_id, uint64_t shares, uint64_t link_keys, size_t waiting),
		   void *context);

size_t outboxes_waiting(struct outboxes *outboxes);

#endif
