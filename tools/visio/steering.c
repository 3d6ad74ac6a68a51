/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of the control socket do. All but obey is called with the lock of the calls held. */
#include "steering.h"

#include <string.h>
#include <sys/eventfd.h>

#include "conversation.h"

static json_t *failure(const char *why)
{
	return json_pack("{s:b,s:s}", "ok", 0, "error", why);
}

static json_t *success(void)
{
	return json_pack("{s:b}", "ok", 1);
}

static json_t *call_json(const struct conversation *talk)
{
	const struct qv_call_totals *totals = &talk->stats.totals;
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:{s:b,s:b},s:{s:b,s:b},s:f,s:f,s:I,s:I,s:I,"
			 "s:s,s:s,s:s,s:f,s:f}",
			 "state", talk->state, "peer", talk->peer, "peer_program", talk->peer_program, "security",
			 talk->session.text, "key_ID", talk->session.key_id, "rekeyed", (json_int_t)talk->rekeyed,
			 "rekey_failures", (json_int_t)talk->rekey_failures, "muted", "video",
			 qv_call_control_muted(talk->control, QV_STREAM_VIDEO), "audio",
			 qv_call_control_muted(talk->control, QV_STREAM_AUDIO), "peer_muted", "video",
			 talk->peer_muted[QV_STREAM_VIDEO], "audio", talk->peer_muted[QV_STREAM_AUDIO], "fps",
			 talk->stats.fps, "fps_sent", talk->stats.fps_sent, "shown", (json_int_t)totals->video.shown,
			 "sent", (json_int_t)totals->video.sent, "lost", (json_int_t)totals->video.lost, "transport",
			 transport_name(talk->transport), "peer_transport", transport_name(talk->peer_transport),
			 "transport_text", talk->transport_text, "rate_target", (double)talk->stats.rate_target, "loss",
			 talk->stats.loss);
}

/* The first call as it is, and all of them as participants. */
static json_t *status_json(const struct visio *visio)
{
	json_t *participants = json_array();
	json_t *status = visio->call_count > 0 ? call_json(visio->calls[0]) : json_pack("{s:s}", "state", "idle");
	for (size_t i = 0; i < visio->call_count; i++)
		json_array_append_new(participants, call_json(visio->calls[i]));
	json_object_set_new(status, "ok", json_true());
	json_object_set_new(status, "participants", participants);
	return status;
}

/* mute|unmute audio|video */
static bool parse_mute(const char *line, enum qv_stream_kind *kind, bool *muted)
{
	*muted = strncmp(line, "mute ", 5) == 0;
	if (!*muted && strncmp(line, "unmute ", 7) != 0)
		return false;
	const char *what = line + (*muted ? 5 : 7);
	*kind = strcmp(what, "video") == 0 ? QV_STREAM_VIDEO : QV_STREAM_AUDIO;
	return strcmp(what, "video") == 0 || strcmp(what, "audio") == 0;
}

static json_t *answer(struct visio *visio, bool take)
{
	for (size_t i = 0; i < visio->call_count; i++) {
		struct conversation *talk = visio->calls[i];
		if (talk->contact || strcmp(talk->state, "ringing") != 0)
			continue;
		qv_call_control_answer(talk->control, take);
		return success();
	}
	return failure("nobody is calling");
}

/* Of all calls, or of the one with `peer`. */
static json_t *hang_up(struct visio *visio, const char *peer)
{
	bool found = false;
	for (size_t i = 0; i < visio->call_count; i++) {
		if (peer && strcmp(visio->calls[i]->peer, peer) != 0)
			continue;
		qv_call_control_hang_up(visio->calls[i]->control);
		found = true;
	}
	return found ? success() : failure("there is no call with such a peer");
}

static json_t *mute(struct visio *visio, enum qv_stream_kind kind, bool muted)
{
	visio->muted[kind] = muted;
	for (size_t i = 0; i < visio->call_count; i++)
		qv_call_control_mute(visio->calls[i]->control, kind, muted);
	return success();
}

static json_t *rekey(struct visio *visio)
{
	for (size_t i = 0; i < visio->call_count; i++)
		qv_call_control_renew(visio->calls[i]->control);
	return success();
}

static json_t *obey_in_call(struct visio *visio, const char *line)
{
	enum qv_stream_kind kind;
	bool muted;
	if (strcmp(line, "answer") == 0 || strcmp(line, "refuse") == 0)
		return answer(visio, line[0] == 'a');
	if (strcmp(line, "hangup") == 0)
		return hang_up(visio, NULL);
	if (strncmp(line, "hangup ", 7) == 0)
		return hang_up(visio, line + 7);
	if (strcmp(line, "rekey") == 0)
		return rekey(visio);
	if (parse_mute(line, &kind, &muted))
		return mute(visio, kind, muted);
	return failure("unknown command; status, events, answer, refuse, hangup [NAME], mute audio|video, "
		       "unmute audio|video, rekey and quit are known");
}

json_t *steering_obey(struct commander *commander, const char *line)
{
	struct visio *visio = (struct visio *)(void *)commander;
	json_t *said;
	pthread_mutex_lock(&visio->lock);
	if (strcmp(line, "status") == 0)
		said = status_json(visio);
	else if (strcmp(line, "quit") == 0)
		said = eventfd_write(visio->quit_fd, 1) == 0 ? success() : failure("cannot stop");
	else if (visio->call_count > 0)
		said = obey_in_call(visio, line);
	else
		said = failure("there is no call; only status, events and quit are known now");
	pthread_mutex_unlock(&visio->lock);
	return said;
}
