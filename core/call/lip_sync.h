/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings pictures and sound of one sender together. Both carry capture times of the same clock; the delay of either is
 * from there to when it is heard or shown by ours, so that the offset of the clocks falls out of their difference:
 *
 *     skew = delay of pictures - delay of sound      positive: sound comes before its picture
 *
 * People notice sound that is more than some 15 ms early or 45 ms late (ATSC IS-191). Pictures wait for sound; sound
 * waits for pictures that are slower, within a bound. It reads no clock; safe on any thread.
 */
#ifndef QV_CALL_LIP_SYNC_H
#define QV_CALL_LIP_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include <qvisio/error.h>

struct lip_sync;

struct lip_sync *lip_sync_new(struct qv_error *err);
void lip_sync_free(struct lip_sync *sync); /* NULL is fine */

/* Sound captured then is heard at `heard_ns` by our clock. `lead_ns` is that of the jitter buffer. */
void lip_sync_heard(struct lip_sync *sync, int64_t captured_ns, int64_t heard_ns, int64_t lead_ns);

/* The lead that the jitter buffer should have for the sake of pictures; 0: any. */
int64_t lip_sync_lead(struct lip_sync *sync, int64_t now);

/* A picture captured then could have been shown at `ready_ns`, and was shown at `shown_ns`. */
void lip_sync_shown(struct lip_sync *sync, int64_t captured_ns, int64_t ready_ns, int64_t shown_ns);

/* When, by our clock, a picture captured at 0 should be shown. False: there is no sound that it belongs to. */
bool lip_sync_show_at(struct lip_sync *sync, int64_t now, int64_t *at_ns);

/* Of the pictures shown since the last call, in ms. */
struct lip_sync_skew {
	uint64_t count; /* 0: none */
	double mean_ms, least_ms, most_ms;
};
struct lip_sync_skew lip_sync_skew(struct lip_sync *sync);

#endif
