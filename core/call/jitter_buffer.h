/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound received and not yet played, by its place in the sender's stream, whatever order it came in.
 *
 * For a sink that paces it decides when each packet is played. What it steers is the lead: the time from when the
 * quickest packet of that place would have arrived until it is heard. It should be what the device needs, and what all
 * but few packets are later than the quickest. A lead that is far off is corrected by making sound shorter or longer, a
 * small one by playing a few ppm faster or slower, which also takes up the drift of the two clocks. What has not come
 * when the device is about to run dry is concealed.
 *
 * For a recording it hands out everything at once and tells what is missing. It reads no clock and has no lock.
 */
#ifndef QV_CALL_JITTER_BUFFER_H
#define QV_CALL_JITTER_BUFFER_H

#include "unit_buffer.h"

#define JITTER_TARGET_MAX_NS (300 * INT64_C(1000000))
#define JITTER_SLOTS         512
#define JITTER_HOLD_MAX_NS   (2 * INT64_C(1000000000))
#define JITTER_BYTES_MAX     (8u * 1024u * 1024u)
#define JITTER_CONCEAL_MS    10 /* that a dry spell is filled with at a time */

struct jitter_buffer;

/* `rate` in Hz; `recording`: for a sink that does not pace. */
struct jitter_buffer *jitter_buffer_new(int rate, bool recording, struct qv_error *err);
void jitter_buffer_free(struct jitter_buffer *buffer);

/*
 * Takes a packet over by swapping memory. Returns how many packets were given up for it, or it itself when it is too
 * late or there already (1).
 */
int jitter_buffer_put(struct jitter_buffer *buffer, struct unit_buffer *packet, int64_t now);

/* No more will come: what is there is handed out without waiting. */
void jitter_buffer_end(struct jitter_buffer *buffer);

/* Asks for a lead of at least this, because something else that belongs to the sound is slower. */
void jitter_buffer_wait_for(struct jitter_buffer *buffer, int64_t lead_ns);

/*
 * A packet carries a copy of the one before it: where many are lost the sound waits for one packet more, so that the
 * copy is there when it is needed.
 */
void jitter_buffer_copies(struct jitter_buffer *buffer, bool copies);

/* What plays the sound; all 0 for a recording. */
struct jitter_device {
	int64_t delay_ns; /* until what is written now is heard */
	int64_t least_ns; /* the delay below which it runs dry */
};

enum jitter_change { JITTER_AS_IT_IS, JITTER_SHORTER, JITTER_LONGER };

enum jitter_next {
	JITTER_PACKET, /* `into` is the next one */
	JITTER_GAP,    /* `frames` are missing before the next packet */
	JITTER_SILENT, /* `frames` of silence make it begin with the right lead */
	JITTER_DRY,    /* nothing has come, and `frames` must be made up: it may come yet */
	JITTER_WAIT,   /* nothing to do before `until_ns`, or before a packet is put; 0: only then */
	JITTER_ENDED   /* ended and empty */
};

struct jitter_step {
	enum jitter_next next;
	uint64_t frames; /* samples per channel */
	int64_t until_ns;
	int given_up;              /* packets dropped to catch up */
	bool underrun;             /* the first of a dry spell */
	enum jitter_change change; /* of the packet: try to make it so */
	uint64_t most;             /* samples per channel by which it is to become shorter */
	bool eager;                /* at any price */
	double ppm;                /* by which sound is to be played faster from now on */
};

struct jitter_step jitter_buffer_take(struct jitter_buffer *buffer, int64_t now, const struct jitter_device *device,
				      struct unit_buffer *into);

/* The packet became shorter (negative: longer) by so many samples. */
void jitter_buffer_changed(struct jitter_buffer *buffer, int64_t frames);

int64_t jitter_buffer_depth_ns(const struct jitter_buffer *buffer);
int64_t jitter_buffer_target_ns(const struct jitter_buffer *buffer); /* the lead that is wanted */
int64_t jitter_buffer_lead_ns(const struct jitter_buffer *buffer);   /* the lead that the last packet had */

#endif
