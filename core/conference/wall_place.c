/* SPDX-License-Identifier: Apache-2.0 */
/* The tile of one call, as a video sink that the call opens. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wall_state.h"

/* A place that a call has open. */
struct qv_videosink {
	struct wall *wall;
	size_t number;
};

/* With the lock held: the calls all have the same to tell of this side, and the first of them is listened to. */
bool wall_first_held(const struct wall *wall, size_t number)
{
	for (size_t i = 0; i < number; i++)
		if (wall->places[i].held)
			return false;
	return true;
}

static void hold(struct wall *wall, size_t number, bool held)
{
	struct place *place = &wall->places[number];
	pthread_mutex_lock(&wall->lock);
	place->held = held;
	place->blank = true;
	place->fresh = false;
	place->text[0] = '\0';
	memset(place->overlay, 0, sizeof place->overlay);
	place->secured = QV_SECURED_NONE;
	place->sent_db = place->heard_db = NAN;
	if (wall_first_held(wall, QV_CONFERENCE_SEATS)) { /* nobody is left to send our picture to */
		qv_picture_free(wall->mirror);
		wall->mirror = NULL;
		wall->mirror_set = true;
	}
	wall_mark(wall, number);
	pthread_mutex_unlock(&wall->lock);
}

static struct qv_videosink *open_place(const struct qv_host *host, const struct qv_options *options, const char *title,
				       struct qv_error *err)
{
	const struct wall_place *handle = host->object;
	struct qv_videosink *sink = malloc(sizeof *sink);
	(void)options;
	(void)title;
	if (!sink) {
		qv_fail(err, QV_E_NOMEM, "no memory for a tile");
		return NULL;
	}
	*sink = (struct qv_videosink){ handle->wall, handle->number };
	hold(sink->wall, sink->number, true);
	return sink;
}

static void close_place(struct qv_videosink *sink)
{
	if (sink)
		hold(sink->wall, sink->number, false);
	free(sink);
}

static bool fits(struct qv_picture *picture, const struct qv_video_format *format)
{
	struct qv_frame has = qv_picture_frame(picture);
	return has.format.pixel == format->pixel && has.format.range == format->range &&
	       has.format.width == format->width && has.format.height == format->height;
}

static int check(struct wall *wall, struct qv_error *err)
{
	pthread_mutex_lock(&wall->lock);
	bool failed = wall->failure.code != QV_OK;
	if (failed && err)
		*err = wall->failure;
	pthread_mutex_unlock(&wall->lock);
	return failed ? -1 : 0;
}

static int show_place(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	struct wall *wall = sink->wall;
	struct place *place = &wall->places[sink->number];
	if (check(wall, err) != 0)
		return -1;
	pthread_mutex_lock(&wall->lock);
	struct qv_picture *picture = place->spare;
	place->spare = NULL;
	pthread_mutex_unlock(&wall->lock);
	if (picture && !fits(picture, &frame->format)) {
		qv_picture_free(picture);
		picture = NULL;
	}
	if (!picture && !(picture = qv_picture_new(&frame->format, err)))
		return -1;
	if (qv_picture_copy(picture, frame, err) != 0) {
		qv_picture_free(picture);
		return -1;
	}
	pthread_mutex_lock(&wall->lock);
	struct qv_picture *missed = place->newest;
	place->newest = picture;
	place->fresh = true;
	place->came_ns = now_ns();
	if (!place->spare) {
		place->spare = missed;
		missed = NULL;
	}
	wall_mark(wall, sink->number);
	pthread_mutex_unlock(&wall->lock);
	qv_picture_free(missed);
	return 0;
}

static int place_status(struct qv_videosink *sink, enum qv_secured secured, const char *text, struct qv_error *err)
{
	struct place *place = &sink->wall->places[sink->number];
	(void)err;
	pthread_mutex_lock(&sink->wall->lock);
	place->secured = secured;
	snprintf(place->text, sizeof place->text, "%s", text);
	wall_mark(sink->wall, sink->number);
	pthread_mutex_unlock(&sink->wall->lock);
	return 0;
}

static int poll_place(struct qv_videosink *sink, struct qv_error *err)
{
	return check(sink->wall, err);
}

static int overlay_place(struct qv_videosink *sink, enum qv_overlay overlay, const char *text, struct qv_error *err)
{
	struct place *place = &sink->wall->places[sink->number];
	(void)err;
	pthread_mutex_lock(&sink->wall->lock);
	snprintf(place->overlay[overlay], sizeof place->overlay[overlay], "%s", text ? text : "");
	wall_mark(sink->wall, sink->number);
	pthread_mutex_unlock(&sink->wall->lock);
	return 0;
}

/* A key in the window is told to one call only; which one does not matter, as keys steer all of them. */
static int place_key(struct qv_videosink *sink)
{
	struct wall *wall = sink->wall;
	pthread_mutex_lock(&wall->lock);
	int key = wall->keys[0];
	memmove(wall->keys, wall->keys + 1, sizeof wall->keys - sizeof wall->keys[0]);
	wall->keys[KEYS - 1] = 0;
	pthread_mutex_unlock(&wall->lock);
	return key;
}

static int place_fullscreen(struct qv_videosink *sink, bool on, struct qv_error *err)
{
	(void)err;
	pthread_mutex_lock(&sink->wall->lock);
	sink->wall->fullscreen = on;
	pthread_mutex_unlock(&sink->wall->lock);
	return 0;
}

static int place_self_view(struct qv_videosink *sink, const struct qv_frame *frame, struct qv_error *err)
{
	struct wall *wall = sink->wall;
	pthread_mutex_lock(&wall->lock);
	bool first = wall_first_held(wall, sink->number);
	pthread_mutex_unlock(&wall->lock);
	if (!first)
		return 0;
	struct qv_picture *picture = frame ? qv_picture_new(&frame->format, err) : NULL;
	if (frame && (!picture || qv_picture_copy(picture, frame, err) != 0)) {
		qv_picture_free(picture);
		return -1;
	}
	pthread_mutex_lock(&wall->lock);
	struct qv_picture *old = wall->mirror;
	wall->mirror = picture;
	wall->mirror_set = true;
	pthread_mutex_unlock(&wall->lock);
	qv_picture_free(old);
	return 0;
}

static void place_levels(struct qv_videosink *sink, double sent, double received)
{
	struct wall *wall = sink->wall;
	pthread_mutex_lock(&wall->lock);
	wall->places[sink->number].sent_db = sent;
	wall->places[sink->number].heard_db = received;
	wall->levels_set = true;
	pthread_mutex_unlock(&wall->lock);
}

const struct qv_videosink_class wall_place_class = {
	.head = { .kind = "videosink", .name = "tile" },
	.open = open_place,
	.close = close_place,
	.show = show_place,
	.status = place_status,
	.poll = poll_place,
	.overlay = overlay_place,
	.key = place_key,
	.fullscreen = place_fullscreen,
	.self_view = place_self_view,
	.levels = place_levels,
};
