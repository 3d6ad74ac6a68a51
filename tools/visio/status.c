/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that tell something. */
#include <string.h>

#include "commands.h"
#include "meeting.h"
#include "secured_json.h"

static json_t *notice_json(const struct notice *notice)
{
	const char *word = notice_word(notice);
	return word ? json_pack("{s:s,s:o}", "change", word, "text", json_string(notice->text)) : json_null();
}

static json_t *call_json(const struct conversation *talk)
{
	const struct qv_call_totals *totals = &talk->stats.totals;
	json_t *json =
		json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:b,s:I,s:I,s:{s:b,s:b},s:{s:b,s:b},s:f,s:f,s:I,s:I,s:I}",
			  "state", talk->state, "peer", talk->peer, "peer_program", talk->peer_program, "security",
			  talk->session.text, "key_ID", talk->session.key_id, "secured", secured_json(&talk->security),
			  "notice", notice_json(&talk->notice), "recording", qv_call_control_recording(talk->control),
			  "rekeyed", (json_int_t)talk->rekeyed, "rekey_failures", (json_int_t)talk->rekey_failures,
			  "muted", "video", qv_call_control_muted(talk->control, QV_STREAM_VIDEO), "audio",
			  qv_call_control_muted(talk->control, QV_STREAM_AUDIO), "peer_muted", "video",
			  talk->peer_muted[QV_STREAM_VIDEO], "audio", talk->peer_muted[QV_STREAM_AUDIO], "fps",
			  talk->stats.fps, "fps_sent", talk->stats.fps_sent, "shown", (json_int_t)totals->video.shown,
			  "sent", (json_int_t)totals->video.sent, "lost", (json_int_t)totals->video.lost);
	json_object_update_new(
		json, json_pack("{s:s,s:s,s:s,s:f,s:f,s:f,s:I,s:I}", "transport", transport_name(talk->transport),
				"peer_transport", transport_name(talk->peer_transport), "transport_text",
				talk->transport_text, "rate_target", (double)talk->stats.rate_target, "loss",
				talk->stats.loss, "redundancy", talk->stats.redundancy, "rebuilt",
				(json_int_t)totals->rebuilt, "resent", (json_int_t)totals->resent));
	json_object_set_new(json, "resumed", json_integer((json_int_t)talk->resumed));
	json_object_set_new(json, "otp", report_otp_json(&talk->stats.otp));
	json_object_set_new(json, "sent_size", report_size_json(&talk->stats));
	return json;
}

static json_t *participant_json(const struct participant *participant)
{
	json_t *json = participant->talk ? call_json(participant->talk) : json_pack("{s:s}", "state", "away");
	json_object_set_new(json, "peer", json_string(participant->name));
	json_object_set_new(json, "sae_id", json_string(participant->sae));
	json_object_set_new(json, "note", json_string(participant->note));
	json_object_set_new(json, "level", json_real(qv_seat_level(participant->seat)));
	return json;
}

/* Of a conference also those with whom there is no call. */
static json_t *participants_json(const struct visio *visio)
{
	json_t *list = json_array();
	for (size_t i = 0; !visio->meeting && i < visio->call_count; i++) {
		json_t *json = call_json(visio->calls[i]);
		json_object_set_new(json, "sae_id", json_string(visio->calls[i]->session.peer_sae));
		json_array_append_new(list, json);
	}
	for (size_t i = 0; visio->meeting && i < CALLS_MAX; i++)
		if (visio->meeting->participants[i].meeting)
			json_array_append_new(list, participant_json(&visio->meeting->participants[i]));
	return list;
}

/* The first call as it is, and all of them as participants. */
json_t *command_status(struct visio *visio, const char *rest)
{
	(void)rest;
	const char *none = visio->meeting ? "calling" : "idle";
	json_t *status = visio->call_count > 0 ? call_json(visio->calls[0]) : json_pack("{s:s}", "state", none);
	json_object_set_new(status, "ok", json_true());
	json_object_set_new(status, "conference", json_boolean(visio->meeting));
	json_object_set_new(status, "participants", participants_json(visio));
	return status;
}

json_t *command_stats(struct visio *visio, const char *rest)
{
	(void)rest;
	json_t *calls = json_array();
	for (size_t i = 0; i < visio->call_count; i++) {
		const struct conversation *talk = visio->calls[i];
		json_t *one = report_stats_json(&talk->report, &talk->stats);
		json_object_set_new(one, "peer", json_string(talk->peer));
		json_array_append_new(calls, one);
	}
	return json_pack("{s:b,s:o}", "ok", 1, "calls", calls);
}

json_t *command_contacts(struct visio *visio, const char *rest)
{
	(void)rest;
	json_t *contacts = json_array();
	for (size_t i = 0; i < visio->settings.contact_count; i++) {
		const struct qv_options *contact = visio->settings.contacts[i];
		const char *sae = qv_options_string(contact, "sae_id");
		json_array_append_new(contacts,
				      json_pack("{s:s,s:s,s:I,s:o}", "name", qv_options_string(contact, "name"), "host",
						qv_options_string(contact, "host"), "port",
						(json_int_t)qv_options_int(contact, "port"), "sae_id",
						sae ? json_string(sae) : json_null()));
	}
	return json_pack("{s:b,s:o}", "ok", 1, "contacts", contacts);
}

/* `chosen` NULL: the usual one. */
static json_t *named_json(const struct named_roles *named, const struct qv_role *chosen)
{
	json_t *list = json_array();
	for (size_t i = 0; i < named_roles_count(named); i++) {
		const struct qv_role *role = named_roles_get(named, i);
		json_array_append_new(list, json_pack("{s:s,s:s,s:b}", "name", named_roles_name(named, i), "module",
						      role->class->name, "used",
						      chosen ? role == chosen : role == named->usual));
	}
	return list;
}

/* Where there are no others to choose from, all are used, and have no names. */
static json_t *sinks_json(const struct devices *devices, const struct qv_role *chosen)
{
	if (named_roles_count(&devices->others) > 0)
		return named_json(&devices->others, chosen);
	json_t *list = json_array();
	for (size_t i = 0; i < devices->sink_count; i++)
		json_array_append_new(
			list, json_pack("{s:n,s:s,s:b}", "name", "module", devices->sinks[i].class->name, "used", 1));
	return list;
}

static json_t *devices_json(const struct devices *devices, const struct qv_role *source, const struct qv_role *sink)
{
	return json_pack("{s:o,s:o}", "sources", named_json(&devices->sources, source), "sinks",
			 sinks_json(devices, sink));
}

json_t *command_devices(struct visio *visio, const char *rest)
{
	(void)rest;
	return json_pack("{s:b,s:o,s:o}", "ok", 1, "video",
			 devices_json(&visio->settings.video, visio->source[QV_STREAM_VIDEO], NULL), "audio",
			 devices_json(&visio->settings.audio, visio->source[QV_STREAM_AUDIO], visio->sink));
}
