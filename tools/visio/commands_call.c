/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that begin, end and secure calls. */
#include <string.h>
#include <sys/eventfd.h>

#include "commands.h"
#include "dialing.h"
#include "happenings.h"
#include "mesh.h"

/* One contact is called, several to a conference; in a conference, one more. */
json_t *command_call(struct visio *visio, const char *rest)
{
	struct qv_error err = QV_ERROR_INIT;
	if (visio->meeting)
		return mesh_invite(visio, rest, &err) == 0 ? command_ok() : command_failed("call: %s", err.message);
	if (!visio->listens)
		return command_failed("call: this visio ends with its call; visio listen can make others");
	if (visio->call_count > 0)
		return command_failed("call: there is a call already, with %s; invite makes it a conference",
				      visio->calls[0]->peer);
	return dialing_start(visio, rest, &err) == 0 ? command_ok() : command_failed("call: %s", err.message);
}

json_t *command_invite(struct visio *visio, const char *rest)
{
	struct qv_error err = QV_ERROR_INIT;
	visio->inviting = !rest[0] && !visio->inviting;
	int status = rest[0] ? mesh_invite(visio, rest, &err) : 0;
	commands_show_help(visio);
	return status == 0 ? command_ok() : command_failed("invite: %s", err.message);
}

/* All that ring belong to one call of two, or to one conference. */
static json_t *answer(struct visio *visio, bool take)
{
	bool found = false;
	for (size_t i = 0; i < visio->call_count; i++) {
		struct conversation *talk = visio->calls[i];
		if (talk->contact || strcmp(talk->state, "ringing") != 0)
			continue;
		qv_call_control_answer(talk->control, take);
		found = true;
	}
	return found ? command_ok() : command_failed("nobody is calling");
}

json_t *command_answer(struct visio *visio, const char *rest)
{
	(void)rest;
	return answer(visio, true);
}

json_t *command_refuse(struct visio *visio, const char *rest)
{
	(void)rest;
	return answer(visio, false);
}

/* Of all calls, or of the one with that peer; who is only being called is not called any more. */
json_t *command_hangup(struct visio *visio, const char *rest)
{
	bool found = visio->meeting && !rest[0];
	if (found)
		meeting_end(visio->meeting);
	else if (visio->meeting)
		found = meeting_give_up(visio->meeting, rest);
	for (size_t i = 0; i < visio->call_count; i++) {
		const struct participant *participant = visio->calls[i]->participant;
		const char *name = participant ? participant->name : visio->calls[i]->peer;
		if (rest[0] && strcmp(name, rest) != 0)
			continue;
		qv_call_control_hang_up(visio->calls[i]->control);
		found = true;
	}
	if (found)
		return command_ok();
	return rest[0] ? command_failed("hangup: there is no call with \"%s\"", rest)
		       : command_failed("hangup: there is no call");
}

json_t *command_rekey(struct visio *visio, const char *rest)
{
	(void)rest;
	for (size_t i = 0; i < visio->call_count; i++)
		qv_call_control_renew(visio->calls[i]->control);
	return command_ok();
}

json_t *command_acknowledge(struct visio *visio, const char *rest)
{
	bool stood = false;
	(void)rest;
	for (size_t i = 0; i < visio->call_count; i++) {
		struct conversation *talk = visio->calls[i];
		if (!notice_acknowledge(&talk->notice))
			continue;
		stood = true;
		happening_show_notice(talk);
		control_socket_tell(visio->control,
				    json_pack("{s:s,s:s}", "event", "acknowledged", "peer", talk->peer));
	}
	return stood ? command_ok() : command_failed("acknowledge: there is nothing to acknowledge");
}

json_t *command_quit(struct visio *visio, const char *rest)
{
	(void)rest;
	return eventfd_write(visio->quit_fd, 1) == 0 ? command_ok() : command_failed("quit: cannot stop");
}
