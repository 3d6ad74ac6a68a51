/* SPDX-License-Identifier: Apache-2.0 */
/* What a window is to show beside the peer's pictures: asked for on any thread, shown on the thread of the sinks. */
#ifndef QV_CALL_WINDOW_H
#define QV_CALL_WINDOW_H

#include <pthread.h>
#include <stdatomic.h>

#include <qvisio/loader.h>
#include <qvisio/media.h>
#include <qvisio/videosink.h>

struct video_sinks;

struct window {
	pthread_mutex_t lock;
	char *overlay[QV_OVERLAY_COUNT]; /* owned; NULL: none */
	bool overlay_set[QV_OVERLAY_COUNT];
	bool fullscreen, fullscreen_set;
	bool levels_set;
	double levels[2]; /* sent, received */
	struct qv_role snapshot;
	bool snapshot_wanted;
	atomic_bool self_view;
	bool mirror_set;           /* `mirror` is new, or to be taken away */
	struct qv_picture *mirror; /* our own picture, small; NULL: none */
	struct qv_picture *shown;  /* the same, of the thread of the sinks */
};

void window_init(struct window *window);
void window_clear(struct window *window);

void window_set_levels(struct window *window, double sent, double received);

bool window_wants_mirror(const struct window *window);
/* A planar frame that we send, or NULL: none is sent. Costs nothing where nobody wants to see it. */
void window_mirror(struct window *window, const struct qv_frame *frame);

/* On the thread of the sinks: shows what was asked for since the last time. */
void window_obey(struct window *window, struct video_sinks *sinks);

/* Other sinks take over: what is to be seen is shown on them from the beginning. */
void window_again(struct window *window);

/* Whether somebody wants the next picture that is shown; then the role is the caller's to free. */
bool window_take_snapshot(struct window *window, struct qv_role *role);

#endif
