/* SPDX-License-Identifier: Apache-2.0 */
#include "promise.h"

#include <stdlib.h>

int promise_set_new(struct promise_set *set, size_t room, size_t size, struct qv_error *err)
{
	*set = (struct promise_set){ .room = room, .stride = size + SEAL_OVERHEAD };
	set->promises = calloc(room, sizeof *set->promises);
	set->sealed = malloc(room * set->stride);
	if (set->promises && set->sealed)
		return 0;
	promise_set_clear(set);
	return qv_fail(err, QV_E_NOMEM, "no memory for keys");
}

int promise_set_add(struct kme *kme, struct promise_set *set, const struct promised_key *key, struct qv_error *err)
{
	if (set->count == set->room || key->size + SEAL_OVERHEAD > set->stride)
		return qv_fail(err, QV_E_INTERNAL, "more keys than there is room for");
	uint8_t *sealed = set->sealed + set->count * set->stride;
	seal_wrap(kme->seal, "key", key->slave, key->id, key->key, key->size, sealed);
	set->promises[set->count++] = (struct qv_promise){ .key_id = key->id,
							   .slave = key->slave,
							   .master = key->master,
							   .labels = key->labels,
							   .key_bytes = (uint32_t)key->bytes,
							   .expires = wall_clock() + kme->limits.lifetime,
							   .sealed = { sealed, key->size + SEAL_OVERHEAD } };
	return 0;
}

void promise_set_clear(struct promise_set *set)
{
	free(set->promises);
	free(set->sealed);
	*set = (struct promise_set){ .count = 0 };
}

int promise_open(struct kme *kme, const struct qv_promise *promise, uint8_t *out, size_t room, struct qv_error *err)
{
	size_t size = promise->sealed.size;
	if (size < SEAL_OVERHEAD || size - SEAL_OVERHEAD > room || promise->key_bytes > size - SEAL_OVERHEAD)
		return qv_fail(err, QV_E_IO, "stored key %s has a wrong size", promise->key_id);
	return seal_unwrap(kme->seal, "key", promise->slave, promise->key_id, promise->sealed.bytes, size, out, err);
}
