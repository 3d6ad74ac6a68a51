/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../core/picture_scale.h"
#include "../../../modules/videosource/testpattern/pattern.h"
#include "judge.h"
#include "recording.h"

static struct qv_picture *painted(uint64_t number)
{
	struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_LIMITED, 320, 240, 20, 1 };
	struct qv_picture *picture = qv_picture_new(&format, NULL);
	assert_non_null(picture);
	assert_int_equal(pattern_paint(picture, number, 1000 * (int64_t)number, NULL), 0);
	return picture;
}

static struct judgement judge_one(const struct qv_picture *picture)
{
	struct judge judge = { 0 };
	struct qv_frame frame = qv_picture_frame(picture);
	struct judgement it = judge_frame(&judge, &frame);
	judge_close(&judge);
	return it;
}

static void a_picture_as_painted_is_whole(void **state)
{
	(void)state;
	struct qv_picture *picture = painted(7);
	struct judgement it = judge_one(picture);
	assert_true(it.stamped && it.stamp.number == 7 && it.stamp.capture_ns == 7000);
	assert_true(it.psnr >= 99 && it.worst >= 99 && it.ssim > 0.9999);
	qv_picture_free(picture);
}

/* As a codec's noise would be: every sample off by 4. */
static void noise_is_measured_and_breaks_nothing(void **state)
{
	(void)state;
	struct qv_picture *picture = painted(8);
	struct qv_frame frame = qv_picture_frame(picture);
	uint8_t *luma = qv_picture_plane(picture, 0);
	for (int i = 0; i < frame.stride[0] * 240; i++)
		luma[i] = (uint8_t)(luma[i] + (luma[i] > 128 ? -4 : 4));
	struct judgement it = judge_one(picture);
	assert_true(it.stamped);
	assert_true(fabs(it.psnr - 10 * log10(255.0 * 255 / 16)) < 0.01);
	assert_true(it.worst > 30 && it.ssim < 1);
	qv_picture_free(picture);
}

/* What a decoder shows that goes on from a wrong picture. */
static void a_band_of_another_picture_is_found(void **state)
{
	(void)state;
	struct qv_picture *picture = painted(100), *other = painted(60);
	struct qv_frame frame = qv_picture_frame(picture), wrong = qv_picture_frame(other);
	size_t from = (size_t)frame.stride[0] * 210, size = (size_t)frame.stride[0] * 30;
	memcpy(qv_picture_plane(picture, 0) + from, wrong.plane[0] + from, size);
	struct judgement it = judge_one(picture);
	assert_true(it.stamped && it.stamp.number == 100);
	assert_true(it.worst < 15);
	assert_true(it.psnr > it.worst);
	qv_picture_free(picture);
	qv_picture_free(other);
}

/* Of a picture that was painted larger. */
static void a_small_one_is_judged_by_the_size_it_was_painted_in(void **state)
{
	(void)state;
	struct qv_picture *picture = painted(9);
	struct qv_video_format format = { QV_PIXEL_I420, QV_RANGE_LIMITED, 240, 180, 20, 1 };
	struct qv_picture *small = qv_picture_new(&format, NULL);
	struct qv_frame from = qv_picture_frame(picture), to = qv_picture_frame(small);
	struct judge judge = { .width = 320, .height = 240 };
	scale_plane(&(struct plane){ from.plane[0], from.stride[0], 320, 240 },
		    &(struct raster){ qv_picture_plane(small, 0), to.stride[0], 240, 180 }, NULL);
	struct judgement it = judge_frame(&judge, &to);
	assert_true(it.stamped && it.stamp.number == 9);
	assert_true(it.psnr > 20 && it.psnr < 60 && it.worst > 15);
	/* One of the full size is judged as ever, and a wrong one is found. */
	assert_true(judge_frame(&judge, &from).psnr >= 99);
	memset(qv_picture_plane(small, 0) + (size_t)to.stride[0] * 150, 60, (size_t)to.stride[0] * 20);
	assert_true(judge_frame(&judge, &to).worst < 15);
	judge_close(&judge);
	qv_picture_free(picture);
	qv_picture_free(small);
}

static void a_spoiled_stamp_is_none(void **state)
{
	(void)state;
	struct qv_picture *picture = painted(9);
	struct qv_frame frame = qv_picture_frame(picture);
	memset(qv_picture_plane(picture, 0), 126, (size_t)frame.stride[0] * 32);
	assert_false(judge_one(picture).stamped);
	qv_picture_free(picture);
}

/* Sound is found where it was heard, with silence between. */
static void sound_lies_at_its_time(void **state)
{
	(void)state;
	char *bytes = NULL;
	size_t size = 0;
	int16_t block[480];
	struct recording recording = { .file = open_memstream(&bytes, &size), .rate = 48000, .channels = 1 };
	assert_non_null(recording.file);
	for (size_t i = 0; i < 480; i++)
		block[i] = 1000;
	assert_int_equal(recording_put(&recording, 5000000, block, 480), 0);
	assert_int_equal(recording_put(&recording, 15000000, block, 480), 0); /* at once behind it */
	assert_int_equal(recording_put(&recording, 45000000, block, 480), 0); /* 20 ms late */
	fclose(recording.file);
	const char *head = "qv-sound 48000 1 5000000\n";
	assert_memory_equal(bytes, head, strlen(head));
	assert_int_equal(size - strlen(head), 2 * (480 + 480 + 960 + 480));
	for (size_t i = 0; i < 2400; i++) {
		int16_t sample;
		memcpy(&sample, bytes + strlen(head) + 2 * i, 2);
		assert_int_equal(sample, i < 960 || i >= 1920 ? 1000 : 0);
	}
	free(bytes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_picture_as_painted_is_whole),
		cmocka_unit_test(noise_is_measured_and_breaks_nothing),
		cmocka_unit_test(a_band_of_another_picture_is_found),
		cmocka_unit_test(a_small_one_is_judged_by_the_size_it_was_painted_in),
		cmocka_unit_test(a_spoiled_stamp_is_none),
		cmocka_unit_test(sound_lies_at_its_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
