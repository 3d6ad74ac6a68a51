/* SPDX-License-Identifier: Apache-2.0 */
/* Commands for what is sent, shown and kept. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "keys.h"
#include "meeting.h"
#include "taping.h"

#define FILE_MAX     600
#define NUMBERED_MAX 9 /* contacts that a key invites */

/* "audio" or "video", and what follows. 0: neither. */
static enum qv_stream_kind kind_of(const char *rest, const char **after)
{
	size_t length = strcspn(rest, " ");
	*after = rest + length + strspn(rest + length, " ");
	if (length == 5 && strncmp(rest, "video", 5) == 0)
		return QV_STREAM_VIDEO;
	return length == 5 && strncmp(rest, "audio", 5) == 0 ? QV_STREAM_AUDIO : (enum qv_stream_kind)0;
}

static json_t *mute(struct visio *visio, const char *rest, int muted)
{
	const char *after;
	enum qv_stream_kind kind = kind_of(rest, &after);
	if (!kind || *after)
		return command_failed("\"%s\" is neither audio nor video", rest);
	visio->muted[kind] = muted < 0 ? !visio->muted[kind] : muted;
	for (size_t i = 0; i < visio->call_count; i++)
		qv_call_control_mute(visio->calls[i]->control, kind, visio->muted[kind]);
	return json_pack("{s:b,s:b}", "ok", 1, "muted", visio->muted[kind]);
}

json_t *command_mute(struct visio *visio, const char *rest)
{
	return mute(visio, rest, true);
}

json_t *command_unmute(struct visio *visio, const char *rest)
{
	return mute(visio, rest, false);
}

json_t *command_toggle(struct visio *visio, const char *rest)
{
	return mute(visio, rest, -1);
}

json_t *command_source(struct visio *visio, const char *rest)
{
	const char *name;
	char known[300];
	enum qv_stream_kind kind = kind_of(rest, &name);
	if (!kind || !*name)
		return command_failed("source: say source audio|video NAME");
	const struct devices *devices = kind == QV_STREAM_VIDEO ? &visio->settings.video : &visio->settings.audio;
	const struct qv_role *role = named_roles_find(&devices->sources, name, known, sizeof known);
	if (!role)
		return command_failed("source: no %s source is called \"%s\" (known: %s)",
				      kind == QV_STREAM_VIDEO ? "video" : "audio", name, known);
	visio->source[kind] = role;
	if (visio->meeting)
		meeting_source(visio->meeting, kind, role);
	for (size_t i = 0; !visio->meeting && i < visio->call_count; i++)
		qv_call_control_source(visio->calls[i]->control, kind, role);
	return command_ok();
}

json_t *command_sink(struct visio *visio, const char *rest)
{
	const char *name;
	char known[300];
	const struct devices *audio = &visio->settings.audio;
	if (kind_of(rest, &name) != QV_STREAM_AUDIO || !*name)
		return command_failed("sink: say sink audio NAME; the sink of pictures is not changed during a call");
	const struct qv_role *role = named_roles_find(&audio->others, name, known, sizeof known);
	if (!role)
		return command_failed("sink: no audio sink is called \"%s\" (known: %s)", name, known);
	visio->sink = role;
	if (visio->meeting)
		meeting_sink(visio->meeting, role);
	for (size_t i = 0; !visio->meeting && i < visio->call_count; i++)
		qv_call_control_audio_sink(visio->calls[i]->control, role);
	return command_ok();
}

/* "on", "off", or the other of the two. -1: none of these. */
static int switched(const char *rest, bool now)
{
	if (!rest[0])
		return !now;
	return strcmp(rest, "on") == 0 ? 1 : strcmp(rest, "off") == 0 ? 0 : -1;
}

const char *commands_numbered(const struct visio *visio, int number)
{
	if (!visio->inviting || number < 1 || number > NUMBERED_MAX || (size_t)number > visio->settings.contact_count)
		return NULL;
	return qv_options_string(visio->settings.contacts[number - 1], "name");
}

static const char *invitation(const struct visio *visio, char *text, size_t room)
{
	const char *name;
	size_t used = (size_t)snprintf(text, room, "invite");
	for (int i = 1; (name = commands_numbered(visio, i)) && used < room; i++)
		used += (size_t)snprintf(text + used, room - used, "\n%d  %s", i, name);
	return text;
}

static void show_help(struct visio *visio, struct conversation *talk)
{
	char text[1000];
	const char *shown = visio->inviting ? invitation(visio, text, sizeof text)
			    : visio->help   ? keys_help(text, sizeof text)
					    : NULL;
	qv_call_control_overlay(talk->control, QV_OVERLAY_HELP, shown);
}

void commands_show_help(struct visio *visio)
{
	for (size_t i = 0; i < visio->call_count; i++)
		show_help(visio, visio->calls[i]);
}

static json_t *set_switch(struct visio *visio, const char *rest, bool *now,
			  void (*apply)(struct visio *visio, struct conversation *talk))
{
	int on = switched(rest, *now);
	if (on < 0)
		return command_failed("\"%s\" is neither on nor off", rest);
	*now = on;
	for (size_t i = 0; i < visio->call_count; i++)
		apply(visio, visio->calls[i]);
	return json_pack("{s:b,s:b}", "ok", 1, "on", on);
}

static void show_self(struct visio *visio, struct conversation *talk)
{
	qv_call_control_self_view(talk->control, visio->self_view);
}

static void fill_screen(struct visio *visio, struct conversation *talk)
{
	qv_call_control_fullscreen(talk->control, visio->fullscreen);
}

json_t *command_fullscreen(struct visio *visio, const char *rest)
{
	return set_switch(visio, rest, &visio->fullscreen, fill_screen);
}

json_t *command_selfview(struct visio *visio, const char *rest)
{
	return set_switch(visio, rest, &visio->self_view, show_self);
}

json_t *command_help(struct visio *visio, const char *rest)
{
	return set_switch(visio, rest, &visio->help, show_help);
}

void commands_begin(struct conversation *talk)
{
	struct visio *visio = talk->visio;
	const struct qv_role *usual[] = {
		[QV_STREAM_VIDEO] = &visio->settings.video.source, [QV_STREAM_AUDIO] = &visio->settings.audio.source
	};
	for (int kind = QV_STREAM_VIDEO; kind <= QV_STREAM_AUDIO; kind++) {
		qv_call_control_mute(talk->control, (enum qv_stream_kind)kind, visio->muted[kind]);
		/* In a conference the call has shares of the devices, whatever these are. */
		if (!talk->participant && visio->source[kind] && visio->source[kind] != usual[kind])
			qv_call_control_source(talk->control, (enum qv_stream_kind)kind, visio->source[kind]);
	}
	if (!talk->participant && visio->sink && visio->sink != visio->settings.audio.sinks)
		qv_call_control_audio_sink(talk->control, visio->sink);
	show_self(visio, talk);
	show_help(visio, talk);
	if (visio->fullscreen)
		fill_screen(visio, talk);
}

/* The file that is named, or a new name in the folder for such files. */
static const char *file_name(const struct visio *visio, const char *rest, const char *suffix, char path[FILE_MAX])
{
	const char *folder = qv_options_string(visio->settings.top, "recordings");
	time_t now = time(NULL);
	struct tm when;
	char stamp[32];
	if (rest[0])
		snprintf(path, FILE_MAX, "%s", rest);
	else {
		localtime_r(&now, &when);
		strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &when);
		snprintf(path, FILE_MAX, "%s/visio-%s.%s", folder ? folder : ".", stamp, suffix);
	}
	return path;
}

json_t *command_snapshot(struct visio *visio, const char *rest)
{
	char path[FILE_MAX], assignment[FILE_MAX + 16];
	const char *assignments[] = { assignment, NULL };
	struct qv_error err = QV_ERROR_INIT;
	file_name(visio, rest, "png", path);
	if (access(path, F_OK) == 0)
		return command_failed("snapshot: %s exists already", path);
	snprintf(assignment, sizeof assignment, "snapshot=%s", path);
	struct qv_role role = { .class = qv_loader_get(visio->settings.loader, "videosink", "file", &err) };
	if (role.class)
		role.options = qv_options_from_strings(assignments, role.class->options, role.class->option_size,
						       "snapshot", &err);
	if (!role.options)
		return command_failed("snapshot: %s", err.message);
	bool taken = visio->meeting ? meeting_snapshot(visio->meeting, &role)
				    : qv_call_control_snapshot(visio->calls[0]->control, &role);
	if (!taken)
		return command_failed("snapshot: an earlier one waits for a picture, or none are shown");
	return json_pack("{s:b,s:o}", "ok", 1, "file", json_string(path));
}

json_t *command_record(struct visio *visio, const char *rest)
{
	struct qv_error err = QV_ERROR_INIT;
	char path[FILE_MAX];
	if (strcmp(rest, "stop") == 0 || (!rest[0] && visio->tape))
		return taping_stop(visio, &err) == 0 ? command_ok() : command_failed("record: %s", err.message);
	file_name(visio, rest, "mkv", path);
	if (taping_start(visio, path, &err) != 0)
		return command_failed("record: %s", err.message);
	return json_pack("{s:b,s:o}", "ok", 1, "file", json_string(path));
}
