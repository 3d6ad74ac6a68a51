/* SPDX-License-Identifier: Apache-2.0 */
#include "video.h"

static uint8_t sample(int x, int y, int plane, int phase)
{
	int wave = (x * 3 + y * 2 + phase * 7) % 256;
	int triangle = wave < 128 ? wave : 255 - wave;
	static const int start[] = { 40, 64, 128 };
	return (uint8_t)(start[plane] + (plane == 0 ? triangle : triangle / 2));
}

struct qv_picture *video_picture(struct check *check, const struct qv_video_format *format, int phase)
{
	struct qv_error err = QV_ERROR_INIT;
	struct qv_picture *picture = qv_picture_new(format, &err);
	REQUIRE(check, picture, "%s", err.message);
	struct qv_frame frame = qv_picture_frame(picture);
	for (int plane = 0; plane < qv_pixel_planes(format->pixel); plane++) {
		int width, height;
		qv_plane_dimensions(format, plane, &width, &height);
		for (int y = 0; y < height; y++)
			for (int x = 0; x < width; x++)
				qv_picture_plane(picture, plane)[y * frame.stride[plane] + x] =
					sample(x, y, plane, phase);
	}
	return picture;
}

double video_mse(const struct qv_frame *a, const struct qv_frame *b)
{
	double sum = 0, count = 0;
	for (int plane = 0; plane < qv_pixel_planes(a->format.pixel); plane++) {
		int width, height;
		qv_plane_dimensions(&a->format, plane, &width, &height);
		for (int y = 0; y < height; y++)
			for (int x = 0; x < width; x++) {
				int d = a->plane[plane][y * a->stride[plane] + x] -
					b->plane[plane][y * b->stride[plane] + x];
				sum += d * d;
			}
		count += (double)width * height;
	}
	return sum / count;
}
