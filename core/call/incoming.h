/* SPDX-License-Identifier: Apache-2.0 */
/* The half of a call that receives, decodes, shows and plays. */
#ifndef QV_CALL_INCOMING_H
#define QV_CALL_INCOMING_H

#include "assembler.h"
#include "audio_receiver.h"
#include "medium.h"
#include "video_receiver.h"

struct incoming {
	struct media media; /* the call's, with a ledger of its own */
	const struct qv_receive_plan *plan;
	const struct qv_role *video_codec, *audio_codec;
	bool has_video, has_audio; /* chosen, in these formats */
	struct qv_stream_offer video_format, audio_format;
	struct video_receiver *video;
	struct audio_receiver *audio;
	struct assembler pictures, sounds;
	bool any_picture, any_sound; /* came; the numbers of the last ones: */
	uint64_t last_picture, last_sound;
	bool video_ended, audio_ended; /* says the peer */
};

struct incoming *incoming_new(const struct media *media, const struct qv_receive_plan *plan, struct qv_error *err);

/* Says in a HELLO what can be taken. */
void incoming_takes(const struct incoming *in, struct qv_hello *hello);

/* Chooses from the streams that a peer offers; false: none can be decoded here. */
bool incoming_choose(struct incoming *in, const struct qv_hello *hello);
int incoming_start(struct incoming *in, struct qv_error *err);

/* VIDEO, AUDIO, STATE. */
int incoming_video(struct incoming *in, const struct qv_record *record, struct qv_error *err);
int incoming_audio(struct incoming *in, const struct qv_record *record, struct qv_error *err);
/* A unit that is complete, by whatever way it came; its memory may be swapped away. */
void incoming_unit(struct incoming *in, enum qv_stream_kind kind, struct unit_buffer *unit);
/* Whose state it is, or 0: of no stream that is received. */
enum qv_stream_kind incoming_state(struct incoming *in, const struct qv_stream_state *state);
/* All streams that are received have ended, says the peer; also when there are none. */
bool incoming_ended(const struct incoming *in);

/* Tells the peer what was received. */
void incoming_report(struct incoming *in, int64_t latency_ns);

/* Lets what was received be shown and played. */
void incoming_drain(struct incoming *in);

/* Joins the threads, which media->stop must have stopped. NULL is fine. */
void incoming_free(struct incoming *in);

#endif
