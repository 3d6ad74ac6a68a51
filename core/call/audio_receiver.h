/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that decodes and plays sound. It opens, uses and closes the sink. */
#ifndef QV_CALL_AUDIO_RECEIVER_H
#define QV_CALL_AUDIO_RECEIVER_H

#include "medium.h"
#include "unit_buffer.h"

struct audio_receiver;

/* Starts the thread; pointers are borrowed until free. */
struct audio_receiver *audio_receiver_start(struct media *media, const struct qv_receive_plan *plan,
					    const struct qv_role *codec, const struct qv_stream_offer *offer,
					    struct qv_error *err);

/* Hands over a received packet by swapping memory; never waits. */
void audio_receiver_put(struct audio_receiver *receiver, struct unit_buffer *packet);

/* No more will come: what is there is played, and the thread finishes. */
void audio_receiver_end(struct audio_receiver *receiver);

/* Stops at once and joins the thread. NULL is fine. */
void audio_receiver_free(struct audio_receiver *receiver);

#endif
