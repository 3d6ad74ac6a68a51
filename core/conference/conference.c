/* SPDX-License-Identifier: Apache-2.0 */
#include "conference.h"

#include <stdlib.h>

#include <qvisio/call_control.h>

#include "../audio/far_end.h"

#define USUAL_WIDTH  1280
#define USUAL_HEIGHT 720
#define USUAL_FPS    30
#define USUAL_RATE   48000

static void give_roles(struct qv_conference *conference, struct qv_seat *seat)
{
	if (conference->camera)
		seat->roles.video_source = (struct qv_role){ &camera_share_class.head, NULL, conference->camera };
	if (conference->microphone)
		seat->roles.audio_source =
			(struct qv_role){ &microphone_share_class.head, NULL, conference->microphone };
	if (conference->wall)
		seat->roles.video_sink =
			(struct qv_role){ &wall_place_class.head, NULL, wall_place(conference->wall, seat->number) };
	if (conference->speaker)
		seat->roles.audio_sink = (struct qv_role){ &speaker_input_class.head, NULL,
							   speaker_input(conference->speaker, seat->number) };
}

static int open_devices(struct qv_conference *conference, const struct qv_conference_plan *given, struct qv_error *err)
{
	struct qv_conference_plan plan = *given;
	plan.width = plan.width ? plan.width : USUAL_WIDTH;
	plan.height = plan.height ? plan.height : USUAL_HEIGHT;
	plan.fps = plan.fps ? plan.fps : USUAL_FPS;
	if (!plan.mix.rate)
		plan.mix = (struct qv_audio_format){ USUAL_RATE, 1 };
	if (role_present(plan.video_source) &&
	    !(conference->camera = camera_new(&conference->media, plan.video_source, err)))
		return -1;
	const struct qv_role *filter = role_present(plan.audio_filter) ? plan.audio_filter : NULL;
	if (filter && plan.audio_sink_count > 0 && !(conference->media.far_end = far_end_new(err)))
		return -1;
	if (role_present(plan.audio_source) &&
	    !(conference->microphone = microphone_new(&conference->media, plan.audio_source, filter, err)))
		return -1;
	if (plan.audio_sink_count > 0 &&
	    !(conference->speaker = speaker_open(&conference->media, &plan, &plan.mix, err)))
		return -1;
	if (plan.video_sink_count > 0 &&
	    !(conference->wall = wall_open(&conference->media, &plan, conference->speaker, err)))
		return -1;
	return 0;
}

struct qv_conference *qv_conference_open(const struct qv_conference_plan *plan, const struct qv_host *host,
					 struct qv_error *err)
{
	struct qv_conference *conference = calloc(1, sizeof *conference);
	if (!conference) {
		qv_fail(err, QV_E_NOMEM, "no memory for a conference");
		return NULL;
	}
	pthread_mutex_init(&conference->lock, NULL);
	conference->media = (struct media){ .host = host, .stop = { -1, -1 } };
	conference->media.keep_devices = true;
	conference->media.ledger = ledger_new(err);
	conference->media.control = qv_call_control_new(err);
	if (!conference->media.ledger || !conference->media.control ||
	    stop_init(&conference->media.stop, host->cancel_fd, err) != 0 || open_devices(conference, plan, err) != 0) {
		qv_conference_close(conference);
		return NULL;
	}
	for (size_t i = 0; i < QV_CONFERENCE_SEATS; i++) {
		conference->seats[i] = (struct qv_seat){ .conference = conference, .number = i };
		give_roles(conference, &conference->seats[i]);
	}
	return conference;
}

void qv_conference_close(struct qv_conference *conference)
{
	if (!conference)
		return;
	if (conference->media.stop.event_fd >= 0)
		stop_raise(&conference->media.stop);
	camera_free(conference->camera);
	microphone_free(conference->microphone);
	wall_close(conference->wall);
	speaker_close(conference->speaker);
	far_end_free(conference->media.far_end);
	ledger_free(conference->media.ledger);
	qv_call_control_free(conference->media.control);
	stop_clear(&conference->media.stop);
	pthread_mutex_destroy(&conference->lock);
	free(conference);
}

void qv_conference_source(struct qv_conference *conference, enum qv_stream_kind kind, const struct qv_role *role)
{
	if (kind == QV_STREAM_VIDEO && conference->camera)
		camera_use(conference->camera, role);
	if (kind == QV_STREAM_AUDIO && conference->microphone)
		microphone_use(conference->microphone, role);
}

void qv_conference_audio_sink(struct qv_conference *conference, const struct qv_role *role)
{
	qv_call_control_audio_sink(conference->media.control, role);
}

bool qv_conference_snapshot(struct qv_conference *conference, struct qv_role *role)
{
	if (conference->wall)
		return qv_call_control_snapshot(conference->media.control, role);
	qv_role_free(role);
	*role = (struct qv_role){ .class = NULL };
	return false;
}

struct qv_seat *qv_conference_seat(struct qv_conference *conference, const char *name, struct qv_error *err)
{
	struct qv_seat *seat = NULL;
	pthread_mutex_lock(&conference->lock);
	for (size_t i = 0; i < QV_CONFERENCE_SEATS && !seat; i++)
		if (!conference->seats[i].taken)
			seat = &conference->seats[i];
	if (seat) {
		seat->taken = true;
		if (conference->wall)
			wall_add(conference->wall, seat->number, name);
	}
	pthread_mutex_unlock(&conference->lock);
	if (!seat)
		qv_fail(err, QV_E_BUSY, "a conference has room for %d others", QV_CONFERENCE_SEATS);
	return seat;
}

void qv_seat_leave(struct qv_seat *seat)
{
	if (!seat)
		return;
	struct qv_conference *conference = seat->conference;
	pthread_mutex_lock(&conference->lock);
	seat->taken = false;
	if (conference->wall)
		wall_remove(conference->wall, seat->number);
	pthread_mutex_unlock(&conference->lock);
}

const struct qv_seat_roles *qv_seat_roles(const struct qv_seat *seat)
{
	return &seat->roles;
}

void qv_seat_note(struct qv_seat *seat, const char *text)
{
	if (seat->conference->wall)
		wall_note(seat->conference->wall, seat->number, text);
}

double qv_seat_level(const struct qv_seat *seat)
{
	const struct qv_conference *conference = seat->conference;
	return conference->speaker ? speaker_level(conference->speaker, seat->number) : 0;
}
