/* SPDX-License-Identifier: Apache-2.0 */
/* Keys on their way into the store, sealed, for their slave SAEs. */
#ifndef KME_PROMISE_H
#define KME_PROMISE_H

#include "kme.h"

struct promised_key {
	const char *id, *master, *slave;
	const char *labels; /* borrowed as long as the set */
	const uint8_t *key;
	size_t size;  /* to be sealed */
	size_t bytes; /* of it to be delivered */
};

struct promise_set {
	struct qv_promise *promises;
	uint8_t *sealed;
	size_t count, room, stride;
};

/* Room for `room` keys of at most `size` bytes. */
int promise_set_new(struct promise_set *set, size_t room, size_t size, struct qv_error *err);
int promise_set_add(struct kme *kme, struct promise_set *set, const struct promised_key *key, struct qv_error *err);
void promise_set_clear(struct promise_set *set);

/* Opens a promised key into `out`, which has room for all that was sealed. */
int promise_open(struct kme *kme, const struct qv_promise *promise, uint8_t *out, size_t room, struct qv_error *err);

#endif
