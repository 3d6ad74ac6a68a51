/* SPDX-License-Identifier: Apache-2.0 */
#include "audio_sinks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "audio_device.h"
#include "board.h"
#include "control.h"

#define REOPEN_NS (500 * QV_NS_PER_MS) /* between two looks for a sink that is gone */

struct slot {
	const struct qv_role *role;
	struct audio_device *device; /* NULL: gone, or given up */
	bool gone;                   /* it is looked for: */
	int64_t look_ns;
};

struct audio_sinks {
	const struct media *media;
	struct qv_audio_format format;
	bool paced;
	unsigned sink_set;      /* by the call's control, when it was last looked at */
	int64_t heard_until_ns; /* what was written, had there been a device that paces while there is none */
	bool closing;           /* a device plays out, on a thread of its own: */
	pthread_t closer;
	size_t count;
	struct slot slots[];
};

struct audio_sinks *audio_sinks_open(const struct media *media, const struct qv_receive_plan *plan,
				     const struct qv_audio_format *format, struct qv_error *err)
{
	struct audio_sinks *sinks = calloc(1, sizeof *sinks + plan->audio_sink_count * sizeof sinks->slots[0]);
	if (!sinks) {
		qv_fail(err, QV_E_NOMEM, "no memory for audio sinks");
		return NULL;
	}
	sinks->media = media;
	sinks->format = *format;
	sinks->paced = audio_sinks_paced(plan);
	for (size_t i = 0; i < plan->audio_sink_count; i++) {
		struct slot *slot = &sinks->slots[sinks->count++];
		slot->role = &plan->audio_sinks[i];
		slot->device = audio_device_open(media, slot->role, format, err);
		if (!slot->device) {
			audio_sinks_close(sinks);
			return NULL;
		}
	}
	return sinks;
}

bool audio_sinks_paced(const struct qv_receive_plan *plan)
{
	for (size_t i = 0; i < plan->audio_sink_count; i++)
		if (qv_audiosink_class(plan->audio_sinks[i].class)->paced)
			return true;
	return false;
}

static void *close_device(void *argument)
{
	audio_device_close(argument);
	return NULL;
}

static void await_closer(struct audio_sinks *sinks)
{
	if (sinks->closing)
		pthread_join(sinks->closer, NULL);
	sinks->closing = false;
}

/* What it still has to play must not hold up the others, nor the one in its place. */
static void close_aside(struct audio_sinks *sinks, struct audio_device *device)
{
	await_closer(sinks);
	sinks->closing = pthread_create(&sinks->closer, NULL, close_device, device) == 0;
	if (!sinks->closing)
		audio_device_close(device);
}

static void tell(const struct audio_sinks *sinks, enum qv_call_happening happening, const char *text)
{
	if (!sinks->media->connection)
		return; /* sinks of a conference: no call is theirs, and the log has it */
	board_post(sinks->media->board, happening, QV_STREAM_AUDIO, 0, text);
	connection_wake(sinks->media->connection);
}

static void tell_back(const struct audio_sinks *sinks, const struct audio_device *device)
{
	char text[BOARD_TEXT];
	snprintf(text, sizeof text, "audio sink \"%s\"", audio_device_class(device)->head.name);
	tell(sinks, QV_CALL_DEVICE_BACK, text);
}

static bool any_left(const struct audio_sinks *sinks)
{
	for (size_t i = 0; i < sinks->count; i++)
		if (sinks->slots[i].device || sinks->slots[i].gone)
			return true;
	return false;
}

/* What the failure of one sink means for all. */
static int judge(struct audio_sinks *sinks, struct slot *slot, struct qv_error *err)
{
	if (err->code == QV_E_CANCELLED)
		return -1;
	const struct qv_log *log = sinks->media->host->log;
	/* A file that is full must not be begun again. */
	bool device = audio_device_class(slot->device)->paced;
	close_aside(sinks, slot->device);
	slot->device = NULL;
	slot->gone = device && sinks->media->keep_devices && (err->code == QV_E_GONE || err->code == QV_E_IO);
	slot->look_ns = qv_clock_now(&qv_clock_monotonic) + REOPEN_NS;
	if (!any_left(sinks))
		return -1;
	if (slot->gone) {
		qv_log_warning(log, "%s; it is looked for", err->message);
		tell(sinks, QV_CALL_DEVICE_GONE, err->message);
	} else {
		qv_log_error(log, "%s; the other sinks go on", err->message);
	}
	*err = (struct qv_error)QV_ERROR_INIT;
	return 0;
}

static void look_for(struct audio_sinks *sinks, struct slot *slot)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	if (!slot->gone || now < slot->look_ns)
		return;
	slot->device = audio_device_open(sinks->media, slot->role, &sinks->format, NULL);
	slot->gone = slot->device == NULL;
	slot->look_ns = qv_clock_now(&qv_clock_monotonic) + REOPEN_NS;
	if (slot->device)
		tell_back(sinks, slot->device);
}

/*
 * The loudspeakers are left, as what comes in their place may be the same hardware; files go on. The place that is free
 * then; NULL: there was none.
 */
static struct slot *leave_devices(struct audio_sinks *sinks)
{
	struct slot *first = NULL;
	await_closer(sinks);
	for (size_t i = 0; i < sinks->count; i++) {
		struct slot *slot = &sinks->slots[i];
		if (!qv_audiosink_class(slot->role->class)->paced)
			continue;
		audio_device_close(slot->device);
		*slot = (struct slot){ .role = slot->role };
		first = first ? first : slot;
	}
	return first;
}

/* Somebody chose another sink: it is open before the one in whose place it comes is closed. */
static void look_for_choice(struct audio_sinks *sinks)
{
	struct qv_error why = QV_ERROR_INIT;
	struct qv_call_control *control = sinks->media->control;
	unsigned set = atomic_load(&control->switches.audio_sink_set);
	if (set == sinks->sink_set || sinks->count == 0)
		return;
	sinks->sink_set = set;
	bool seated;
	const struct qv_role *role = control_audio_sink(control, &seated);
	struct slot *slot = seated ? leave_devices(sinks) : &sinks->slots[0];
	if (!slot)
		return;
	struct audio_device *device = audio_device_open(sinks->media, role, &sinks->format, &why);
	if (!device) {
		tell(sinks, QV_CALL_DEVICE_GONE, why.message);
		return;
	}
	if (slot->device)
		close_aside(sinks, slot->device);
	*slot = (struct slot){ .role = role, .device = device };
	tell_back(sinks, device);
}

static bool has_pace(const struct audio_sinks *sinks)
{
	for (size_t i = 0; i < sinks->count; i++)
		if (sinks->slots[i].device && audio_device_class(sinks->slots[i].device)->paced)
			return true;
	return false;
}

/* Without a device sound passes as fast as with one. */
static void pass_time(struct audio_sinks *sinks, size_t frames)
{
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	if (sinks->heard_until_ns < now)
		sinks->heard_until_ns = now;
	sinks->heard_until_ns += (int64_t)frames * QV_NS_PER_SECOND / sinks->format.rate;
}

int audio_sinks_write(struct audio_sinks *sinks, const struct qv_audio_block *block, struct qv_error *err)
{
	look_for_choice(sinks);
	for (size_t i = 0; i < sinks->count; i++) {
		struct slot *slot = &sinks->slots[i];
		look_for(sinks, slot);
		if (slot->device && audio_device_write(slot->device, block, err) != 0 && judge(sinks, slot, err) != 0)
			return -1;
	}
	if (sinks->paced && !has_pace(sinks))
		pass_time(sinks, block->frames);
	return 0;
}

int64_t audio_sinks_delay(struct audio_sinks *sinks)
{
	int64_t longest = 0;
	for (size_t i = 0; i < sinks->count; i++) {
		int64_t delay = sinks->slots[i].device ? audio_device_delay(sinks->slots[i].device) : 0;
		longest = delay > longest ? delay : longest;
	}
	if (!sinks->paced || has_pace(sinks))
		return longest;
	int64_t left = sinks->heard_until_ns - qv_clock_now(&qv_clock_monotonic);
	return left > 0 ? left : 0;
}

int64_t audio_sinks_least_delay(struct audio_sinks *sinks)
{
	int64_t longest = 0;
	for (size_t i = 0; i < sinks->count; i++) {
		int64_t least = sinks->slots[i].device ? audio_device_least_delay(sinks->slots[i].device) : 0;
		longest = least > longest ? least : longest;
	}
	return longest;
}

void audio_sinks_close(struct audio_sinks *sinks)
{
	if (!sinks)
		return;
	await_closer(sinks);
	for (size_t i = 0; i < sinks->count; i++)
		audio_device_close(sinks->slots[i].device);
	free(sinks);
}
