/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket: so many a second, and so many at once. One number, the time at which the bucket will be full again
 * (the generic cell rate algorithm of ITU-T I.371), changed atomically: nobody waits for anybody.
 */
#ifndef KME_BUCKET_H
#define KME_BUCKET_H

#include <stdatomic.h>
#include <stdint.h>

struct bucket {
	unsigned rate;  /* tokens a second; 0: no limit */
	unsigned burst; /* tokens of a full bucket, at least 1 */
	_Atomic int64_t full;
};

/* Takes tokens. 0; or how many ns to wait until they are there, and none are taken. `now`: ns of a monotonic clock. */
int64_t bucket_take(struct bucket *bucket, unsigned tokens, int64_t now);

/* Puts back what was taken and not used. */
void bucket_return(struct bucket *bucket, unsigned tokens);

#endif
