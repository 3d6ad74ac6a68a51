/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged copies of a packet, the same ones in each run. */
#ifndef QV_CONFORMANCE_DAMAGE_H
#define QV_CONFORMANCE_DAMAGE_H

#include "conformance.h"

struct damage {
	uint64_t state; /* not 0 at start */
	uint8_t *bytes;
	size_t size, room;
};

/* Makes the next damaged copy of `packet` in `bytes`: cut, with bits turned, with pieces doubled, or noise. */
void damage_make(struct check *check, struct damage *damage, const uint8_t *packet, size_t size);
void damage_free(struct damage *damage);

#endif
