/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern.h"

#include <qvisio/clock.h>

#include <stdio.h>
#include <string.h>

#include "digits.h"

#define BARS  8
#define SPEED 4 /* px that things move in a frame */

struct colour {
	uint8_t sample[3];
};

/* White, yellow, cyan, green, magenta, red, blue, black at 75 %, in BT.601 limited range. */
static const struct colour bars[BARS] = {
	{ { 180, 128, 128 } }, { { 162, 44, 142 } }, { { 131, 156, 44 } }, { { 112, 72, 58 } },
	{ { 84, 184, 198 } },  { { 65, 100, 212 } }, { { 35, 212, 114 } }, { { 16, 128, 128 } },
};
static const struct colour white = { { 235, 128, 128 } };
static const struct colour black = { { 16, 128, 128 } };

/* In luma pixels; chroma edges are rounded up, as plane sizes are. */
static void fill(struct qv_picture *picture, int left, int top, int right, int bottom, const struct colour *colour)
{
	struct qv_frame frame = qv_picture_frame(picture);
	const struct qv_video_format *format = &frame.format;
	for (int i = 0; i < qv_pixel_planes(format->pixel); i++) {
		int width, height;
		qv_plane_dimensions(format, i, &width, &height);
		int across = width < format->width ? 2 : 1, down = height < format->height ? 2 : 1;
		int x = (left + across - 1) / across, end = (right + across - 1) / across;
		for (int y = (top + down - 1) / down; y < (bottom + down - 1) / down; y++)
			memset(qv_picture_plane(picture, i) + (size_t)y * (size_t)frame.stride[i] + x,
			       colour->sample[i], (size_t)(end - x));
	}
}

/* Where something that moves `SPEED` px a frame between 0 and `span` is. */
static int bounce(uint64_t sequence, int span)
{
	if (span < 1)
		return 0;
	int at = (int)(sequence * SPEED % (2 * (uint64_t)span));
	return at < span ? at : 2 * span - at;
}

static void paint_digits(struct qv_picture *picture, int top, int bottom, uint64_t sequence, int64_t capture_ns)
{
	struct qv_frame frame = qv_picture_frame(picture);
	int width = frame.format.width;
	char text[64];
	int count =
		snprintf(text, sizeof text, "#%llu %lld.%06lld s", (unsigned long long)sequence,
			 (long long)(capture_ns / QV_NS_PER_SECOND), (long long)(capture_ns % QV_NS_PER_SECOND / 1000));
	int dot = width / digits_width(count);
	int tallest = (bottom - top) / 8;
	if (dot > tallest)
		dot = tallest;
	if (dot < 1)
		dot = 1;
	fill(picture, 0, top, width, bottom, &black);
	digits_draw(qv_picture_plane(picture, 0), frame.stride[0], width, bottom, dot,
		    top + (bottom - top - 7 * dot) / 2, dot, text);
}

static void paint_bars(struct qv_picture *picture, int top, int bottom, uint64_t sequence)
{
	struct qv_frame frame = qv_picture_frame(picture);
	int width = frame.format.width, side = (bottom - top) / 4;
	for (int i = 0; i < BARS; i++)
		fill(picture, i * width / BARS, top, (i + 1) * width / BARS, bottom, &bars[i]);
	int x = bounce(sequence, width - side), y = top + bounce(sequence, bottom - top - side);
	fill(picture, x, y, x + side, y + side, &white);
}

static void paint_ramp(struct qv_picture *picture, int top, int bottom, uint64_t sequence)
{
	struct qv_frame frame = qv_picture_frame(picture);
	int width = frame.format.width, shift = (int)(sequence * SPEED % (uint64_t)width);
	uint8_t *first = qv_picture_plane(picture, 0) + (size_t)top * (size_t)frame.stride[0];
	fill(picture, 0, top, width, bottom, &black);
	for (int x = 0; x < width; x++)
		first[x] = (uint8_t)(16 + (x + shift) % width * 219 / width);
	for (int y = top + 1; y < bottom; y++)
		memcpy(first + (size_t)(y - top) * (size_t)frame.stride[0], first, (size_t)width);
}

int pattern_paint(struct qv_picture *picture, uint64_t sequence, int64_t capture_ns, struct qv_error *err)
{
	struct qv_frame frame = qv_picture_frame(picture);
	int height = frame.format.height;
	int digits = QV_STAMP_ROWS * height / QV_STAMP_GRID_ROWS;
	int colours = (QV_STAMP_ROWS + 2) * height / QV_STAMP_GRID_ROWS;
	int ramp = height * 4 / 5;
	struct qv_stamp stamp = { .number = (uint32_t)sequence, .capture_ns = capture_ns };
	paint_ramp(picture, ramp, height, sequence);
	paint_bars(picture, colours, ramp, sequence);
	paint_digits(picture, digits, colours, sequence, capture_ns);
	return qv_stamp_paint(picture, &stamp, err);
}
