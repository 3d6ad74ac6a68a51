/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that steer visio. All of them are called with the lock of the calls held. */
#ifndef VISIO_COMMANDS_H
#define VISIO_COMMANDS_H

#include "conversation.h"

struct command {
	const char *word;
	const char *takes; /* for people: "audio|video", "[FILE]"; "": nothing follows */
	bool in_call;      /* there must be a call */
	/* The answer, a new reference; `rest` is what follows the word, "" if nothing does. */
	json_t *(*obey)(struct visio *visio, const char *rest);
};

json_t *command_ok(void);
__attribute__((format(printf, 1, 2))) json_t *command_failed(const char *format, ...);

/* What is told. */
json_t *command_status(struct visio *visio, const char *rest);
json_t *command_stats(struct visio *visio, const char *rest);
json_t *command_contacts(struct visio *visio, const char *rest);
json_t *command_devices(struct visio *visio, const char *rest);

/* Calls. */
json_t *command_call(struct visio *visio, const char *rest);
json_t *command_invite(struct visio *visio, const char *rest);
json_t *command_answer(struct visio *visio, const char *rest);
json_t *command_refuse(struct visio *visio, const char *rest);
json_t *command_hangup(struct visio *visio, const char *rest);
json_t *command_rekey(struct visio *visio, const char *rest);
json_t *command_acknowledge(struct visio *visio, const char *rest);
json_t *command_quit(struct visio *visio, const char *rest);

/* What is sent, shown and kept. */
json_t *command_mute(struct visio *visio, const char *rest);
json_t *command_unmute(struct visio *visio, const char *rest);
json_t *command_toggle(struct visio *visio, const char *rest);
json_t *command_source(struct visio *visio, const char *rest);
json_t *command_sink(struct visio *visio, const char *rest);
json_t *command_fullscreen(struct visio *visio, const char *rest);
json_t *command_selfview(struct visio *visio, const char *rest);
json_t *command_help(struct visio *visio, const char *rest);
json_t *command_snapshot(struct visio *visio, const char *rest);
json_t *command_record(struct visio *visio, const char *rest);

/* Help, or whom to invite, as it is to be shown now; the contact that goes by that number there, NULL: none. */
void commands_show_help(struct visio *visio);
const char *commands_numbered(const struct visio *visio, int number);

/* What this side shows and sends whatever the call: applied to one that begins. */
void commands_begin(struct conversation *talk);

#endif
