/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that captures and encodes sound. */
#ifndef QV_CALL_AUDIO_SENDER_H
#define QV_CALL_AUDIO_SENDER_H

#include "medium.h"
#include "outbox.h"

struct audio_sender;

/* Opens source and encoder and fills the offer (all but its stream number). Pointers are borrowed until free. */
struct audio_sender *audio_sender_open(struct media *media, struct outbox *outbox, const struct qv_role *source,
				       const struct qv_role *codec, struct qv_stream_offer *offer,
				       struct qv_error *err);
/* Before the start: goes over to another codec, which the peer takes. */
int audio_sender_choose(struct audio_sender *sender, const struct qv_role *codec, struct qv_error *err);
/* Before it is started: sound is to pass this filter. */
int audio_sender_filter(struct audio_sender *sender, const struct qv_role *role, struct qv_error *err);
int audio_sender_start(struct audio_sender *sender, struct qv_error *err);

/* Joins the thread, which media->stop must have stopped. NULL is fine. */
void audio_sender_free(struct audio_sender *sender);

#endif
