/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "video_sinks.h"

#define MIRROR_WIDTH 320 /* at most, of our own picture in a corner */

void window_init(struct window *window)
{
	pthread_mutex_init(&window->lock, NULL);
}

void window_clear(struct window *window)
{
	for (int i = 0; i < QV_OVERLAY_COUNT; i++)
		free(window->overlay[i]);
	if (window->snapshot_wanted)
		qv_role_free(&window->snapshot);
	qv_picture_free(window->mirror);
	qv_picture_free(window->shown);
	pthread_mutex_destroy(&window->lock);
}

void qv_call_control_overlay(struct qv_call_control *control, enum qv_overlay overlay, const char *text)
{
	struct window *window = &control->window;
	char *copy = text ? strdup(text) : NULL;
	pthread_mutex_lock(&window->lock);
	free(window->overlay[overlay]);
	window->overlay[overlay] = copy;
	window->overlay_set[overlay] = true;
	pthread_mutex_unlock(&window->lock);
}

void qv_call_control_self_view(struct qv_call_control *control, bool on)
{
	atomic_store(&control->window.self_view, on);
	if (!on)
		window_mirror(&control->window, NULL);
}

void qv_call_control_fullscreen(struct qv_call_control *control, bool on)
{
	struct window *window = &control->window;
	pthread_mutex_lock(&window->lock);
	window->fullscreen = on;
	window->fullscreen_set = true;
	pthread_mutex_unlock(&window->lock);
}

bool qv_call_control_snapshot(struct qv_call_control *control, struct qv_role *role)
{
	struct window *window = &control->window;
	pthread_mutex_lock(&window->lock);
	bool taken = !window->snapshot_wanted;
	if (taken)
		window->snapshot = *role;
	window->snapshot_wanted = true;
	pthread_mutex_unlock(&window->lock);
	if (!taken)
		qv_role_free(role);
	*role = (struct qv_role){ .class = NULL };
	return taken;
}

bool window_take_snapshot(struct window *window, struct qv_role *role)
{
	pthread_mutex_lock(&window->lock);
	bool wanted = window->snapshot_wanted;
	if (wanted)
		*role = window->snapshot;
	window->snapshot_wanted = false;
	pthread_mutex_unlock(&window->lock);
	return wanted;
}

void window_set_levels(struct window *window, double sent, double received)
{
	pthread_mutex_lock(&window->lock);
	window->levels[0] = sent;
	window->levels[1] = received;
	window->levels_set = true;
	pthread_mutex_unlock(&window->lock);
}

/* One plane, each sample the mean of a square of `step` times `step`. */
static void shrink(const struct qv_frame *frame, int index, int step, struct qv_picture *small)
{
	struct qv_frame out = qv_picture_frame(small);
	uint8_t *to = qv_picture_plane(small, index);
	int width, height, small_width, small_height;
	qv_plane_dimensions(&frame->format, index, &width, &height);
	qv_plane_dimensions(&out.format, index, &small_width, &small_height);
	for (int y = 0; y < small_height; y++)
		for (int x = 0; x < small_width; x++) {
			unsigned sum = 0, count = 0;
			for (int j = y * step; j < y * step + step && j < height; j++)
				for (int i = x * step; i < x * step + step && i < width; i++, count++)
					sum += frame->plane[index]
							   [(size_t)j * (size_t)frame->stride[index] + (size_t)i];
			to[(size_t)y * (size_t)out.stride[index] + (size_t)x] = (uint8_t)(count ? sum / count : 0);
		}
}

static struct qv_picture *smaller(const struct qv_frame *frame)
{
	struct qv_video_format format = frame->format;
	int step = (format.width + MIRROR_WIDTH - 1) / MIRROR_WIDTH;
	format.width = (format.width + step - 1) / step;
	format.height = (format.height + step - 1) / step;
	struct qv_picture *small = qv_picture_new(&format, NULL);
	for (int i = 0; small && i < qv_pixel_planes(format.pixel); i++)
		shrink(frame, i, step, small);
	return small;
}

bool window_wants_mirror(const struct window *window)
{
	return atomic_load(&window->self_view);
}

void window_mirror(struct window *window, const struct qv_frame *frame)
{
	if (frame && !window_wants_mirror(window))
		return;
	struct qv_picture *small = frame ? smaller(frame) : NULL;
	pthread_mutex_lock(&window->lock);
	struct qv_picture *old = window->mirror;
	window->mirror_set = small || old || window->shown;
	window->mirror = small;
	pthread_mutex_unlock(&window->lock);
	qv_picture_free(old);
}

/* The overlays that have changed are taken one by one, so that no sink is called with the lock held. */
static void show_overlays(struct window *window, struct video_sinks *sinks)
{
	for (int i = 0; i < QV_OVERLAY_COUNT; i++) {
		pthread_mutex_lock(&window->lock);
		bool set = window->overlay_set[i];
		char *text = set && window->overlay[i] ? strdup(window->overlay[i]) : NULL;
		window->overlay_set[i] = false;
		pthread_mutex_unlock(&window->lock);
		if (set)
			video_sinks_overlay(sinks, (enum qv_overlay)i, text);
		free(text);
	}
}

static void show_mirror(struct window *window, struct video_sinks *sinks)
{
	pthread_mutex_lock(&window->lock);
	bool set = window->mirror_set;
	struct qv_picture *picture = set ? window->mirror : NULL, *old = set ? window->shown : NULL;
	if (set) {
		window->shown = picture;
		window->mirror = NULL;
	}
	window->mirror_set = false;
	pthread_mutex_unlock(&window->lock);
	qv_picture_free(old);
	if (!set)
		return;
	struct qv_frame frame = { 0 };
	if (picture)
		frame = qv_picture_frame(picture);
	video_sinks_self_view(sinks, picture ? &frame : NULL);
}

void window_again(struct window *window)
{
	pthread_mutex_lock(&window->lock);
	for (int i = 0; i < QV_OVERLAY_COUNT; i++)
		window->overlay_set[i] = window->overlay_set[i] || window->overlay[i];
	window->fullscreen_set = window->fullscreen_set || window->fullscreen;
	pthread_mutex_unlock(&window->lock);
}

void window_obey(struct window *window, struct video_sinks *sinks)
{
	pthread_mutex_lock(&window->lock);
	bool switches = window->fullscreen_set, on = window->fullscreen, levels = window->levels_set;
	double sent = window->levels[0], received = window->levels[1];
	window->fullscreen_set = window->levels_set = false;
	pthread_mutex_unlock(&window->lock);
	if (switches)
		video_sinks_fullscreen(sinks, on);
	if (levels)
		video_sinks_levels(sinks, sent, received);
	show_overlays(window, sinks);
	show_mirror(window, sinks);
}
