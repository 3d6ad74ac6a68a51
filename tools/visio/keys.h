/* SPDX-License-Identifier: Apache-2.0 */
/* What the keys do, in the window and in a terminal alike: each is a command of the control socket. */
#ifndef VISIO_KEYS_H
#define VISIO_KEYS_H

#include <stddef.h>

/* The command of a key as qv_videosink_class.key tells it; NULL: none. */
const char *keys_command(int key);

/* What each key does, in lines; returns `text`. */
const char *keys_help(char *text, size_t room);

#endif
