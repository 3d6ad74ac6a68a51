/* SPDX-License-Identifier: Apache-2.0 */
#include "cells.h"

#include <stdlib.h>
#include <string.h>

/* A cell of a terminal is about twice as high as it is broad. */
#define CELL_RATIO 2

static int clamp(int value)
{
	return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* BT.601, in 1/1024. */
static uint32_t colour(int y, int cb, int cr, enum qv_range range)
{
	int luma = range == QV_RANGE_FULL ? y * 1024 : (y - 16) * 1192;
	int scale = range == QV_RANGE_FULL ? 1024 : 1166;
	cb = (cb - 128) * scale / 1024;
	cr = (cr - 128) * scale / 1024;
	int red = clamp((luma + 1436 * cr) / 1024);
	int green = clamp((luma - 352 * cb - 731 * cr) / 1024);
	int blue = clamp((luma + 1815 * cb) / 1024);
	return (uint32_t)red << 16 | (uint32_t)green << 8 | (uint32_t)blue;
}

/* The mean of some samples of a plane, from (x0, y0) on up to (x1, y1), which lie in a picture of `of`. */
static int mean(const struct qv_frame *frame, int plane, const struct area *part)
{
	const struct qv_video_format *of = &frame->format;
	int width, height, sum = 0, count = 0;
	qv_plane_dimensions(of, plane, &width, &height);
	int x0 = part->x * width / of->width, x1 = (part->x + part->width) * width / of->width;
	int y0 = part->y * height / of->height, y1 = (part->y + part->height) * height / of->height;
	int step_x = (x1 - x0) / 4 + 1, step_y = (y1 - y0) / 4 + 1;
	int y = y0 < height ? y0 : height - 1;
	do {
		int x = x0 < width ? x0 : width - 1;
		do {
			sum += frame->plane[plane][(size_t)y * (size_t)frame->stride[plane] + (size_t)x];
			count++;
			x += step_x;
		} while (x < x1);
		y += step_y;
	} while (y < y1);
	return sum / count;
}

int small_take(struct small *small, const struct qv_frame *frame, int most, struct qv_error *err)
{
	const struct qv_video_format *of = &frame->format;
	int side = of->width > of->height ? of->width : of->height;
	int divisor = side > most ? (side + most - 1) / most : 1;
	int width = (of->width + divisor - 1) / divisor, height = (of->height + divisor - 1) / divisor;
	if (width != small->width || height != small->height) {
		small_free(small);
		small->pixels = calloc((size_t)width * (size_t)height, sizeof *small->pixels);
		if (!small->pixels)
			return qv_fail(err, QV_E_NOMEM, "no memory for a picture in a terminal");
	}
	*small = (struct small){ small->pixels, width, height, of->width, of->height };
	bool gray = of->pixel == QV_PIXEL_GRAY;
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++) {
			struct area part = { x * divisor, y * divisor, divisor, divisor };
			if (part.x + part.width > of->width)
				part.width = of->width - part.x;
			if (part.y + part.height > of->height)
				part.height = of->height - part.y;
			small->pixels[y * width + x] = colour(mean(frame, 0, &part), gray ? 128 : mean(frame, 1, &part),
							      gray ? 128 : mean(frame, 2, &part), of->range);
		}
	return 0;
}

void small_free(struct small *small)
{
	free(small->pixels);
	*small = (struct small){ 0 };
}

void small_draw(const struct small *small, caca_canvas_t *canvas, const struct area *area, bool corner)
{
	if (!small->pixels || area->width < 1 || area->height < 1)
		return;
	int64_t of_width = small->of_width, of_height = small->of_height;
	int width = area->width, height = (int)(width * of_height / of_width / CELL_RATIO);
	if (height > area->height) {
		height = area->height;
		width = (int)(height * CELL_RATIO * of_width / of_height);
	}
	width = width < 1 ? 1 : width;
	height = height < 1 ? 1 : height;
	caca_dither_t *dither =
		caca_create_dither(32, small->width, small->height, 4 * small->width, 0xff0000, 0xff00, 0xff, 0);
	if (!dither)
		return;
	int x = area->x + (corner ? area->width - width : (area->width - width) / 2);
	int y = area->y + (corner ? area->height - height : (area->height - height) / 2);
	caca_dither_bitmap(canvas, x, y, width, height, dither, small->pixels);
	caca_free_dither(dither);
}

/* The next character, 0 at the end; what acts on a terminal, or is no UTF-8, is a question mark. */
static uint32_t next_character(const char **text)
{
	size_t size = 0;
	if (!**text)
		return 0;
	unsigned char first = (unsigned char)**text;
	size_t length = first < 0x80   ? 1
			: first < 0xc2 ? 0
			: first < 0xe0 ? 2
			: first < 0xf0 ? 3
			: first < 0xf5 ? 4
				       : 0;
	for (size_t i = 1; i < length; i++)
		if (((unsigned char)(*text)[i] & 0xc0) != 0x80)
			length = 0;
	uint32_t character = length ? caca_utf8_to_utf32(*text, &size) : '?';
	*text += length ? length : 1;
	if (character == '\n')
		return character;
	return character < 0x20 || (character >= 0x7f && character < 0xa0) ? '?' : character;
}

/* Where the row that starts at `text` ends: behind so many characters. */
static int row_length(const char *text, int width)
{
	int count = 0, broken = 0;
	uint32_t character;
	while (count <= width && (character = next_character(&text)) && character != '\n') {
		if (character == ' ')
			broken = count;
		count++;
	}
	if (count <= width)
		return count;
	return broken > 0 ? broken : width;
}

int text_draw(caca_canvas_t *canvas, int y, int width, int rows, const char *text)
{
	int row = 0;
	while (*text && row < rows && width > 0) {
		int length = row_length(text, width);
		for (int x = 0; x < width; x++) {
			uint32_t character = x < length ? next_character(&text) : ' ';
			if (canvas)
				caca_put_char(canvas, x, y + row, character);
		}
		while (*text == ' ')
			text++;
		if (*text == '\n')
			text++;
		row++;
	}
	return row;
}
