/* SPDX-License-Identifier: Apache-2.0 */
#include "uuid.h"

#include <ctype.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void uuid_random(char uuid[UUID_TEXT])
{
	uint8_t b[16];
	randombytes_buf(b, sizeof b);
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(uuid, UUID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

bool uuid_parse(const char *text, char uuid[UUID_TEXT])
{
	if (strlen(text) != UUID_TEXT - 1)
		return false;
	for (unsigned i = 0; i < UUID_TEXT - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		unsigned char c = (unsigned char)text[i];
		if (dash ? c != '-' : !isxdigit(c))
			return false;
		uuid[i] = (char)tolower(c);
	}
	uuid[UUID_TEXT - 1] = '\0';
	return true;
}
