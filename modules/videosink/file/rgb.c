/* SPDX-License-Identifier: Apache-2.0 */
#include "rgb.h"

#include <math.h>

/* Where a sample of a subsampled axis lies between two chroma samples: weights in quarters. */
struct tap {
	int at[2];
	int weight[2];
};

static struct tap tap_at(int position, bool halved, int size)
{
	if (!halved)
		return (struct tap){ { position, position }, { 4, 0 } };
	int near = position / 2, far = position % 2 ? near + 1 : near - 1;
	if (far < 0)
		far = 0;
	if (far >= size)
		far = size - 1;
	return (struct tap){ { near, far }, { 3, 1 } };
}

/* 16 times the chroma sample at a luma position. */
static int chroma_at(const struct qv_frame *frame, int plane, const struct tap *across, const struct tap *down)
{
	int sum = 0;
	for (int j = 0; j < 2; j++) {
		const uint8_t *row = frame->plane[plane] + (size_t)down->at[j] * (size_t)frame->stride[plane];
		for (int i = 0; i < 2; i++)
			sum += row[across->at[i]] * across->weight[i] * down->weight[j];
	}
	return sum;
}

static uint8_t clamp(double value)
{
	return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)lround(value);
}

/* BT.601, 2.5.1 and 2.5.2: luma weights 0.299, 0.587, 0.114. */
static void put_pixel(double luma, double cb, double cr, uint8_t *rgb)
{
	rgb[0] = clamp(luma + 1.402 * cr);
	rgb[1] = clamp(luma - (0.114 * 1.772 * cb + 0.299 * 1.402 * cr) / 0.587);
	rgb[2] = clamp(luma + 1.772 * cb);
}

void rgb_row(const struct qv_frame *frame, int y, uint8_t *rgb)
{
	const struct qv_video_format *format = &frame->format;
	bool colour = format->pixel != QV_PIXEL_GRAY;
	bool full = format->range == QV_RANGE_FULL;
	int width, height;
	qv_plane_dimensions(format, 1, &width, &height);
	struct tap down = tap_at(y, format->pixel == QV_PIXEL_I420, height);
	bool halved = format->pixel == QV_PIXEL_I420 || format->pixel == QV_PIXEL_I422;
	const uint8_t *luma = frame->plane[0] + (size_t)y * (size_t)frame->stride[0];
	for (int x = 0; x < format->width; x++) {
		double cb = 0, cr = 0, scale = full ? 1.0 : 255.0 / 224;
		if (colour) {
			struct tap across = tap_at(x, halved, width);
			cb = scale * (chroma_at(frame, 1, &across, &down) / 16.0 - 128);
			cr = scale * (chroma_at(frame, 2, &across, &down) / 16.0 - 128);
		}
		put_pixel(full ? luma[x] : (luma[x] - 16) * 255.0 / 219, cb, cr, rgb + 3 * (size_t)x);
	}
}
