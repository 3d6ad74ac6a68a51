/* SPDX-License-Identifier: Apache-2.0 */
#include "steering.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"

/* Whoever adds one adds it to visio(1), and to the completion of bash. */
static const struct command commands[] = {
	{ "status", "", false, command_status },
	{ "stats", "", true, command_stats },
	{ "contacts", "", false, command_contacts },
	{ "devices", "", false, command_devices },
	{ "call", "NAME", false, command_call },
	{ "invite", "[NAME]", true, command_invite },
	{ "answer", "", true, command_answer },
	{ "refuse", "", true, command_refuse },
	{ "hangup", "[NAME]", false, command_hangup },
	{ "mute", "audio|video", true, command_mute },
	{ "unmute", "audio|video", true, command_unmute },
	{ "toggle", "audio|video", true, command_toggle },
	{ "source", "audio|video NAME", true, command_source },
	{ "sink", "audio NAME", true, command_sink },
	{ "fullscreen", "[on|off]", true, command_fullscreen },
	{ "selfview", "[on|off]", true, command_selfview },
	{ "help", "[on|off]", true, command_help },
	{ "snapshot", "[FILE]", true, command_snapshot },
	{ "record", "[FILE|stop]", true, command_record },
	{ "rekey", "", true, command_rekey },
	{ "acknowledge", "", true, command_acknowledge },
	{ "quit", "", false, command_quit },
};

json_t *command_ok(void)
{
	return json_pack("{s:b}", "ok", 1);
}

json_t *command_failed(const char *format, ...)
{
	char why[600];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(why, sizeof why, format, arguments);
	va_end(arguments);
	json_t *text = json_string(why);
	return json_pack("{s:b,s:o}", "ok", 0, "error", text ? text : json_string("failed"));
}

static json_t *unknown(void)
{
	char known[500] = "events";
	size_t used = strlen(known);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0] && used < sizeof known; i++)
		used += (size_t)snprintf(known + used, sizeof known - used, ", %s%s%s", commands[i].word,
					 commands[i].takes[0] ? " " : "", commands[i].takes);
	return command_failed("unknown command; known are: %s", known);
}

void steering_print_commands(void)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		printf("  %s%s%s\n", commands[i].word, commands[i].takes[0] ? " " : "", commands[i].takes);
	printf("  events\n");
}

static const struct command *find(const char *line, size_t length)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strlen(commands[i].word) == length && strncmp(commands[i].word, line, length) == 0)
			return &commands[i];
	return NULL;
}

/* What is answered is JSON, and may have names of the command in it. */
static bool is_utf8(const char *line)
{
	json_t *text = json_string(line);
	json_decref(text);
	return text;
}

json_t *steering_obey(struct commander *commander, const char *line)
{
	struct visio *visio = (struct visio *)(void *)commander;
	size_t length = strcspn(line, " ");
	const struct command *command = find(line, length);
	const char *rest = line + length + strspn(line + length, " ");
	json_t *said;
	pthread_mutex_lock(&visio->lock);
	if (!is_utf8(line))
		said = command_failed("a command is text in UTF-8");
	else if (!command)
		said = unknown();
	else if (command->in_call && visio->call_count == 0)
		said = command_failed("%s: there is no call", command->word);
	else if (!command->takes[0] && rest[0])
		said = command_failed("%s: nothing follows it", command->word);
	else if (command->takes[0] && command->takes[0] != '[' && !rest[0])
		said = command_failed("%s: say %s %s", command->word, command->word, command->takes);
	else
		said = command->obey(visio, rest);
	pthread_mutex_unlock(&visio->lock);
	return said;
}
