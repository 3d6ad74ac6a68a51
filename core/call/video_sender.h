/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that captures and encodes pictures. */
#ifndef QV_CALL_VIDEO_SENDER_H
#define QV_CALL_VIDEO_SENDER_H

#include "medium.h"
#include "outbox.h"

struct video_sender;

/* Opens source and encoder and fills the offer (all but its stream number). Pointers are borrowed until free. */
struct video_sender *video_sender_open(struct media *media, struct outbox *outbox, const struct qv_role *source,
				       const struct qv_role *codec, struct qv_stream_offer *offer,
				       struct qv_error *err);
/* Before the start: goes over to another codec, which the peer takes. */
int video_sender_choose(struct video_sender *sender, const struct qv_role *codec, struct qv_error *err);
int video_sender_start(struct video_sender *sender, struct qv_error *err);

/* Joins the thread, which media->stop must have stopped. NULL is fine. */
void video_sender_free(struct video_sender *sender);

#endif
