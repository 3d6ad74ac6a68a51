/* SPDX-License-Identifier: Apache-2.0 */
/* Planes of samples in another size: the mean of what falls together when it gets small, interpolation otherwise. */
#ifndef QV_PICTURE_SCALE_H
#define QV_PICTURE_SCALE_H

#include <stdint.h>

/* Sides are 1…QV_VIDEO_SIDE_MAX. */
struct plane {
	const uint8_t *samples;
	int stride, width, height;
};
struct raster {
	uint8_t *samples;
	int stride, width, height;
};

/* `map` gives each sample its value in `to`; NULL: as it is. */
void scale_plane(const struct plane *from, const struct raster *to, const uint8_t *map);

#endif
