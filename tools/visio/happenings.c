/* SPDX-License-Identifier: Apache-2.0 */
#include "happenings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secured_json.h"
#include "socket.h"

static void add_details(json_t *json, const struct qv_call_event *event)
{
	if (event->text)
		json_object_set_new(json, "text", json_string(event->text));
	if (event->kind)
		json_object_set_new(json, "stream", json_string(event->kind == QV_STREAM_VIDEO ? "video" : "audio"));
	if (event->happening == QV_CALL_PEER_STATE) {
		json_object_set_new(json, "muted", json_boolean(event->muted));
		json_object_set_new(json, "ended", json_boolean(event->ended));
	}
	if (event->security) {
		json_object_set_new(json, "key_ID", json_string(event->security->key_id));
		json_object_set_new(json, "secured", secured_json(event->security));
	}
	if (event->happening == QV_CALL_TRANSPORT) {
		json_object_set_new(json, "transport", json_string(transport_name(event->transport)));
		json_object_set_new(json, "of_peer", json_boolean(event->of_peer));
	}
	if (event->happening == QV_CALL_SECURITY)
		json_object_set_new(json, "change",
				    json_string(event->change == QV_SECURITY_WORSE ? "worse" : "better"));
}

static void print_event(const struct visio *visio, json_t *json)
{
	char *line = visio->stats == STATS_JSON ? json_dumps(json, JSON_COMPACT) : NULL;
	if (line)
		printf("%s\n", line);
	fflush(stdout);
	free(line);
}

/* What a person must know also goes to the log, whatever standard output shows. */
static void log_event(const struct conversation *talk, const struct qv_call_event *event)
{
	const struct qv_log *log = talk->visio->settings.log;
	if (event->happening == QV_CALL_RINGING && !talk->contact)
		qv_log_info(log,
			    "%s calls (%s); answer or refuse: a or x in the window, visio ctl answer, visio ctl refuse",
			    talk->peer, event->peer_program ? event->peer_program : "");
	if (event->happening == QV_CALL_REKEYED)
		qv_log_debug(log, "new key: %s", event->security->text);
	if (event->happening == QV_CALL_REKEY_FAILED)
		qv_log_warning(log, "%s: no new key: %s", talk->peer, event->text);
	if (event->happening == QV_CALL_SECURITY)
		(event->change == QV_SECURITY_WORSE ? qv_log_warning : qv_log_info)(log, "%s: %s", talk->peer,
										    event->text);
}

void happening_tell(struct conversation *talk, const struct qv_call_event *event)
{
	log_event(talk, event);
	if (event->happening == QV_CALL_KEY)
		return;
	json_t *json = json_pack("{s:s,s:s}", "event", qv_call_happening_name(event->happening), "peer", talk->peer);
	if (json)
		add_details(json, event);
	print_event(talk->visio, json);
	control_socket_tell(talk->visio->control, json);
}

void happening_tell_snapshot(struct visio *visio, const char *why)
{
	json_t *json = json_pack("{s:s,s:s}", "event", qv_call_happening_name(QV_CALL_SNAPSHOT), "peer", "conference");
	if (json && why)
		json_object_set_new(json, "text", json_string(why));
	print_event(visio, json);
	control_socket_tell(visio->control, json);
}

void happening_tell_conference(struct conversation *talk)
{
	json_t *json = json_pack("{s:s,s:s}", "event", "conference", "peer", talk->peer);
	qv_log_info(talk->visio->settings.log, "the call with %s is a conference now", talk->peer);
	print_event(talk->visio, json);
	control_socket_tell(talk->visio->control, json);
}

/* Somebody here is asked whether to take the call. */
static bool asks(const struct conversation *talk)
{
	return !talk->contact && strcmp(talk->state, "ringing") == 0;
}

void happening_show_notice(struct conversation *talk)
{
	const struct notice *notice = &talk->notice;
	char text[sizeof notice->text + 40], asked[SOCKET_NAME_MAX + 40];
	bool worse = notice->change == QV_SECURITY_WORSE;
	snprintf(text, sizeof text, "%s%s", notice->text, worse ? "\nSeen? Press Enter, or click." : "");
	qv_call_control_overlay(talk->control, QV_OVERLAY_WARNING, worse ? text : NULL);
	snprintf(asked, sizeof asked, "%s calls: a answers, x refuses", talk->peer);
	const char *good = notice->change == QV_SECURITY_BETTER ? notice->text : NULL;
	qv_call_control_overlay(talk->control, QV_OVERLAY_NOTICE, asks(talk) ? asked : good);
}
