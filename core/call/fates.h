/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the last pictures were decoded: kept by their receiver, told in RTCP, and handed to their encoder in order. */
#ifndef QV_CALL_FATES_H
#define QV_CALL_FATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FATES_PICTURES 64 /* that are told of at once */
#define FATES_SIZE     12 /* bytes on the wire */

struct fates {
	bool any;
	uint64_t newest;
	uint64_t decoded; /* bit i: of the picture `newest` - i */
};

/* Pictures come by rising sequence; those that are left out were not decoded. */
void fates_note(struct fates *fates, uint64_t sequence, bool decoded);
void fates_put(const struct fates *fates, uint8_t bytes[FATES_SIZE]);

struct fate {
	uint64_t sequence;
	bool decoded;
};

/* What an encoder was told: each picture once, by rising sequence. */
struct fates_told {
	uint64_t next;
};

/* Reads what a peer says of the pictures up to `sent`, the last one; how many of them are new. 0 also: it cannot be. */
size_t fates_take(struct fates_told *told, const uint8_t bytes[FATES_SIZE], uint64_t sent,
		  struct fate fates[FATES_PICTURES]);

#endif
