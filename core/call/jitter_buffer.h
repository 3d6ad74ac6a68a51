/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound received and not yet played, by its place in the sender's stream. For a sink that paces it evens out how
 * irregularly packets arrive: it waits for a depth that follows the jitter seen, lets a dry spell make the sound later,
 * and gives up packets when more than that has been waiting for long, which also takes up the drift of two clocks. For
 * a recording it hands out everything in order at once and tells what is missing. It reads no clock and has no lock.
 */
#ifndef QV_CALL_JITTER_BUFFER_H
#define QV_CALL_JITTER_BUFFER_H

#include "unit_buffer.h"

#define JITTER_TARGET_MIN_NS (20 * INT64_C(1000000))
#define JITTER_TARGET_MAX_NS (300 * INT64_C(1000000))
#define JITTER_SLOTS         512
#define JITTER_HOLD_MAX_NS   (2 * INT64_C(1000000000))
#define JITTER_BYTES_MAX     (8u * 1024u * 1024u)

struct jitter_buffer;

/* `rate` in Hz; `recording`: for a sink that does not pace. */
struct jitter_buffer *jitter_buffer_new(int rate, bool recording, struct qv_error *err);
void jitter_buffer_free(struct jitter_buffer *buffer);

/*
 * Takes a packet over by swapping memory. Returns how many packets were given up for it, or it itself when it is too
 * late (1).
 */
int jitter_buffer_put(struct jitter_buffer *buffer, struct unit_buffer *packet, int64_t now);

/* No more will come: what is there is handed out without waiting for depth. */
void jitter_buffer_end(struct jitter_buffer *buffer);

enum jitter_next {
	JITTER_PACKET, /* *into is the next one */
	JITTER_GAP,    /* *frames samples are missing before the next packet */
	JITTER_WAIT,   /* nothing to play now */
	JITTER_ENDED   /* ended and empty */
};

/* *given_up counts packets dropped to catch up. */
enum jitter_next jitter_buffer_take(struct jitter_buffer *buffer, int64_t now, struct unit_buffer *into,
				    uint64_t *frames, int *given_up);

/* The listener heard silence because of JITTER_WAIT: wait for the full depth again. True if this is a new dry spell. */
bool jitter_buffer_underrun(struct jitter_buffer *buffer);

int64_t jitter_buffer_depth_ns(const struct jitter_buffer *buffer);
int64_t jitter_buffer_target_ns(const struct jitter_buffer *buffer);

#endif
