/* SPDX-License-Identifier: Apache-2.0 */
#include "lettering.h"

#include <stdbool.h>
#include <string.h>

#include "letters.h"

void lettering_ascii(char *out, size_t room, const char *utf8)
{
	size_t used = 0;
	for (const unsigned char *in = (const unsigned char *)utf8; *in && used + 4 <= room; in++) {
		if ((*in & 0xc0) == 0x80)
			continue; /* not the first byte of its character */
		if (*in == 0xc2 && in[1] == 0xb7) {
			out[used++] = '.';
		} else if (*in == 0xe2 && in[1] == 0x80 && in[2] == 0xa6) {
			memcpy(out + used, "...", 3);
			used += 3;
		} else {
			out[used++] = *in >= ' ' && *in <= '~' ? (char)*in : '?';
		}
	}
	if (room > 0)
		out[used] = '\0';
}

/* How much of `text` goes into a line of `most` characters, and what is skipped after it. */
static size_t line_length(const char *text, size_t most, size_t *skipped)
{
	size_t length = strlen(text), end;
	*skipped = 0;
	if (length <= most)
		return length;
	for (end = most; end > 0 && text[end] != ' '; end--)
		continue;
	if (end == 0)
		return most;
	*skipped = 1;
	return end;
}

static void draw_dot(uint8_t *at, int stride, int dot, uint8_t ink)
{
	for (int row = 0; row < dot; row++)
		memset(at + (ptrdiff_t)row * stride, ink, (size_t)dot);
}

static void draw_letter(uint8_t *at, int stride, int dot, uint8_t ink, char letter)
{
	if (letter < '!' || letter > '~')
		return;
	for (int row = 0; row < LETTER_ROWS; row++)
		for (int column = 0; column < LETTER_COLUMNS; column++)
			if (letters[letter - '!'][row][column] == '#')
				draw_dot(at + (ptrdiff_t)(row * dot) * stride + column * dot, stride, dot, ink);
}

static size_t per_line(int width, int dot)
{
	int most = width / (LETTER_ADVANCE * dot);
	return most < 0 ? 0 : (size_t)most;
}

int lettering_lines(int width, int dot, const char *text)
{
	size_t most = per_line(width, dot), skipped;
	int lines = 0;
	for (; most > 0 && *text; lines++) {
		text += line_length(text, most, &skipped);
		text += skipped;
	}
	return lines;
}

int lettering_draw(uint8_t *luma, int stride, const struct box *inside, int dot, uint8_t ink, const char *text)
{
	size_t most = per_line(inside->width, dot), skipped;
	int lines = 0;
	while (most > 0 && *text && (lines * LETTER_LINE + LETTER_ROWS) * dot <= inside->height) {
		size_t length = line_length(text, most, &skipped);
		uint8_t *at = luma + (ptrdiff_t)(inside->y + lines * LETTER_LINE * dot) * stride + inside->x;
		for (size_t i = 0; i < length; i++)
			draw_letter(at + (ptrdiff_t)i * LETTER_ADVANCE * dot, stride, dot, ink, text[i]);
		text += length + skipped;
		lines++;
	}
	return lines;
}
