/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include <stdio.h>

#include <qvisio/videosink.h>

static const struct key {
	int key;
	const char *command, *name, *help; /* name NULL: not listed */
} keys[] = {
	{ 'm', "toggle audio", "m", "mute microphone" },
	{ 'v', "toggle video", "v", "mute camera" },
	{ 'f', "fullscreen", "f", "full screen" },
	{ 's', "selfview", "s", "own picture" },
	{ 'p', "snapshot", "p", "snapshot" },
	{ 'r', "record", "r", "record, stop recording" },
	{ 'i', "invite", "i", "invite somebody" },
	{ 'k', "rekey", "k", "new key now" },
	{ 'a', "answer", "a", "answer" },
	{ 'x', "refuse", "x", "refuse" },
	{ 'q', "hangup", "q", "hang up" },
	{ '\r', "acknowledge", "Enter", "warning seen" },
	{ ' ', "acknowledge", NULL, NULL },
	{ 27, "acknowledge", NULL, NULL },
	{ QV_KEY_CLICK, "acknowledge", NULL, NULL },
	{ '?', "help", "?", "this list" },
	{ 'h', "help", NULL, NULL },
};

const char *keys_command(int key)
{
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (keys[i].key == key)
			return keys[i].command;
	return NULL;
}

const char *keys_help(char *text, size_t room)
{
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < sizeof keys / sizeof keys[0] && used < room; i++)
		if (keys[i].name)
			used += (size_t)snprintf(text + used, room - used, "%s%s  %s", used ? "\n" : "", keys[i].name,
						 keys[i].help);
	return text;
}
