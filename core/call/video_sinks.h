/* SPDX-License-Identifier: Apache-2.0 */
/* The sinks of received pictures, as one. All functions on one thread; a sink that fails leaves the others at work. */
#ifndef QV_CALL_VIDEO_SINKS_H
#define QV_CALL_VIDEO_SINKS_H

#include <qvisio/call.h>
#include <qvisio/videosink.h>

#include "medium.h"

struct video_sinks;

/* Opens all sinks of the plan, or none. NULL with err. */
struct video_sinks *video_sinks_open(const struct media *media, const struct qv_receive_plan *plan,
				     struct qv_error *err);

/* As the callbacks of the same names; -1 when a window was closed (QV_E_END), or no sink is left. */
int video_sinks_show(struct video_sinks *sinks, const struct qv_frame *frame, struct qv_error *err);
int video_sinks_poll(struct video_sinks *sinks, struct qv_error *err);

/* Shows how the call is secured now. */
void video_sinks_status(struct video_sinks *sinks, enum qv_secured secured, const char *text);

/* As the callbacks of the same names, of each sink that has them. */
void video_sinks_overlay(struct video_sinks *sinks, enum qv_overlay overlay, const char *text);
void video_sinks_self_view(struct video_sinks *sinks, const struct qv_frame *frame);
void video_sinks_fullscreen(struct video_sinks *sinks, bool on);
void video_sinks_levels(struct video_sinks *sinks, double sent, double received);
int video_sinks_key(struct video_sinks *sinks);

/*
 * Opens another one in place of those that are windows, which are closed before as it may be the same screen; where there is
 * none nothing happens. Of `plan` only title and security are looked at.
 */
int video_sinks_replace(struct video_sinks *sinks, const struct qv_role *role, const struct qv_receive_plan *plan,
			struct qv_error *err);

/* NULL is fine. */
void video_sinks_close(struct video_sinks *sinks);

#endif
