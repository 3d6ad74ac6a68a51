/* SPDX-License-Identifier: Apache-2.0 */
#include "ring_window.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "board.h"
#include "control.h"
#include "video_sinks.h"

#define LOOK_MS 40 /* between looks at the windows' events */

struct ring_window {
	struct media *media;
	struct qv_receive_plan plan;
	atomic_bool answered;
	pthread_t thread;
	struct qv_role windows[]; /* borrowed, of the call's plan */
};

static void pass_keys(struct ring_window *ring, struct video_sinks *sinks)
{
	for (int key; (key = video_sinks_key(sinks)) > 0;) {
		board_post(ring->media->board, QV_CALL_KEY, QV_STREAM_VIDEO, key, NULL);
		connection_wake(ring->media->connection);
	}
}

/* Whoever closes the window does not want the call. */
static void serve(struct ring_window *ring, struct video_sinks *sinks, struct qv_error *err)
{
	while (!atomic_load(&ring->answered)) {
		window_obey(&ring->media->control->window, sinks);
		if (video_sinks_poll(sinks, err) != 0) {
			if (err->code == QV_E_END)
				qv_call_control_answer(ring->media->control, false);
			return;
		}
		pass_keys(ring, sinks);
		int64_t until = qv_clock_now(&qv_clock_monotonic) + LOOK_MS * QV_NS_PER_MS;
		if (qv_clock_sleep_until(until, ring->media->stop.poll_fd, err) != 0)
			return;
	}
}

static void *run(void *argument)
{
	struct ring_window *ring = argument;
	struct qv_error err = QV_ERROR_INIT;
	struct video_sinks *sinks = video_sinks_open(ring->media, &ring->plan, &err);
	if (sinks)
		serve(ring, sinks, &err);
	if (err.code != QV_OK && err.code != QV_E_END && err.code != QV_E_CANCELLED)
		qv_log_warning(ring->media->host->log, "the incoming call is not shown: %s", err.message);
	video_sinks_close(sinks);
	return NULL;
}

struct ring_window *ring_window_open(struct media *media, const struct qv_receive_plan *plan)
{
	struct ring_window *ring = calloc(1, sizeof *ring + plan->video_sink_count * sizeof ring->windows[0]);
	if (!ring)
		return NULL;
	ring->media = media;
	ring->plan = (struct qv_receive_plan){ .video_sinks = ring->windows,
					       .title = plan->title,
					       .secured = plan->secured,
					       .secured_text = plan->secured_text };
	/* What cannot be told a key is no window, but a file for example. */
	for (size_t i = 0; i < plan->video_sink_count; i++)
		if (qv_videosink_class(plan->video_sinks[i].class)->key)
			ring->windows[ring->plan.video_sink_count++] = plan->video_sinks[i];
	if (ring->plan.video_sink_count > 0 && pthread_create(&ring->thread, NULL, run, ring) == 0)
		return ring;
	free(ring);
	return NULL;
}

void ring_window_close(struct ring_window *ring)
{
	if (!ring)
		return;
	atomic_store(&ring->answered, true);
	pthread_join(ring->thread, NULL);
	window_again(&ring->media->control->window);
	free(ring);
}
