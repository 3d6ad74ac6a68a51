/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole screen of a terminal (ECMA-48 sequences that all of today's terminals have), and its keys. One per process,
 * since a terminal must be left as it was however the program ends.
 */
#ifndef VISIO_TERMINAL_H
#define VISIO_TERMINAL_H

#include <qvisio/error.h>
#include <stdbool.h>
#include <stddef.h>

#define TERMINAL_KEY_END (-1) /* the program is to end: a signal, ^C, or the terminal is gone */

/* Takes the screen. QV_E_UNSUPPORTED: standard input or output is no terminal, or one that can place no text. */
int terminal_enter(struct qv_error *err);
void terminal_leave(void); /* also when it was not entered */

void terminal_size(int *columns, int *rows);

/* Writes a whole screen at once. */
void terminal_write(const char *text, size_t size);

/*
 * Waits at most `timeout_ms` for a key, or for `fd` (unless -1) to be readable. A Unicode character as
 * qv_videosink_class.key tells it, but in the case that was typed; 127: backspace; 0: none; TERMINAL_KEY_END.
 */
int terminal_key(int fd, int timeout_ms);

#endif
