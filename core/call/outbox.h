/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is encoded and not yet on its way: one picture, the newest, and a little sound. Encoders put, the network thread
 * takes; neither waits for the other. Safe on any thread.
 */
#ifndef QV_CALL_OUTBOX_H
#define QV_CALL_OUTBOX_H

#include "unit_buffer.h"

#define OUTBOX_SOUND_MS 250

struct outbox;

struct outbox *outbox_new(struct qv_error *err);
void outbox_free(struct outbox *outbox);

/*
 * False: what is waiting may not be replaced because later pictures need it, so that the next one should not even be
 * encoded. Only of a codec that was seen to send nothing but key pictures is an older one given up for a newer.
 */
bool outbox_video_room(struct outbox *outbox);

/* An encoded access unit, borrowed. */
struct outbox_item {
	struct qv_unit unit;
	bool key;
	struct prediction prediction;
	const uint8_t *data;
	int64_t ready_ns; /* when it was encoded */
};

/* Copies a picture in, in place of one that waits. Returns the number of pictures given up for it, or -1. */
int outbox_put_video(struct outbox *outbox, const struct outbox_item *picture, struct qv_error *err);

/* Copies sound of `rate` Hz in; gives up the oldest over OUTBOX_SOUND_MS. Returns how many packets, or -1. */
int outbox_put_audio(struct outbox *outbox, const struct outbox_item *sound, int rate, struct qv_error *err);

/* Swaps the next unit into `into` (whose memory the outbox reuses). False: there is none. */
bool outbox_take_video(struct outbox *outbox, struct unit_buffer *into);
bool outbox_take_audio(struct outbox *outbox, struct unit_buffer *into);

bool outbox_empty(struct outbox *outbox);

#endif
