/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs (RFC 4122) as text of 36 characters, lower case. */
#ifndef KME_UUID_H
#define KME_UUID_H

#include <stdbool.h>

#define UUID_TEXT 37 /* with the ending zero */

/* A random one (version 4). */
void uuid_random(char uuid[UUID_TEXT]);

/* Copies one in lower case; false if `text` is none. */
bool uuid_parse(const char *text, char uuid[UUID_TEXT]);

#endif
