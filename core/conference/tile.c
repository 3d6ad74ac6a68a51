/* SPDX-License-Identifier: Apache-2.0 */
#include "tile.h"

#include <stdio.h>
#include <string.h>

#include "../picture_scale.h"
#include "lettering.h"

#define BORDER 4
#define INK    235

struct colour {
	uint8_t sample[3];
};

/* BT.601 of full range: grey, amber and green. */
static const struct colour border_colours[] = {
	[QV_SECURED_NONE] = { { 110, 128, 128 } },
	[QV_SECURED_CLASSIC] = { { 176, 45, 184 } },
	[QV_SECURED_QKD] = { { 140, 80, 60 } },
};
static const struct colour white = { { 255, 128, 128 } }, black = { { 0, 128, 128 } }, dark = { { 32, 128, 128 } },
			   unlit = { { 64, 128, 128 } };

static void fill(struct qv_picture *canvas, const struct box *box, const struct colour *colour)
{
	struct qv_frame frame = qv_picture_frame(canvas);
	for (int i = 0; i < 3 && box->width > 0 && box->height > 0; i++) {
		int half = i > 0;
		uint8_t *plane = qv_picture_plane(canvas, i);
		for (int y = box->y >> half; y < (box->y + box->height) >> half; y++)
			memset(plane + (size_t)y * (size_t)frame.stride[i] + (box->x >> half), colour->sample[i],
			       (size_t)(box->width >> half));
	}
}

static struct box inset(const struct box *box, int by)
{
	return (struct box){ box->x + by, box->y + by, box->width - 2 * by, box->height - 2 * by };
}

static int dot_of(const struct box *cell)
{
	return cell->width >= 720 ? 2 : 1;
}

/* A line for the name, in letters twice as large, and two for the rest, as far as there is room. */
static int caption_height(const struct box *cell)
{
	int tall = (dot_of(cell) * (2 * LETTER_LINE + 2 * LETTER_LINE) + 3) & ~1,
	    most = (cell->height - 2 * BORDER) & ~1;
	if (tall > most)
		tall = most > 0 ? most : 0;
	return tall;
}

struct box tile_picture_room(const struct box *cell)
{
	struct box room = inset(cell, BORDER);
	room.height -= caption_height(cell);
	return room;
}

/* Samples of limited range as those of full range. */
static void range_map(uint8_t map[256], bool chroma)
{
	for (int i = 0; i < 256; i++) {
		int value = chroma ? 128 + (i - 128) * 255 / 224 : (i - 16) * 255 / 219;
		map[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
	}
}

static void paint_plane(struct qv_picture *canvas, const struct box *box, const struct qv_frame *frame, int index)
{
	struct qv_frame target = qv_picture_frame(canvas);
	int half = index > 0, width, height;
	uint8_t map[256];
	range_map(map, index > 0);
	qv_plane_dimensions(&frame->format, index, &width, &height);
	struct plane from = { frame->plane[index], frame->stride[index], width, height };
	struct raster to = { qv_picture_plane(canvas, index) + (size_t)(box->y >> half) * (size_t)target.stride[index] +
				     (box->x >> half),
			     target.stride[index], box->width >> half, box->height >> half };
	scale_plane(&from, &to, frame->format.range == QV_RANGE_LIMITED ? map : NULL);
}

static void paint_picture(struct qv_picture *canvas, const struct box *room, const struct qv_frame *frame)
{
	struct box box = grid_fit(room, frame->format.width, frame->format.height);
	int planes = qv_pixel_planes(frame->format.pixel);
	fill(canvas, &box, &black); /* for what has no colour */
	for (int i = 0; i < planes; i++)
		paint_plane(canvas, &box, frame, i);
}

static void write_in(struct qv_picture *canvas, const struct box *box, int dot, const char *text)
{
	char ascii[TILE_TEXT];
	struct qv_frame frame = qv_picture_frame(canvas);
	lettering_ascii(ascii, sizeof ascii, text);
	lettering_draw(qv_picture_plane(canvas, 0), frame.stride[0], box, dot, INK, ascii);
}

/* How loud this one is, at the right end of the name. */
static void paint_meter(struct qv_picture *canvas, const struct box *name, int dot, int level)
{
	int step = 4 * dot, left = (name->x + name->width - TILE_LEVELS * step) & ~1;
	for (int i = 0; i < TILE_LEVELS; i++) {
		struct box bar = { left + i * step, name->y, step - 2, name->height & ~1 };
		if (bar.x >= name->x)
			fill(canvas, &bar, i < level ? &border_colours[QV_SECURED_QKD] : &unlit);
	}
}

static void paint_caption(struct qv_picture *canvas, const struct box *cell, const struct tile *tile)
{
	struct box inside = inset(cell, BORDER);
	int dot = dot_of(cell), tall = caption_height(cell);
	struct box strip = { inside.x, inside.y + inside.height - tall, inside.width, tall };
	struct box name = { strip.x + 2, strip.y + 2, strip.width - 4, 2 * LETTER_LINE * dot };
	if (name.height > tall - 2)
		name.height = tall - 2;
	struct box letters = { name.x, name.y, name.width - TILE_LEVELS * 4 * dot - 4, name.height };
	struct box words = { strip.x + 2, name.y + name.height, strip.width - 4, tall - 2 - name.height };
	fill(canvas, &strip, &dark);
	if (letters.width > 0)
		write_in(canvas, &letters, 2 * dot, tile->name);
	paint_meter(canvas, &name, dot, tile->level);
	write_in(canvas, &words, dot, tile->text);
}

static void paint_note(struct qv_picture *canvas, const struct box *room, const struct tile *tile)
{
	char text[sizeof tile->note + 32];
	snprintf(text, sizeof text, "no picture%s%s", tile->note[0] ? ": " : "", tile->note);
	int dot = room->width >= 300 ? 2 : 1;
	int tall = lettering_lines(room->width - 8, dot, text) * LETTER_LINE * dot;
	if (tall > room->height)
		tall = room->height;
	struct box box = { room->x + 4, room->y + (room->height - tall) / 2, room->width - 8, tall };
	write_in(canvas, &box, dot, text);
}

/* A warning stands above everything else; one thing at a time has room. */
static const char *overlay_of(const struct tile *tile)
{
	if (tile->overlay[QV_OVERLAY_WARNING][0])
		return tile->overlay[QV_OVERLAY_WARNING];
	return tile->overlay[QV_OVERLAY_HELP][0] ? tile->overlay[QV_OVERLAY_HELP] : tile->overlay[QV_OVERLAY_NOTICE];
}

/* Each line of the text from the top of the picture on, as far as there is room. */
static void paint_overlay(struct qv_picture *canvas, const struct box *room, const char *text)
{
	char line[TILE_OVERLAY];
	int dot = dot_of(room), top = room->y;
	while (*text && top + LETTER_LINE * dot <= room->y + room->height) {
		size_t length = strcspn(text, "\n");
		snprintf(line, sizeof line, "%.*s", (int)length, text);
		text += length + (text[length] == '\n');
		int tall = lettering_lines(room->width - 4, dot, line) * LETTER_LINE * dot + 2;
		if (top + tall > room->y + room->height)
			tall = room->y + room->height - top;
		struct box strip = { room->x, top, room->width, (tall + 1) & ~1 };
		struct box inside = { strip.x + 2, strip.y + 1, strip.width - 4, tall };
		fill(canvas, &strip, &dark);
		write_in(canvas, &inside, dot, line);
		top += strip.height;
	}
}

void tile_paint(struct qv_picture *canvas, const struct box *cell, const struct tile *tile)
{
	struct box inside = inset(cell, BORDER), room = tile_picture_room(cell);
	fill(canvas, cell, &border_colours[tile->secured]);
	if (tile->speaks) {
		struct box edge = inset(cell, BORDER - 2);
		fill(canvas, &edge, &white);
	}
	fill(canvas, &inside, &black);
	if (room.width >= 2 && room.height >= 2) {
		if (tile->frame)
			paint_picture(canvas, &room, tile->frame);
		else
			paint_note(canvas, &room, tile);
	}
	if (room.width >= 2 && room.height >= 2)
		paint_overlay(canvas, &room, overlay_of(tile));
	paint_caption(canvas, cell, tile);
}

void tile_clear(struct qv_picture *canvas)
{
	struct qv_frame frame = qv_picture_frame(canvas);
	struct box whole = { 0, 0, frame.format.width, frame.format.height };
	fill(canvas, &whole, &black);
}
