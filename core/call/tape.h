/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries packets of a call to its recorder, on a thread of its own, so that nothing in the call waits for a disk. What a
 * disk is too slow for is left out, up to the next key picture.
 */
#ifndef QV_CALL_TAPE_H
#define QV_CALL_TAPE_H

#include <qvisio/call_control.h>

/* What may be recorded of a call. */
enum tape_slot { TAPE_SENT_VIDEO, TAPE_SENT_AUDIO, TAPE_VIDEO, TAPE_AUDIO, TAPE_SLOTS };

/* The call that is recorded; outlives the tape. `offer` is NULL for a stream that it has not. */
struct tape_call {
	const struct qv_host *host;
	const struct qv_stream_offer *offer[TAPE_SLOTS];
	/* Ask for a key picture of ours or the peer's; tell that the recording has failed. On any thread. */
	void (*want_key)(struct tape_call *call, enum tape_slot slot);
	void (*failed)(struct tape_call *call, const char *why);
};

struct tape;
struct tape *tape_start(struct tape_call *call, const struct qv_role *role, const char *path, struct qv_error *err);

/*
 * Copies one packet; `position` counts samples (sound), and evens out what the clocks' comparison says from one packet to
 * the next. The time of a packet is hostile: one that cannot be true is now. Each slot has one thread at a time.
 */
void tape_put(struct tape *tape, enum tape_slot slot, const struct qv_packet *packet, uint64_t position);

/* Writes what waits, finishes the file and frees the tape. NULL is fine. */
int tape_finish(struct tape *tape, struct qv_error *err);

#endif
