/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/stamp.h>

static const struct qv_stamp sample = { .number = 0xdeadbeef, .capture_ns = 0x0123456789abcde };

static struct qv_picture *stamped(enum qv_pixel pixel, int width, int height, const struct qv_stamp *stamp)
{
	struct qv_video_format format = {
		.pixel = pixel, .width = width, .height = height, .fps_num = 30, .fps_den = 1
	};
	struct qv_picture *picture = qv_picture_new(&format, NULL);
	assert_non_null(picture);
	assert_int_equal(qv_stamp_paint(picture, stamp, NULL), 0);
	return picture;
}

static bool reads(const struct qv_picture *picture, const struct qv_stamp *expected)
{
	struct qv_frame frame = qv_picture_frame(picture);
	struct qv_stamp stamp = { .number = 1, .capture_ns = 2 };
	if (!qv_stamp_read(&frame, &stamp)) {
		assert_int_equal(stamp.number, 1);
		return false;
	}
	return stamp.number == expected->number && stamp.capture_ns == expected->capture_ns;
}

static void read_back_at_every_size_and_format(void **state)
{
	(void)state;
	static const int sizes[][2] = { { 160, 120 }, { 161, 123 },  { 320, 240 },  { 640, 480 },
					{ 641, 479 }, { 1280, 720 }, { 8192, 4096 } };
	static const struct qv_stamp stamps[] = { { 0, 0 }, { UINT32_MAX, (INT64_C(1) << 60) - 1 }, { 7, 123456789 } };
	for (int pixel = QV_PIXEL_I420; pixel <= QV_PIXEL_GRAY; pixel++)
		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
			for (size_t j = 0; j < sizeof stamps / sizeof stamps[0]; j++) {
				struct qv_picture *picture =
					stamped((enum qv_pixel)pixel, sizes[i][0], sizes[i][1], &stamps[j]);
				assert_true(reads(picture, &stamps[j]));
				qv_picture_free(picture);
			}
}

static void paints_only_the_top(void **state)
{
	(void)state;
	struct qv_picture *picture = stamped(QV_PIXEL_I420, 640, 480, &sample);
	struct qv_frame frame = qv_picture_frame(picture);
	for (int y = 128; y < 480; y++)
		for (int x = 0; x < 640; x++)
			assert_int_equal(frame.plane[0][y * frame.stride[0] + x], 16);
	/* The layout that the header gives: cells 1 0 1 0, then the number 0xd… */
	static const uint8_t first[8] = { 235, 16, 235, 16, 235, 235, 16, 235 };
	for (int i = 0; i < 8; i++)
		assert_int_equal(frame.plane[0][16 * frame.stride[0] + i * 640 / 26 + 12], first[i]);
	qv_picture_free(picture);
}

static void what_does_not_fit_is_refused(void **state)
{
	(void)state;
	struct qv_video_format format = { .pixel = QV_PIXEL_GRAY, .width = 159, .height = 120, .fps_den = 1 };
	struct qv_picture *picture = qv_picture_new(&format, NULL);
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(qv_stamp_paint(picture, &sample, &err), -1);
	assert_int_equal(err.code, QV_E_INVALID);
	assert_false(reads(picture, &sample));
	qv_picture_free(picture);
	struct qv_stamp late = { .capture_ns = INT64_C(1) << 60 }, early = { .capture_ns = -1 };
	picture = stamped(QV_PIXEL_GRAY, 160, 120, &sample);
	assert_int_equal(qv_stamp_paint(picture, &late, NULL), -1);
	assert_int_equal(qv_stamp_paint(picture, &early, NULL), -1);
	assert_true(reads(picture, &sample));
	qv_picture_free(picture);
}

static void invert_cell(struct qv_picture *picture, int cell)
{
	struct qv_frame frame = qv_picture_frame(picture);
	uint8_t *luma = qv_picture_plane(picture, 0);
	int column = cell % 26, row = cell / 26;
	for (int y = row * 480 / 15; y < (row + 1) * 480 / 15; y++)
		for (int x = column * 640 / 26; x < (column + 1) * 640 / 26; x++)
			luma[y * frame.stride[0] + x] = luma[y * frame.stride[0] + x] > 128 ? 16 : 235;
}

static void any_one_or_two_wrong_cells_are_rejected(void **state)
{
	(void)state;
	struct qv_picture *picture = stamped(QV_PIXEL_GRAY, 640, 480, &sample);
	for (int i = 0; i < 104; i++) {
		invert_cell(picture, i);
		if (reads(picture, &sample))
			fail_msg("cell %d was wrong, and the stamp was accepted", i);
		struct qv_frame frame = qv_picture_frame(picture);
		struct qv_stamp stamp;
		assert_false(qv_stamp_read(&frame, &stamp));
		for (int j = i + 1; j < 104; j += 7) {
			invert_cell(picture, j);
			assert_false(qv_stamp_read(&frame, &stamp));
			invert_cell(picture, j);
		}
		invert_cell(picture, i);
	}
	assert_true(reads(picture, &sample));
	qv_picture_free(picture);
}

static void an_unclear_cell_is_rejected(void **state)
{
	(void)state;
	struct qv_picture *picture = stamped(QV_PIXEL_GRAY, 640, 480, &sample);
	struct qv_frame frame = qv_picture_frame(picture);
	uint8_t *luma = qv_picture_plane(picture, 0);
	for (int y = 32; y < 64; y++)
		memset(luma + y * frame.stride[0], 126, 24);
	assert_false(reads(picture, &sample));
	qv_picture_free(picture);
}

static void pictures_without_a_stamp_are_rejected(void **state)
{
	(void)state;
	struct qv_picture *picture = stamped(QV_PIXEL_GRAY, 320, 240, &sample);
	struct qv_frame frame = qv_picture_frame(picture);
	struct qv_stamp stamp;
	for (int level = 0; level < 256; level++) {
		memset(qv_picture_plane(picture, 0), level, frame.size[0]);
		assert_false(qv_stamp_read(&frame, &stamp));
	}
	/* Noise: 8 CRC bits and 4 fixed cells let through at most a few in 10,000 even of clear random cells. */
	srand(1);
	int accepted = 0;
	for (int round = 0; round < 5000; round++) {
		for (int row = 0; row < 4; row++)
			for (int column = 0; column < 26; column++) {
				int level = rand() & 1 ? 235 : 16;
				for (int y = row * 16; y < row * 16 + 16; y++)
					memset(qv_picture_plane(picture, 0) + y * frame.stride[0] + column * 320 / 26,
					       level, 13);
			}
		accepted += qv_stamp_read(&frame, &stamp);
	}
	assert_in_range(accepted, 0, 8);
	frame.size[0] = 100;
	assert_false(qv_stamp_read(&frame, &stamp));
	qv_picture_free(picture);
}

static void read_through_noise_and_lower_contrast(void **state)
{
	(void)state;
	struct qv_picture *picture = stamped(QV_PIXEL_GRAY, 640, 480, &sample);
	struct qv_frame frame = qv_picture_frame(picture);
	uint8_t *luma = qv_picture_plane(picture, 0);
	srand(2);
	for (size_t i = 0; i < frame.size[0]; i++) {
		int level = 60 + luma[i] / 2 + rand() % 101 - 50;
		luma[i] = (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
	}
	assert_true(reads(picture, &sample));
	qv_picture_free(picture);
}

static void read_after_scaling_down(void **state)
{
	(void)state;
	struct qv_picture *big = stamped(QV_PIXEL_GRAY, 1280, 720, &sample);
	struct qv_frame from = qv_picture_frame(big);
	struct qv_picture *small = stamped(QV_PIXEL_GRAY, 320, 240, &(struct qv_stamp){ 0, 0 });
	uint8_t *luma = qv_picture_plane(small, 0);
	int stride = qv_picture_frame(small).stride[0];
	for (int y = 0; y < 240; y++)
		for (int x = 0; x < 320; x++) {
			int sum = 0;
			for (int i = 0; i < 12; i++)
				sum += from.plane[0][(y * 3 + i / 4) * from.stride[0] + x * 4 + i % 4];
			luma[y * stride + x] = (uint8_t)(sum / 12);
		}
	assert_true(reads(small, &sample));
	qv_picture_free(small);
	qv_picture_free(big);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_back_at_every_size_and_format),
		cmocka_unit_test(paints_only_the_top),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(any_one_or_two_wrong_cells_are_rejected),
		cmocka_unit_test(an_unclear_cell_is_rejected),
		cmocka_unit_test(pictures_without_a_stamp_are_rejected),
		cmocka_unit_test(read_through_noise_and_lower_contrast),
		cmocka_unit_test(read_after_scaling_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
