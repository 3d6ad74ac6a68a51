/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that decodes and shows pictures. It opens, uses and closes the sink. */
#ifndef QV_CALL_VIDEO_RECEIVER_H
#define QV_CALL_VIDEO_RECEIVER_H

#include "medium.h"
#include "unit_buffer.h"

struct video_receiver;

/* Starts the thread; pointers are borrowed until free. */
struct video_receiver *video_receiver_start(struct media *media, const struct qv_receive_plan *plan,
					    const struct qv_role *codec, const struct qv_stream_offer *offer,
					    struct qv_error *err);

/* Hands over a received picture by swapping memory; never waits. */
void video_receiver_put(struct video_receiver *receiver, struct unit_buffer *picture);

/* No more will come: what is there is shown, and the thread finishes. */
void video_receiver_end(struct video_receiver *receiver);

/* Stops at once and joins the thread. NULL is fine. */
void video_receiver_free(struct video_receiver *receiver);

#endif
