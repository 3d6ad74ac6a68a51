/* SPDX-License-Identifier: Apache-2.0 */
#include "file_id.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define HASH  16

void file_id(const char *name, char id[FILE_ID_MAX + 1])
{
	size_t length = strlen(name);
	if (length <= FILE_ID_MAX && strspn(name, PLAIN) == length) {
		memcpy(id, name, length + 1);
		return;
	}
	uint8_t hash[HASH];
	crypto_generichash(hash, sizeof hash, (const uint8_t *)name, length, NULL, 0);
	id[0] = 'h';
	id[1] = '/';
	sodium_bin2hex(id + 2, FILE_ID_MAX + 1 - 2, hash, sizeof hash);
}

bool file_id_valid(const char *id)
{
	const char *rest = strncmp(id, "h/", 2) == 0 ? id + 2 : id;
	return rest[0] && strspn(rest, PLAIN) == strlen(rest) && strlen(id) <= FILE_ID_MAX;
}

unsigned file_parity(const char *id)
{
	uint8_t hash[HASH];
	crypto_generichash(hash, sizeof hash, (const uint8_t *)id, strlen(id), NULL, 0);
	return hash[0] & 1;
}

bool cursor_parse(const char *text, char id[FILE_ID_MAX + 1], uint64_t *next)
{
	const char *blank = strchr(text, ' ');
	if (!blank || blank - text > FILE_ID_MAX)
		return false;
	memcpy(id, text, (size_t)(blank - text));
	id[blank - text] = '\0';
	const char *digits = blank + 1;
	size_t count = strlen(digits);
	if (!file_id_valid(id) || count == 0 || count > 10 || strspn(digits, "0123456789") != count)
		return false;
	*next = strtoull(digits, NULL, 10);
	return true;
}

void cursor_print(const char *id, uint64_t next, char cursor[QV_QKDLINK_CURSOR_MAX + 1])
{
	snprintf(cursor, QV_QKDLINK_CURSOR_MAX + 1, "%s %" PRIu64, id, next);
}
