/* SPDX-License-Identifier: Apache-2.0 */
/* What the terminal front end shows, drawn from what visio tells of itself. Pure; all texts are taken for hostile. */
#ifndef VISIO_TUI_VIEW_H
#define VISIO_TUI_VIEW_H

#include <jansson.h>
#include <qvisio/error.h>

struct tui_view {
	int columns, rows;
	const json_t *status, *stats; /* answers to these commands; NULL: none yet */
	const char *message;          /* what the last command said; NULL: nothing */
	const char *prompt;           /* a command that is being typed; NULL: none */
};

/* The sequence of bytes that draws the whole screen; `*size` gets their number. The caller's to free; NULL: no memory. */
char *tui_draw(const struct tui_view *view, size_t *size);

#endif
