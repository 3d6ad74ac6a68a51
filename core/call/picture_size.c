/* SPDX-License-Identifier: Apache-2.0 */
#include "picture_size.h"

#include <string.h>

#include <qvisio/clock.h>

#define FPS_UNKNOWN 30
/* No picture is smaller, whichever way it is turned. */
#define LONG_SIDE_LEAST  160
#define SHORT_SIDE_LEAST 90
/* Bits for each pixel, below which a smaller picture looks better. */
#define LEAST_VP8 0.025
#define LEAST_VP9 0.02
/* How much more there must be for a larger one, so that it lasts. */
#define SPARE 1.5
/* Below this part of what is enough, one does not wait. */
#define FAR 0.5

#define POOR_NS         (1 * QV_NS_PER_SECOND)
#define POOR_FAR_NS     (QV_NS_PER_SECOND / 4)
#define PATIENCE_NS     (3 * QV_NS_PER_SECOND)
#define PATIENCE_MAX_NS (48 * QV_NS_PER_SECOND)
/* A larger size that was given up within that time was a mistake. */
#define STANDS_NS (15 * QV_NS_PER_SECOND)

static const struct {
	int num, den;
} ladder[] = { { 1, 1 }, { 3, 4 }, { 1, 2 }, { 1, 3 }, { 1, 4 } };
#define STEPS (sizeof ladder / sizeof ladder[0])

static int side_at(int side, unsigned step)
{
	return step == 0 ? side : side * ladder[step].num / ladder[step].den & ~1;
}

static bool too_small(int width, int height)
{
	int longer = width > height ? width : height, shorter = width > height ? height : width;
	return longer < LONG_SIDE_LEAST || shorter < SHORT_SIDE_LEAST;
}

void picture_size_begin(struct picture_size *size, int width, int height, double fps, const char *codec)
{
	*size = (struct picture_size){
		.width = width,
		.height = height,
		.pixels = (double)width * height * (fps > 0 ? fps : FPS_UNKNOWN),
		.least = strcmp(codec, "vp9") == 0 ? LEAST_VP9 : LEAST_VP8,
		.steps = 1,
		.poor_ns = -1,
		.rich_ns = -1,
		.raised_ns = -1,
		.patience_ns = PATIENCE_NS,
	};
	while (size->steps < STEPS && !too_small(side_at(width, size->steps), side_at(height, size->steps)))
		size->steps++;
}

void picture_size_get(const struct picture_size *size, int *width, int *height)
{
	*width = side_at(size->width, size->step);
	*height = side_at(size->height, size->step);
}

static double bits_at(const struct picture_size *size, unsigned step, int64_t bitrate)
{
	double part = (double)ladder[step].num / ladder[step].den;
	return (double)bitrate / (size->pixels * part * part);
}

/* The largest size whose pixels get so many bits, or else the smallest. */
static unsigned step_for(const struct picture_size *size, int64_t bitrate, double bits)
{
	unsigned step = 0;
	while (step + 1 < size->steps && bits_at(size, step, bitrate) < bits)
		step++;
	return step;
}

/* Since when a condition holds. */
static void note(int64_t *since, bool holds, int64_t now)
{
	if (!holds)
		*since = -1;
	else if (*since < 0)
		*since = now;
}

/* Whoever has just got larger in vain waits for longer the next time. */
static void go_to(struct picture_size *size, unsigned step, int64_t now)
{
	if (step < size->step) {
		size->raised_ns = now;
	} else if (size->raised_ns >= 0) {
		bool stood = now - size->raised_ns >= STANDS_NS;
		size->patience_ns = stood ? PATIENCE_NS : 2 * size->patience_ns;
		if (size->patience_ns > PATIENCE_MAX_NS)
			size->patience_ns = PATIENCE_MAX_NS;
		size->raised_ns = -1;
	}
	size->step = step;
	size->poor_ns = size->rich_ns = -1;
}

static unsigned look(struct picture_size *size, int64_t bitrate, int64_t now)
{
	double bits = bits_at(size, size->step, bitrate);
	unsigned larger = step_for(size, bitrate, SPARE * size->least);
	note(&size->poor_ns, bits < size->least, now);
	note(&size->rich_ns, larger < size->step, now);
	if (size->poor_ns >= 0 && now - size->poor_ns >= (bits < FAR * size->least ? POOR_FAR_NS : POOR_NS))
		return step_for(size, bitrate, size->least);
	if (size->rich_ns >= 0 && now - size->rich_ns >= size->patience_ns)
		return larger;
	return size->step;
}

bool picture_size_follow(struct picture_size *size, int64_t bitrate, int64_t now)
{
	unsigned before = size->step;
	if (bitrate <= 0)
		return false;
	unsigned step = size->begun ? look(size, bitrate, now) : step_for(size, bitrate, size->least);
	size->begun = true;
	if (step != before)
		go_to(size, step, now);
	return step != before;
}
