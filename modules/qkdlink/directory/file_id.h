/* SPDX-License-Identifier: Apache-2.0 */
/* How both KMEs name the keys of a file, and divide them, knowing nothing but the file's name. */
#ifndef DIRECTORY_FILE_ID_H
#define DIRECTORY_FILE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include <qvisio/qkdlink.h>

#define FILE_ID_MAX 48 /* ":" and 10 digits of the key's number follow it in a label */

/* The name itself where it fits into a label, else "h/" and 32 hexadecimal digits of its BLAKE2b. */
void file_id(const char *name, char id[FILE_ID_MAX + 1]);

/* Key i of a file is of lane (i + parity) % 2, so that files of one key each do not feed one lane only. */
unsigned file_parity(const char *id);

/* "ID NUMBER": the number of the first key of the file that was not given. False when it is none. */
bool cursor_parse(const char *text, char id[FILE_ID_MAX + 1], uint64_t *next);
void cursor_print(const char *id, uint64_t next, char cursor[QV_QKDLINK_CURSOR_MAX + 1]);
bool file_id_valid(const char *id);

#endif
