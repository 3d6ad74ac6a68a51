/* SPDX-License-Identifier: Apache-2.0 */
/* The stamp survives a real JPEG codec at the quality of the original tools, down to 320x240. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <turbojpeg.h>

#include <qvisio/stamp.h>

static void through_jpeg(int width, int height, int quality, unsigned seed)
{
	struct qv_video_format format = { .pixel = QV_PIXEL_GRAY, .width = width, .height = height, .fps_den = 1 };
	struct qv_picture *picture = qv_picture_new(&format, NULL);
	assert_non_null(picture);
	struct qv_frame frame = qv_picture_frame(picture);
	uint8_t *luma = qv_picture_plane(picture, 0);
	srand(seed);
	for (size_t i = 0; i < frame.size[0]; i++)
		luma[i] = (uint8_t)rand();
	struct qv_stamp in = { .number = seed * 2654435761u, .capture_ns = INT64_C(1234567890123) * seed }, out;
	assert_int_equal(qv_stamp_paint(picture, &in, NULL), 0);
	tjhandle encoder = tjInitCompress(), decoder = tjInitDecompress();
	unsigned char *jpeg = NULL;
	unsigned long size = 0;
	assert_int_equal(tjCompress2(encoder, luma, width, frame.stride[0], height, TJPF_GRAY, &jpeg, &size,
				     TJSAMP_GRAY, quality, 0),
			 0);
	assert_int_equal(tjDecompress2(decoder, jpeg, size, luma, width, frame.stride[0], height, TJPF_GRAY, 0), 0);
	if (!qv_stamp_read(&frame, &out))
		fail_msg("no stamp in %dx%d at quality %d", width, height, quality);
	assert_int_equal(out.number, in.number);
	assert_int_equal(out.capture_ns, in.capture_ns);
	tjFree(jpeg);
	tjDestroy(encoder);
	tjDestroy(decoder);
	qv_picture_free(picture);
}

static void survives_jpeg(void **state)
{
	(void)state;
	static const int sizes[][2] = { { 320, 240 }, { 640, 480 }, { 641, 481 }, { 1280, 720 } };
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (unsigned seed = 1; seed <= 10; seed++) {
			through_jpeg(sizes[i][0], sizes[i][1], 25, seed);
			through_jpeg(sizes[i][0], sizes[i][1], 10, seed);
		}
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(survives_jpeg) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
