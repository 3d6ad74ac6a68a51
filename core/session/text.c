/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>

/* Length of the printable character at the start of bytes, 0 if there is none (RFC 3629). */
static size_t printable(const uint8_t *bytes, size_t size)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = bytes[0];
	if (first < 0x80)
		return first >= 0x20 && first != 0x7f ? 1 : 0;
	size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc2 || first > 0xf4 || length > size)
		return 0;
	uint32_t value = first & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (bytes[i] & 0x3fu);
	}
	/* Not C1 controls, surrogates, line separators or marks that turn the direction of the text after them. */
	if (value < smallest[length] || value > 0x10ffff || value < 0xa0 || (value >= 0xd800 && value <= 0xdfff) ||
	    (value >= 0x2028 && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069))
		return 0;
	return length;
}

void qv_session_text_copy(char *out, const uint8_t *bytes, size_t size)
{
	size_t at = 0;
	while (at < size) {
		size_t length = printable(bytes + at, size - at);
		if (length)
			memcpy(out + at, bytes + at, length);
		else
			out[at] = '?';
		at += length ? length : 1;
	}
	out[size] = '\0';
}
