/* SPDX-License-Identifier: Apache-2.0 */
#include "picture_scale.h"

#include <string.h>

#include <qvisio/media.h>

/* Where a sample of the target lies in the source: between `at` and `next`, nearer to that by fraction / 256. */
struct place {
	int at, next, fraction;
};

static struct place place_of(int target, int from, int to)
{
	/* Centres of samples, in 1/256 of a source sample. */
	int64_t centre = ((2 * (int64_t)target + 1) * from * 128) / to - 128;
	if (centre < 0)
		centre = 0;
	struct place place = { .at = (int)(centre >> 8), .fraction = (int)(centre & 255) };
	place.next = place.at + 1 < from ? place.at + 1 : place.at;
	return place;
}

static void interpolate(const struct plane *from, const struct raster *to)
{
	struct place across[QV_VIDEO_SIDE_MAX];
	for (int x = 0; x < to->width; x++)
		across[x] = place_of(x, from->width, to->width);
	for (int y = 0; y < to->height; y++) {
		struct place down = place_of(y, from->height, to->height);
		const uint8_t *upper = from->samples + (size_t)down.at * (size_t)from->stride;
		const uint8_t *lower = from->samples + (size_t)down.next * (size_t)from->stride;
		uint8_t *out = to->samples + (size_t)y * (size_t)to->stride;
		for (int x = 0; x < to->width; x++) {
			const struct place *place = &across[x];
			int a = upper[place->at] * (256 - place->fraction) + upper[place->next] * place->fraction;
			int b = lower[place->at] * (256 - place->fraction) + lower[place->next] * place->fraction;
			out[x] = (uint8_t)((a * (256 - down.fraction) + b * down.fraction + (1 << 15)) >> 16);
		}
	}
}

static int edge(int target, int from, int to)
{
	return (int)((int64_t)target * from / to);
}

/* Sums of whole source rows first, so that the inner loop is along memory. */
static void average(const struct plane *from, const struct raster *to)
{
	uint32_t columns[QV_VIDEO_SIDE_MAX];
	for (int y = 0; y < to->height; y++) {
		int top = edge(y, from->height, to->height), bottom = edge(y + 1, from->height, to->height);
		memset(columns, 0, sizeof columns[0] * (size_t)from->width);
		for (int row = top; row < bottom; row++) {
			const uint8_t *in = from->samples + (size_t)row * (size_t)from->stride;
			for (int x = 0; x < from->width; x++)
				columns[x] += in[x];
		}
		uint8_t *out = to->samples + (size_t)y * (size_t)to->stride;
		for (int x = 0; x < to->width; x++) {
			int left = edge(x, from->width, to->width), right = edge(x + 1, from->width, to->width);
			uint64_t sum = 0, count = (uint64_t)(right - left) * (uint64_t)(bottom - top);
			for (int column = left; column < right; column++)
				sum += columns[column];
			out[x] = (uint8_t)((sum + count / 2) / count);
		}
	}
}

static void copy(const struct plane *from, const struct raster *to)
{
	for (int y = 0; y < to->height; y++)
		memcpy(to->samples + (size_t)y * (size_t)to->stride, from->samples + (size_t)y * (size_t)from->stride,
		       (size_t)to->width);
}

void scale_plane(const struct plane *from, const struct raster *to, const uint8_t *map)
{
	if (from->width == to->width && from->height == to->height)
		copy(from, to);
	else if (from->width >= 2 * to->width && from->height >= 2 * to->height)
		average(from, to);
	else
		interpolate(from, to);
	for (int y = 0; map && y < to->height; y++) {
		uint8_t *row = to->samples + (size_t)y * (size_t)to->stride;
		for (int x = 0; x < to->width; x++)
			row[x] = map[row[x]];
	}
}
