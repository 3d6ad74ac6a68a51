/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../core/call/fitting.h"

static struct qv_video_format format_of(enum qv_pixel pixel, int width, int height)
{
	return (struct qv_video_format){ pixel, QV_RANGE_FULL, width, height, 30, 1 };
}

/* Brighter to the right and downwards, each plane from a value of its own. */
static struct qv_picture *slope(const struct qv_video_format *format)
{
	struct qv_picture *picture = qv_picture_new(format, NULL);
	assert_non_null(picture);
	struct qv_frame frame = qv_picture_frame(picture);
	for (int i = 0; i < qv_pixel_planes(format->pixel); i++) {
		int width, height;
		qv_plane_dimensions(format, i, &width, &height);
		for (int y = 0; y < height; y++)
			for (int x = 0; x < width; x++)
				qv_picture_plane(picture, i)[(size_t)y * (size_t)frame.stride[i] + (size_t)x] =
					(uint8_t)(20 * i + 100 * x / width + 80 * y / height);
	}
	return picture;
}

static void assert_slope(const struct qv_frame *frame)
{
	for (int i = 0; i < qv_pixel_planes(frame->format.pixel); i++) {
		int width, height;
		qv_plane_dimensions(&frame->format, i, &width, &height);
		for (int y = 0; y < height; y++)
			for (int x = 0; x < width; x++) {
				int is = frame->plane[i][(size_t)y * (size_t)frame->stride[i] + (size_t)x];
				int should = 20 * i + 100 * x / width + 80 * y / height;
				assert_in_range(is, should - 4 < 0 ? 0 : should - 4, should + 4);
			}
	}
}

static void every_size_shows_the_same_picture(void **state)
{
	(void)state;
	static const enum qv_pixel pixels[] = { QV_PIXEL_I420, QV_PIXEL_I422, QV_PIXEL_I444, QV_PIXEL_GRAY };
	static const int sides[][2] = { { 640, 480 }, { 641, 363 }, { 360, 640 } };
	for (size_t i = 0; i < sizeof pixels / sizeof pixels[0] * 3; i++) {
		struct qv_video_format format = format_of(pixels[i / 3], sides[i % 3][0], sides[i % 3][1]);
		struct fitting fitting = { .picture = NULL };
		struct qv_picture *picture = slope(&format);
		struct qv_frame frame = qv_picture_frame(picture), fitted;
		frame.capture_ns = 77;
		frame.sequence = 5;
		fitting_begin(&fitting, &format, "vp8");
		assert_true(fitting.size.steps > 3);
		for (unsigned step = 0; step < fitting.size.steps; step++) {
			fitting.size.step = step;
			struct qv_video_format now = fitting_format(&fitting);
			assert_int_equal(fitting_frame(&fitting, &frame, &fitted, NULL), 0);
			assert_memory_equal(&fitted.format, &now, sizeof now);
			assert_int_equal(qv_frame_check(&fitted, NULL), 0);
			assert_true(fitted.capture_ns == 77 && fitted.sequence == 5);
			assert_slope(&fitted);
		}
		/* The camera's own size is its own frame. */
		fitting.size.step = 0;
		assert_int_equal(fitting_frame(&fitting, &frame, &fitted, NULL), 0);
		assert_ptr_equal(fitted.plane[0], frame.plane[0]);
		fitting_clear(&fitting);
		qv_picture_free(picture);
	}
}

/* A camera may give what it did not announce. */
static void another_frame_than_announced_goes_as_it_is(void **state)
{
	(void)state;
	struct qv_video_format format = format_of(QV_PIXEL_I420, 640, 480);
	struct qv_video_format other = format_of(QV_PIXEL_I420, 320, 240);
	struct fitting fitting = { .picture = NULL };
	struct qv_picture *picture = slope(&other);
	struct qv_frame frame = qv_picture_frame(picture), fitted;
	fitting_begin(&fitting, &format, "vp8");
	assert_true(picture_size_follow(&fitting.size, 1, 0));
	assert_int_equal(fitting_frame(&fitting, &frame, &fitted, NULL), 0);
	assert_ptr_equal(fitted.plane[0], frame.plane[0]);
	assert_int_equal(fitted.format.width, 320);
	/* One with less memory than it says is refused. */
	frame.format = format;
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(fitting_frame(&fitting, &frame, &fitted, &err), -1);
	assert_int_equal(err.code, QV_E_INVALID);
	fitting_clear(&fitting);
	qv_picture_free(picture);
}

static void what_cannot_be_scaled_keeps_its_size(void **state)
{
	(void)state;
	struct qv_video_format jpeg = format_of(QV_PIXEL_JPEG, 1280, 720), planar = format_of(QV_PIXEL_I420, 1280, 720);
	struct fitting fitting = { .picture = NULL };
	fitting_begin(&fitting, &jpeg, "vp8");
	assert_false(picture_size_follow(&fitting.size, 1, 0));
	fitting_begin(&fitting, &planar, NULL);
	assert_false(picture_size_follow(&fitting.size, 1, 0));
	fitting_begin(&fitting, &planar, "vp8");
	assert_true(picture_size_follow(&fitting.size, 1, 0));
	fitting_clear(&fitting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_shows_the_same_picture),
		cmocka_unit_test(another_frame_than_announced_goes_as_it_is),
		cmocka_unit_test(what_cannot_be_scaled_keeps_its_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
