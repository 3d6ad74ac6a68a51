/* SPDX-License-Identifier: Apache-2.0 */
#include "wall_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../call/condition.h"

#define POLL_MS 50
/* Without a new picture for so long, the old one is not shown as if it were live. */
#define STALE_MS 4000
/* From this level on a tile is marked as that of somebody who speaks. */
#define SPEAKING 0.05
/* What the lowest step of a meter is at, and how far apart they are. */
#define METER_LOW_DB  -50.0
#define METER_STEP_DB 5.0

#define LEAST_WIDTH  160
#define LEAST_HEIGHT 120

/* With the lock held: which tile of how many this place is. */
static size_t order(const struct wall *wall, size_t number, size_t *count)
{
	size_t before = 0;
	*count = 0;
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++) {
		before += i < number && wall->places[i].used;
		*count += wall->places[i].used;
	}
	return before;
}

/* With the lock held: what the tile is to show; its picture becomes the wall's. */
static void look(struct place *place, int64_t now, struct tile *tile)
{
	if (place->fresh) {
		place->blank = false;
		struct qv_picture *old = place->painted;
		place->painted = place->newest;
		place->newest = NULL;
		if (!place->spare)
			place->spare = old;
		else
			qv_picture_free(old);
	}
	place->fresh = place->changed = false;
	place->stale = place->painted && now - place->came_ns > STALE_MS * QV_NS_PER_MS;
	memcpy(tile->name, place->name, sizeof tile->name);
	memcpy(tile->note, place->note, sizeof tile->note);
	memcpy(tile->text, place->text, sizeof tile->text);
	for (int i = 0; i < QV_OVERLAY_COUNT; i++)
		memcpy(tile->overlay[i], place->overlay[i], sizeof tile->overlay[i]);
	tile->secured = place->secured;
	tile->speaks = place->speaks;
	tile->level = place->level;
	tile->frame = NULL;
	if (place->stale && !tile->note[0])
		snprintf(tile->note, sizeof tile->note, "nothing comes any more");
}

/* Paints one tile, if there is something new about it. */
static bool paint(struct wall *wall, size_t number, bool all)
{
	struct place *place = &wall->places[number];
	struct tile tile;
	struct qv_frame frame;
	size_t count;
	pthread_mutex_lock(&wall->lock);
	int64_t now = now_ns();
	bool gone_stale = place->painted && !place->stale && now - place->came_ns > STALE_MS * QV_NS_PER_MS;
	bool due = place->used && (all || place->changed || place->fresh || gone_stale);
	if (due)
		look(place, now, &tile);
	const struct qv_picture *picture = place->painted; /* only this thread changes it */
	size_t index = order(wall, number, &count);
	bool shown = place->held && !place->blank && picture && !place->stale;
	pthread_mutex_unlock(&wall->lock);
	if (!due)
		return false;
	if (shown) {
		frame = qv_picture_frame(picture);
		tile.frame = &frame;
	}
	struct qv_frame canvas = qv_picture_frame(wall->canvas);
	struct box cell = grid_cell(count, index, canvas.format.width, canvas.format.height);
	tile_paint(wall->canvas, &cell, &tile);
	return true;
}

static bool compose(struct wall *wall)
{
	pthread_mutex_lock(&wall->lock);
	bool all = wall->layout;
	wall->layout = false;
	pthread_mutex_unlock(&wall->lock);
	bool painted = all;
	if (all)
		tile_clear(wall->canvas);
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++)
		painted = paint(wall, i, all) || painted;
	return painted;
}

/* The whole is secured as the least of its calls. */
static void show_status(struct wall *wall)
{
	enum qv_secured least = QV_SECURED_QKD;
	size_t total = 0, keyed = 0;
	char text[160];
	pthread_mutex_lock(&wall->lock);
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++) {
		const struct place *place = &wall->places[i];
		if (!place->held)
			continue;
		total++;
		keyed += place->secured == QV_SECURED_QKD;
		if (place->secured < least)
			least = place->secured;
	}
	pthread_mutex_unlock(&wall->lock);
	if (total == 0)
		snprintf(text, sizeof text, "conference: nobody is here yet");
	else if (keyed == total)
		snprintf(text, sizeof text, "QKD: conference of %zu, each pair with QKD keys of its own", total + 1);
	else
		snprintf(text, sizeof text, "NOT ALL BY QKD: %zu of %zu calls of this conference are not",
			 total - keyed, total);
	video_sinks_status(wall->sinks, total ? least : QV_SECURED_NONE, text);
}

static int show(struct wall *wall, uint64_t *sequence, struct qv_error *err)
{
	struct qv_frame frame = qv_picture_frame(wall->canvas);
	frame.sequence = (*sequence)++;
	frame.capture_ns = now_ns();
	return video_sinks_show(wall->sinks, &frame, err);
}

/* Until something has changed, but not before the next picture is due, and not longer than the window can wait. */
static void await_change(struct wall *wall, int64_t due)
{
	int64_t until = now_ns() + POLL_MS * QV_NS_PER_MS;
	pthread_mutex_lock(&wall->lock);
	for (;;) {
		bool changed = wall->layout;
		for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++)
			changed = changed || wall->places[i].changed || wall->places[i].fresh;
		int64_t deadline = changed && due < until ? due : until;
		if (wall->stopped || now_ns() >= deadline ||
		    condition_wait_until(&wall->changed, &wall->lock, deadline) != 0)
			break;
	}
	pthread_mutex_unlock(&wall->lock);
}

static int meter_of(double level)
{
	double steps = level > 0 ? (20 * log10(level) - METER_LOW_DB) / METER_STEP_DB : 0;
	return steps <= 0 ? 0 : steps >= TILE_LEVELS ? TILE_LEVELS : (int)steps;
}

static void mark_speakers(struct wall *wall)
{
	for (size_t i = 0; wall->speaker && i < QV_CONFERENCE_SEATS; i++) {
		double level = speaker_level(wall->speaker, i);
		bool speaks = level >= SPEAKING;
		int meter = meter_of(level);
		pthread_mutex_lock(&wall->lock);
		if (wall->places[i].speaks != speaks || wall->places[i].level != meter)
			wall_mark(wall, i);
		wall->places[i].speaks = speaks;
		wall->places[i].level = meter;
		pthread_mutex_unlock(&wall->lock);
	}
}

static int serve(struct wall *wall, struct qv_error *err)
{
	int64_t interval = QV_NS_PER_SECOND / wall->plan.fps, due = now_ns(), status = 0;
	uint64_t sequence = 0;
	while (!stop_raised(&wall->media->stop)) {
		await_change(wall, due);
		mark_speakers(wall);
		if (now_ns() >= status) {
			show_status(wall);
			status = now_ns() + QV_NS_PER_SECOND;
		}
		if (now_ns() >= due && compose(wall)) {
			if (show(wall, &sequence, err) != 0)
				return -1;
			due += interval;
			if (due < now_ns())
				due = now_ns();
		}
		if (video_sinks_poll(wall->sinks, err) != 0)
			return -1;
		wall_pass_on(wall);
	}
	return 0;
}

/* Open, or at an end (`ended`: why; QV_OK: it was stopped): whoever waits for either is told. */
static void tell_state(struct wall *wall, const struct qv_error *ended)
{
	pthread_mutex_lock(&wall->lock);
	wall->started = true;
	if (ended)
		wall->failure = *ended;
	if (ended && ended->code == QV_OK)
		qv_fail(&wall->failure, QV_E_CANCELLED, "the conference was closed");
	pthread_cond_broadcast(&wall->changed);
	pthread_mutex_unlock(&wall->lock);
}

/* False: it was closed before any call came. */
static bool await_call(struct wall *wall)
{
	pthread_mutex_lock(&wall->lock);
	while (!wall->stopped && wall_first_held(wall, QV_CONFERENCE_SEATS))
		pthread_cond_wait(&wall->changed, &wall->lock);
	bool stopped = wall->stopped;
	pthread_mutex_unlock(&wall->lock);
	return !stopped;
}

static void *run(void *argument)
{
	struct wall *wall = argument;
	struct qv_error err = QV_ERROR_INIT;
	if (wall->plan.late)
		tell_state(wall, NULL);
	if (!wall->plan.late || await_call(wall))
		wall->sinks = video_sinks_open(wall->media, &wall->sinks_plan, &err);
	if (!wall->sinks && !wall->plan.late) {
		tell_state(wall, &err);
		return NULL;
	}
	tell_state(wall, NULL);
	if (wall->sinks)
		serve(wall, &err);
	tell_state(wall, &err);
	if (err.code != QV_OK && err.code != QV_E_CANCELLED && wall->plan.observer && wall->plan.observer->closed)
		wall->plan.observer->closed(wall->plan.observer, &err);
	video_sinks_close(wall->sinks);
	return NULL;
}

static void free_wall(struct wall *wall)
{
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++) {
		qv_picture_free(wall->places[i].newest);
		qv_picture_free(wall->places[i].spare);
		qv_picture_free(wall->places[i].painted);
	}
	qv_picture_free(wall->canvas);
	qv_picture_free(wall->mirror);
	pthread_cond_destroy(&wall->changed);
	pthread_mutex_destroy(&wall->lock);
	free(wall);
}

static int start(struct wall *wall, struct qv_error *err)
{
	struct qv_video_format format = { QV_PIXEL_I420,          QV_RANGE_FULL,  wall->plan.width & ~1,
					  wall->plan.height & ~1, wall->plan.fps, 1 };
	if (format.width < LEAST_WIDTH || format.height < LEAST_HEIGHT)
		return qv_fail(err, QV_E_INVALID, "tiles need %dx%d pixels together, not %dx%d", LEAST_WIDTH,
			       LEAST_HEIGHT, format.width, format.height);
	wall->canvas = qv_picture_new(&format, err);
	if (!wall->canvas)
		return -1;
	tile_clear(wall->canvas);
	int failed = pthread_create(&wall->thread, NULL, run, wall);
	if (failed)
		return qv_fail_errno(err, QV_E_IO, failed, "starting the thread of the tiles");
	pthread_mutex_lock(&wall->lock);
	while (!wall->started)
		pthread_cond_wait(&wall->changed, &wall->lock);
	bool open = wall->failure.code == QV_OK || wall->failure.code == QV_E_END;
	if (!open)
		*err = wall->failure;
	pthread_mutex_unlock(&wall->lock);
	if (!open)
		pthread_join(wall->thread, NULL);
	return open ? 0 : -1;
}

struct wall *wall_open(struct media *media, const struct qv_conference_plan *plan, struct speaker *speaker,
		       struct qv_error *err)
{
	struct wall *wall = calloc(1, sizeof *wall);
	if (!wall) {
		qv_fail(err, QV_E_NOMEM, "no memory for tiles");
		return NULL;
	}
	wall->media = media;
	wall->speaker = speaker;
	wall->plan = *plan;
	wall->sinks_plan = (struct qv_receive_plan){ .video_sinks = plan->video_sinks,
						     .video_sink_count = plan->video_sink_count,
						     .title = plan->title };
	wall->layout = true;
	wall->fullscreen = -1;
	pthread_mutex_init(&wall->lock, NULL);
	condition_init(&wall->changed);
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++)
		wall->handles[i] = (struct wall_place){ wall, i };
	if (start(wall, err) == 0)
		return wall;
	free_wall(wall);
	return NULL;
}

void wall_close(struct wall *wall)
{
	if (!wall)
		return;
	pthread_mutex_lock(&wall->lock);
	wall->stopped = true;
	pthread_cond_broadcast(&wall->changed);
	pthread_mutex_unlock(&wall->lock);
	pthread_join(wall->thread, NULL);
	free_wall(wall);
}

struct wall_place *wall_place(struct wall *wall, size_t number)
{
	return &wall->handles[number];
}

void wall_add(struct wall *wall, size_t number, const char *name)
{
	struct place *place = &wall->places[number];
	pthread_mutex_lock(&wall->lock);
	snprintf(place->name, sizeof place->name, "%s", name);
	place->note[0] = place->text[0] = '\0';
	place->secured = QV_SECURED_NONE;
	place->speaks = false;
	place->used = wall->layout = true;
	wall_mark(wall, number);
	pthread_mutex_unlock(&wall->lock);
}

void wall_remove(struct wall *wall, size_t number)
{
	pthread_mutex_lock(&wall->lock);
	wall->places[number].used = false;
	wall->layout = true;
	wall_mark(wall, number);
	pthread_mutex_unlock(&wall->lock);
}

void wall_note(struct wall *wall, size_t number, const char *text)
{
	struct place *place = &wall->places[number];
	pthread_mutex_lock(&wall->lock);
	snprintf(place->note, sizeof place->note, "%s", text);
	wall_mark(wall, number);
	pthread_mutex_unlock(&wall->lock);
}
