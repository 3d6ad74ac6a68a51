/* SPDX-License-Identifier: Apache-2.0 */
#include "digits.h"

#include <string.h>

#define COLUMNS 5
#define ROWS    7
#define ADVANCE 6
#define INK     235

struct glyph {
	char character;
	char dots[ROWS][COLUMNS + 1];
};

static const struct glyph font[] = {
	{ '0', { ".###.", "#...#", "#..##", "#.#.#", "##..#", "#...#", ".###." } },
	{ '1', { "..#..", ".##..", "..#..", "..#..", "..#..", "..#..", ".###." } },
	{ '2', { ".###.", "#...#", "....#", "..##.", ".#...", "#....", "#####" } },
	{ '3', { "#####", "...#.", "..#..", "...#.", "....#", "#...#", ".###." } },
	{ '4', { "...#.", "..##.", ".#.#.", "#..#.", "#####", "...#.", "...#." } },
	{ '5', { "#####", "#....", "####.", "....#", "....#", "#...#", ".###." } },
	{ '6', { "..##.", ".#...", "#....", "####.", "#...#", "#...#", ".###." } },
	{ '7', { "#####", "....#", "...#.", "..#..", "..#..", "..#..", "..#.." } },
	{ '8', { ".###.", "#...#", "#...#", ".###.", "#...#", "#...#", ".###." } },
	{ '9', { ".###.", "#...#", "#...#", ".####", "....#", "...#.", ".##.." } },
	{ '.', { ".....", ".....", ".....", ".....", ".....", ".##..", ".##.." } },
	{ ':', { ".....", ".##..", ".##..", ".....", ".##..", ".##..", "....." } },
	{ 's', { ".....", ".....", ".####", "#....", ".###.", "....#", "####." } },
	{ '#', { ".#.#.", ".#.#.", "#####", ".#.#.", "#####", ".#.#.", ".#.#." } },
};

static const struct glyph *find_glyph(char character)
{
	for (size_t i = 0; i < sizeof font / sizeof font[0]; i++)
		if (font[i].character == character)
			return &font[i];
	return NULL;
}

static void draw_dot(uint8_t *luma, int stride, int width, int height, int x, int y, int dot)
{
	if (x < 0 || y < 0 || x + dot > width || y + dot > height)
		return;
	for (int row = y; row < y + dot; row++)
		memset(luma + (size_t)row * (size_t)stride + x, INK, (size_t)dot);
}

void digits_draw(uint8_t *luma, int stride, int width, int height, int x, int y, int dot, const char *text)
{
	for (; *text; text++, x += ADVANCE * dot) {
		const struct glyph *glyph = find_glyph(*text);
		for (int row = 0; glyph && row < ROWS; row++)
			for (int column = 0; column < COLUMNS; column++)
				if (glyph->dots[row][column] == '#')
					draw_dot(luma, stride, width, height, x + column * dot, y + row * dot, dot);
	}
}

int digits_width(int count)
{
	return count * ADVANCE;
}
