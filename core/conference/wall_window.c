/* SPDX-License-Identifier: Apache-2.0 */
/* Between the window of a conference and its calls: our own picture, levels, keys, full screen, snapshots. */
#include <math.h>

#include "../call/control.h"
#include "wall_state.h"

static void show_mirror(struct wall *wall)
{
	pthread_mutex_lock(&wall->lock);
	bool set = wall->mirror_set;
	struct qv_picture *picture = wall->mirror;
	if (set)
		wall->mirror = NULL;
	wall->mirror_set = false;
	pthread_mutex_unlock(&wall->lock);
	if (!set)
		return;
	struct qv_frame frame = { 0 };
	if (picture)
		frame = qv_picture_frame(picture);
	video_sinks_self_view(wall->sinks, picture ? &frame : NULL);
	qv_picture_free(picture);
}

/* What is sent is the same in all calls; of what is heard the loudest counts. */
static void show_levels(struct wall *wall)
{
	double sent = NAN, heard = NAN;
	pthread_mutex_lock(&wall->lock);
	bool set = wall->levels_set;
	wall->levels_set = false;
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++) {
		const struct place *place = &wall->places[i];
		if (place->held) {
			sent = fmax(sent, place->sent_db);
			heard = fmax(heard, place->heard_db);
		}
	}
	pthread_mutex_unlock(&wall->lock);
	if (set)
		video_sinks_levels(wall->sinks, sent, heard);
}

/* Somebody wants to keep all tiles as they are. */
static void take_snapshot(struct wall *wall)
{
	struct qv_role role;
	struct qv_error why = QV_ERROR_INIT;
	struct module_host host;
	struct qv_conference_observer *observer = wall->plan.observer;
	if (!window_take_snapshot(&wall->media->control->window, &role))
		return;
	module_host_init(&host, wall->media, "snapshot");
	const struct qv_videosink_class *class = qv_videosink_class(role.class);
	struct qv_frame frame = qv_picture_frame(wall->canvas);
	frame.capture_ns = now_ns();
	struct qv_videosink *sink = class->open(&host.host, role.options, "snapshot", &why);
	if (sink)
		class->show(sink, &frame, &why);
	if (sink)
		class->close(sink);
	qv_role_free(&role);
	module_host_clear(&host);
	if (observer && observer->snapshot)
		observer->snapshot(observer, why.code == QV_OK ? NULL : &why);
}

/* What the window and the calls have for each other. */
void wall_pass_on(struct wall *wall)
{
	int key;
	pthread_mutex_lock(&wall->lock);
	int fullscreen = wall->fullscreen;
	wall->fullscreen = -1;
	pthread_mutex_unlock(&wall->lock);
	if (fullscreen >= 0)
		video_sinks_fullscreen(wall->sinks, fullscreen);
	show_mirror(wall);
	show_levels(wall);
	take_snapshot(wall);
	while ((key = video_sinks_key(wall->sinks)) != 0) {
		pthread_mutex_lock(&wall->lock);
		for (int i = 0; i < KEYS && key; i++)
			if (!wall->keys[i]) {
				wall->keys[i] = key;
				key = 0;
			}
		pthread_mutex_unlock(&wall->lock);
	}
}
