/* SPDX-License-Identifier: Apache-2.0 */
/* Link keys of the key store for one message over one hop. */
#ifndef KME_RELAY_LINK_KEYS_H
#define KME_RELAY_LINK_KEYS_H

#include "../kme.h"
#include "hop.h"

struct link_keys {
	char **labels;
	size_t count;
	struct qv_secret *keys; /* QV_QKDLINK_KEY_BYTES for each label */
};

/*
 * Takes `count` keys of this KME's lane of the link out of the store for good: a pad may be sent once, and is gone before it
 * is. QV_E_NO_KEY. Freed with link_keys_clear, also after a failure.
 */
int link_keys_take(struct kme *kme, const struct peer *peer, size_t count, struct link_keys *keys,
		   struct qv_error *err);
void link_keys_clear(struct link_keys *keys);

/* The keys that a message of the peer names, in its order; they stay where they are. QV_E_NOT_FOUND: one is not there. */
struct qv_secret *link_keys_find(const struct peer *peer, const struct hop_message *message, struct qv_error *err);

/* They leave for good. QV_E_NOT_FOUND: one is not there any more. */
int link_keys_settle(const struct peer *peer, const struct hop_message *message, struct qv_error *err);

#endif
