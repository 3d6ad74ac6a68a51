/* SPDX-License-Identifier: Apache-2.0 */
/* On which line of a JSON text a member stands, which a JSON library does not tell. */
#ifndef VISIO_JSON_LINES_H
#define VISIO_JSON_LINES_H

/*
 * The line (from 1) of the member `name` of the top object, or with `parent` of the member of that object in it.
 * 0 when it is not found. The text must be valid JSON; escapes in member names are not resolved.
 */
unsigned json_line_of(const char *text, const char *parent, const char *name);

#endif
