/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

#include <stdint.h>

/* Bytes that follow a first byte; -1 for a byte that cannot be first. */
static int following(uint8_t first)
{
	if (first < 0x80)
		return 0;
	if (first >= 0xc2 && first < 0xe0)
		return 1;
	if (first >= 0xe0 && first < 0xf0)
		return 2;
	return first >= 0xf0 && first < 0xf5 ? 3 : -1;
}

static bool second_fits(uint8_t first, uint8_t second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0;
	case 0xed:
		return second < 0xa0;
	case 0xf0:
		return second >= 0x90;
	case 0xf4:
		return second < 0x90;
	default:
		return true;
	}
}

bool utf8_valid(const char *text, size_t size)
{
	const uint8_t *bytes = (const uint8_t *)text;
	for (size_t i = 0; i < size;) {
		int more = following(bytes[i]);
		if (more < 0 || (size_t)more >= size - i)
			return false;
		if (more && !second_fits(bytes[i], bytes[i + 1]))
			return false;
		for (int j = 1; j <= more; j++)
			if ((bytes[i + (size_t)j] & 0xc0) != 0x80)
				return false;
		i += 1 + (size_t)more;
	}
	return true;
}
