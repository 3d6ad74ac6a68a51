/* SPDX-License-Identifier: Apache-2.0 */
/* The half of a call that offers, captures, encodes and sends. */
#ifndef QV_CALL_OUTGOING_H
#define QV_CALL_OUTGOING_H

#include "audio_sender.h"
#include "medium.h"
#include "offers.h"
#include "outbox.h"
#include "shares.h"
#include "stream_rate.h"
#include "video_sender.h"

/* A unit on its way in pieces. */
struct flight {
	struct unit_buffer buffer;
	size_t at;
	bool active;
};

struct outgoing {
	struct media media; /* the call's, with a ledger of its own */
	struct outbox *outbox;
	struct video_sender *video; /* open, whether the peer takes it or not */
	struct audio_sender *audio;
	struct offers offers;
	struct qv_stream_offer video_offer, audio_offer; /* the first of each kind, then the one that the peer takes */
	bool sends_video, sends_audio;                   /* the peer takes it */
	bool video_elsewhere,
		audio_elsewhere; /* it does not go in the session: somebody else takes it from the outbox */
	struct share_wish sound_wish, picture_wish;
	struct stream_rate stream_rate;
	struct flight picture, sound;
	bool want_key; /* in the session: pictures before the next key are of no use to the peer */
};

/* Opens the sources of the plan. */
struct outgoing *outgoing_open(const struct media *media, const struct qv_send_plan *plan, struct qv_error *err);

/* Adds what is offered to a greeting: all of it, or the stream of each kind that fits into what the peer takes. */
void outgoing_offer(const struct outgoing *out, struct qv_hello *hello);
void outgoing_offer_fitting(const struct outgoing *out, const struct qv_hello *takes, struct qv_hello *hello);

/* Starts the streams that the peer takes: those in `accept`. QV_E_PROTOCOL: one that was not offered. */
int outgoing_start(struct outgoing *out, const uint16_t *accept, size_t count, struct qv_error *err);

/* Puts the next record on the idle wire. */
bool outgoing_fill(struct outgoing *out);

/* A unit begins to leave, by whatever way, and has left. */
void outgoing_leaves(struct outgoing *out, enum qv_stream_kind kind, struct unit_buffer *unit, int64_t now);
void outgoing_left(struct outgoing *out, enum qv_stream_kind kind, size_t size, int64_t now);

/* Whether all of its streams have come to their end; `failed` is then set if that was a failure of all of them. */
bool outgoing_finished(const struct outgoing *out, struct qv_error *failed);

/* Joins the threads, which media->stop must have stopped. NULL is fine. */
void outgoing_free(struct outgoing *out);

#endif
