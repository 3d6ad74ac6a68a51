/* SPDX-License-Identifier: Apache-2.0 */
#include "uuid.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "random.h"

void uuid_random(char uuid[UUID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t b[16];
	random_fill(b, sizeof b);
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	char *at = uuid;
	for (size_t i = 0; i < sizeof b; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = digits[b[i] >> 4];
		*at++ = digits[b[i] & 15];
	}
	*at = '\0';
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
