/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries packets of calls to the recorder of one file, on a thread of its own, so that nothing in a call waits for a disk.
 * What a disk is too slow for is left out, up to the next key picture. What we send is in it once, from one of the calls
 * after another.
 */
#ifndef QV_CALL_TAPE_H
#define QV_CALL_TAPE_H

#include <qvisio/call_control.h>

/* What may be recorded of a call. */
enum tape_slot { TAPE_SENT_VIDEO, TAPE_SENT_AUDIO, TAPE_VIDEO, TAPE_AUDIO, TAPE_SLOTS };

/* A call that is recorded; outlives its part. `offer` is NULL for a stream that it has not. */
struct tape_call {
	const struct qv_host *host;
	const struct qv_stream_offer *offer[TAPE_SLOTS];
	/* Ask for a key picture of ours or the peer's; tell that the recording has failed. On any thread, must not wait. */
	void (*want_key)(struct tape_call *call, enum tape_slot slot);
	void (*failed)(struct tape_call *call, const char *why);
};

/*
 * A call has its place in the file from now on, the first one makes it. `name` (copied) is that of the peer's streams; NULL:
 * "received".
 */
struct tape_part;
struct tape_part *tape_join(struct qv_tape *tape, struct tape_call *call, const char *name, struct qv_error *err);
void tape_leave(struct tape_part *part); /* NULL is fine */

/*
 * Copies one packet; `position` counts samples (sound), and evens out what the clocks' comparison says from one packet to
 * the next. The time of a packet is hostile: one that cannot be true is now. Each slot has one thread at a time.
 */
void tape_put(struct tape_part *part, enum tape_slot slot, const struct qv_packet *packet, uint64_t position);

#endif
