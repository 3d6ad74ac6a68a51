/* SPDX-License-Identifier: Apache-2.0 */
#include "meeting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qvisio/audiocodec.h>
#include <qvisio/audiosink.h>
#include <qvisio/videosink.h>

#include "happenings.h"
#include "taping.h"

static void on_closed(struct qv_conference_observer *observer, const struct qv_error *why)
{
	struct meeting *meeting = (struct meeting *)(void *)observer;
	pthread_mutex_lock(&meeting->visio->lock);
	if (why->code != QV_E_END)
		qv_log_error(meeting->visio->settings.log, "%s", why->message);
	meeting_end(meeting);
	pthread_mutex_unlock(&meeting->visio->lock);
}

static void on_snapshot(struct qv_conference_observer *observer, const struct qv_error *why)
{
	struct meeting *meeting = (struct meeting *)(void *)observer;
	happening_tell_snapshot(meeting->visio, why ? why->message : NULL);
}

/* What is mixed has the format that we send ourselves, which the devices are known to take. */
static struct qv_audio_format mix_format(const struct settings *settings)
{
	struct qv_audio_format format = { 0 };
	size_t block;
	if (settings->audio.codec_count > 0) {
		const struct qv_role *codec = &settings->audio.codecs[0];
		if (qv_audiocodec_class(codec->class)->plan(codec->options, &format, &block, NULL) != 0)
			format.rate = 0;
	}
	return format;
}

static struct qv_conference_plan plan_of(struct meeting *meeting, const struct qv_role *const source[3],
					 const struct qv_role *sink)
{
	struct settings *settings = &meeting->visio->settings;
	return (struct qv_conference_plan){
		.video_source = source[QV_STREAM_VIDEO] ? source[QV_STREAM_VIDEO] : &settings->video.source,
		.audio_source = source[QV_STREAM_AUDIO] ? source[QV_STREAM_AUDIO] : &settings->audio.source,
		.audio_filter = &settings->audio.filter,
		.video_sinks = settings->video.sinks,
		.video_sink_count = settings->video.sink_count,
		.audio_sinks = sink ? sink : settings->audio.sinks, /* one is chosen only in place of the only one */
		.audio_sink_count = settings->audio.sink_count,
		.width = (int)qv_options_int(settings->conference, "width"),
		.height = (int)qv_options_int(settings->conference, "height"),
		.fps = (int)qv_options_int(settings->conference, "fps"),
		.mix = mix_format(settings),
		.title = "Qvisio: conference",
		.observer = &meeting->observer,
	};
}

static struct meeting *make(struct visio *visio, const uint8_t id[QV_CONFERENCE_ID], struct qv_error *err)
{
	struct meeting *meeting = calloc(1, sizeof *meeting);
	if (!meeting) {
		qv_fail(err, QV_E_NOMEM, "no memory for a conference");
		return NULL;
	}
	meeting->observer.closed = on_closed;
	meeting->observer.snapshot = on_snapshot;
	meeting->visio = visio;
	memcpy(meeting->id, id, sizeof meeting->id);
	return meeting;
}

/* With the lock held; gives it up while devices are opened. */
static struct meeting *begin(struct visio *visio, const uint8_t id[QV_CONFERENCE_ID], struct qv_error *err)
{
	struct meeting *meeting = make(visio, id, err);
	if (!meeting)
		return NULL;
	meeting->opening = true;
	visio->meeting = meeting;
	const struct qv_role *source[3], *sink = visio->sink;
	memcpy(source, visio->source, sizeof source);
	pthread_mutex_unlock(&visio->lock);
	const struct qv_conference_plan plan = plan_of(meeting, source, sink);
	meeting->devices = qv_conference_open(&plan, &visio->settings.host, err);
	pthread_mutex_lock(&visio->lock);
	meeting->opening = false;
	pthread_cond_broadcast(&visio->changed);
	if (meeting->devices)
		return meeting;
	visio->meeting = NULL;
	free(meeting);
	return NULL;
}

/* A sink of pictures that looks for what somebody does in it. */
static bool is_window(const struct qv_role *role)
{
	return qv_videosink_class(role->class)->poll;
}

static bool is_loudspeaker(const struct qv_role *role)
{
	return qv_audiosink_class(role->class)->paced;
}

static void keep(struct qv_role *kept, const struct qv_role **roles, size_t *count,
		 bool (*which)(const struct qv_role *role))
{
	size_t used = 0;
	for (size_t i = 0; i < *count; i++)
		if (which(&(*roles)[i]))
			kept[used++] = (*roles)[i];
	*roles = kept;
	*count = used;
}

struct meeting *meeting_grow(struct visio *visio, const uint8_t id[QV_CONFERENCE_ID], struct qv_error *err)
{
	if (visio->meeting) {
		qv_fail(err, QV_E_BUSY, "there is a conference already");
		return NULL;
	}
	struct meeting *meeting = make(visio, id, err);
	if (!meeting)
		return NULL;
	struct qv_conference_plan plan = plan_of(meeting, visio->source, visio->sink);
	keep(meeting->windows, &plan.video_sinks, &plan.video_sink_count, is_window);
	keep(meeting->loudspeakers, &plan.audio_sinks, &plan.audio_sink_count, is_loudspeaker);
	plan.late = true;
	meeting->devices = qv_conference_open(&plan, &visio->settings.host, err);
	if (!meeting->devices) {
		free(meeting);
		return NULL;
	}
	meeting->users = 1;
	visio->meeting = meeting;
	return meeting;
}

void meeting_drop(struct meeting *meeting)
{
	meeting->visio->meeting = NULL;
	qv_conference_close(meeting->devices);
	free(meeting);
}

struct meeting *meeting_join(struct visio *visio, const uint8_t id[QV_CONFERENCE_ID], struct qv_error *err)
{
	struct meeting *meeting = NULL;
	pthread_mutex_lock(&visio->lock);
	while (visio->meeting && visio->meeting->opening)
		pthread_cond_wait(&visio->changed, &visio->lock);
	bool same = visio->meeting && !visio->meeting->ending && memcmp(visio->meeting->id, id, QV_CONFERENCE_ID) == 0;
	if (same)
		meeting = visio->meeting;
	else if (visio->meeting || visio->call_count > 0)
		qv_fail(err, QV_E_BUSY, "told that this end is busy");
	else
		meeting = begin(visio, id, err);
	if (meeting)
		meeting->users++;
	pthread_mutex_unlock(&visio->lock);
	return meeting;
}

void meeting_part(struct meeting *meeting)
{
	struct visio *visio = meeting->visio;
	pthread_mutex_lock(&visio->lock);
	bool last = --meeting->users == 0;
	for (size_t i = 0; last && i < CALLS_MAX; i++)
		meeting_dismiss(&meeting->participants[i]);
	/* Nobody finds it any more; but another one begins only when the devices are free again. */
	meeting->opening = last;
	pthread_mutex_unlock(&visio->lock);
	if (!last)
		return;
	qv_conference_close(meeting->devices);
	pthread_mutex_lock(&visio->lock);
	visio->meeting = NULL;
	memset(visio->muted, 0, sizeof visio->muted);
	visio->inviting = false;
	pthread_cond_broadcast(&visio->changed);
	pthread_mutex_unlock(&visio->lock);
	taping_end(visio);
	free(meeting);
}

void meeting_end(struct meeting *meeting)
{
	meeting->ending = true;
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (meeting->participants[i].talk)
			qv_call_control_hang_up(meeting->participants[i].talk->control);
	pthread_cond_broadcast(&meeting->visio->changed);
}

void meeting_source(struct meeting *meeting, enum qv_stream_kind kind, const struct qv_role *role)
{
	if (!meeting->opening)
		qv_conference_source(meeting->devices, kind, role);
}

void meeting_sink(struct meeting *meeting, const struct qv_role *role)
{
	if (!meeting->opening)
		qv_conference_audio_sink(meeting->devices, role);
}

bool meeting_snapshot(struct meeting *meeting, struct qv_role *role)
{
	if (!meeting->opening)
		return qv_conference_snapshot(meeting->devices, role);
	qv_role_free(role);
	return false;
}

bool meeting_give_up(struct meeting *meeting, const char *name)
{
	bool found = false;
	for (size_t i = 0; i < CALLS_MAX; i++) {
		struct participant *participant = &meeting->participants[i];
		if (!participant->meeting || strcmp(participant->name, name) != 0)
			continue;
		participant->unwanted = found = true;
		if (meeting_idle(participant))
			meeting_dismiss(participant);
	}
	pthread_cond_broadcast(&meeting->visio->changed);
	return found;
}

struct participant *meeting_find(struct meeting *meeting, const char *sae, const char *name)
{
	for (size_t i = 0; i < CALLS_MAX; i++) {
		struct participant *participant = &meeting->participants[i];
		if (!participant->meeting)
			continue;
		if (sae[0] ? strcmp(participant->sae, sae) == 0
			   : !participant->sae[0] && strcmp(participant->name, name) == 0)
			return participant;
	}
	return NULL;
}

bool meeting_idle(const struct participant *participant)
{
	return !participant->talk && !participant->dialing && participant->serving == 0;
}

struct participant *meeting_admit(struct meeting *meeting, const char *sae, const char *name,
				  const struct qv_options *contact, struct qv_error *err)
{
	struct participant *place = NULL;
	for (size_t i = 0; i < CALLS_MAX && !place; i++)
		if (!meeting->participants[i].meeting)
			place = &meeting->participants[i];
	for (size_t i = 0; i < CALLS_MAX && !place; i++)
		if (meeting_idle(&meeting->participants[i])) {
			place = &meeting->participants[i];
			meeting_dismiss(place);
		}
	struct qv_seat *seat = place ? qv_conference_seat(meeting->devices, name, err) : NULL;
	if (!place)
		qv_fail(err, QV_E_BUSY, "the conference is full: %d others are in it", CALLS_MAX);
	if (!seat)
		return NULL;
	*place = (struct participant){ .meeting = meeting, .contact = contact, .seat = seat };
	snprintf(place->sae, sizeof place->sae, "%s", sae);
	snprintf(place->name, sizeof place->name, "%s", name);
	return place;
}

void meeting_dismiss(struct participant *participant)
{
	if (participant->meeting)
		qv_seat_leave(participant->seat);
	*participant = (struct participant){ .meeting = NULL };
}

void meeting_note(struct participant *participant, const char *text)
{
	snprintf(participant->note, sizeof participant->note, "%s", text);
	qv_seat_note(participant->seat, text);
}

void meeting_changed(struct meeting *meeting)
{
	for (size_t i = 0; i < CALLS_MAX; i++) {
		const struct participant *told = &meeting->participants[i];
		struct qv_roster roster = { .named = true };
		memcpy(roster.conference, meeting->id, sizeof roster.conference);
		for (size_t k = 0; told->open && k < CALLS_MAX; k++) {
			const struct participant *other = &meeting->participants[k];
			if (k != i && other->open && other->joined && other->sae[0])
				memcpy(roster.sae[roster.count++], other->sae, sizeof other->sae);
		}
		if (told->open)
			qv_call_control_roster(told->talk->control, &roster);
	}
	pthread_cond_broadcast(&meeting->visio->changed);
}
