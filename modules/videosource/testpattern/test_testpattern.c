/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <qvisio/stamp.h>

#include "../common/open_source.h"

#define NOTHING                                                                                                        \
	(const char *const[])                                                                                          \
	{                                                                                                              \
		NULL                                                                                                   \
	}

/* A clock that stands still until a test moves it. */
struct still_clock {
	struct qv_clock clock; /* first, so that the clock's address is this struct's */
	int64_t now;
};

static int64_t still_now(const struct qv_clock *clock)
{
	return ((const struct still_clock *)(const void *)clock)->now;
}

static const struct qv_host host = { .size = sizeof host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };

static void open_or_fail(struct opened *opened, const char *const *options, const struct qv_host *with)
{
	struct qv_error err = QV_ERROR_INIT;
	if (open_source(opened, "testpattern", options, QV_PIXELS_PLANAR, with, &err) != 0)
		fail_msg("open: %s", err.message);
}

static void defaults_are_640x480_at_30(void **state)
{
	(void)state;
	struct opened it;
	open_or_fail(&it, NOTHING, &host);
	struct qv_video_format format;
	it.class->format(it.source, &format);
	assert_int_equal(format.pixel, QV_PIXEL_I420);
	assert_int_equal(format.range, QV_RANGE_LIMITED);
	assert_int_equal(format.width, 640);
	assert_int_equal(format.height, 480);
	assert_int_equal(format.fps_num, 30);
	assert_int_equal(format.fps_den, 1);
	close_source(&it);
}

static void every_frame_carries_its_number_and_time(void **state)
{
	(void)state;
	static const char *const pixels[] = { "pixel=i420", "pixel=i422", "pixel=i444", "pixel=gray" };
	for (size_t i = 0; i < 4; i++) {
		struct opened it;
		open_or_fail(&it, (const char *const[]){ pixels[i], "width=321", "height=243", "fps=240", NULL },
			     &host);
		int64_t before = qv_clock_now(&qv_clock_monotonic), last = -1;
		for (int n = 0; n < 12; n++) {
			struct qv_frame frame;
			struct qv_stamp stamp;
			assert_int_equal(it.class->read(it.source, &frame, -1, NULL), 1);
			assert_int_equal(qv_frame_check(&frame, NULL), 0);
			assert_int_equal(frame.format.pixel, QV_PIXEL_I420 + (int)i);
			assert_true(qv_stamp_read(&frame, &stamp));
			assert_int_equal(stamp.number, frame.sequence);
			assert_int_equal(stamp.capture_ns, frame.capture_ns);
			assert_true((int64_t)frame.sequence > last);
			assert_true(frame.capture_ns >= before);
			assert_true(frame.capture_ns <= qv_clock_now(&qv_clock_monotonic));
			last = (int64_t)frame.sequence;
		}
		close_source(&it);
	}
}

static uint64_t next_sequence(struct opened *it, int64_t *capture_ns)
{
	struct qv_frame frame;
	assert_int_equal(it->class->read(it->source, &frame, -1, NULL), 1);
	*capture_ns = frame.capture_ns;
	return frame.sequence;
}

static void missed_instants_are_gaps_and_nothing_drifts(void **state)
{
	(void)state;
	struct still_clock still = { .clock = { .now = still_now }, .now = 5 * QV_NS_PER_SECOND };
	struct qv_host held = { .size = sizeof held, .clock = &still.clock, .cancel_fd = -1 };
	struct opened it;
	int64_t at, start = still.now;
	open_or_fail(&it, (const char *const[]){ "fps=30", NULL }, &held);
	still.now = start += QV_NS_PER_SECOND; /* the clock of the frames starts with the first read */
	assert_int_equal(next_sequence(&it, &at), 0);
	assert_int_equal(at, start);
	still.now = start + QV_NS_PER_SECOND / 3 + 1000; /* instant 10 has just passed */
	assert_int_equal(next_sequence(&it, &at), 10);
	assert_int_equal(at, start + QV_NS_PER_SECOND / 3);
	still.now = start + 1000000 * QV_NS_PER_SECOND;
	assert_int_equal(next_sequence(&it, &at), 30000000);
	assert_int_equal(at, still.now);
	assert_int_equal(next_sequence(&it, &at), 30000001);
	assert_int_equal(at, still.now + QV_NS_PER_SECOND / 30);
	close_source(&it);
}

static void timeout_and_cancel_end_the_wait(void **state)
{
	(void)state;
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	struct still_clock still = { .clock = { .now = still_now }, .now = QV_NS_PER_SECOND };
	struct qv_host held = { .size = sizeof held, .clock = &still.clock, .cancel_fd = ends[0] };
	struct opened it;
	open_or_fail(&it, (const char *const[]){ "fps=1", NULL }, &held);
	assert_int_equal(it.class->read(it.source, &frame, 0, &err), 1);
	assert_int_equal(it.class->read(it.source, &frame, 0, &err), 0);
	assert_int_equal(it.class->read(it.source, &frame, 1, &err), 0);
	assert_int_equal(write(ends[1], "", 1), 1);
	assert_int_equal(it.class->read(it.source, &frame, -1, &err), -1);
	assert_int_equal(err.code, QV_E_CANCELLED);
	still.now += 10 * QV_NS_PER_SECOND; /* a frame is due, and it is cancelled all the same */
	assert_int_equal(it.class->read(it.source, &frame, -1, &err), -1);
	assert_int_equal(err.code, QV_E_CANCELLED);
	close_source(&it);
	close(ends[0]);
	close(ends[1]);
}

static void ends_after_its_frames(void **state)
{
	(void)state;
	struct opened it;
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	open_or_fail(&it, (const char *const[]){ "frames=2", "fps=240", NULL }, &host);
	assert_int_equal(it.class->read(it.source, &frame, -1, &err), 1);
	assert_int_equal(it.class->read(it.source, &frame, -1, &err), 1);
	assert_int_equal(it.class->read(it.source, &frame, -1, &err), -1);
	assert_int_equal(err.code, QV_E_END);
	assert_string_equal(err.message, "the test pattern ended after 2 frames");
	close_source(&it);
}

static void the_picture_moves(void **state)
{
	(void)state;
	struct opened it;
	struct qv_frame frame;
	uint8_t ramp[640];
	open_or_fail(&it, (const char *const[]){ "fps=240", NULL }, &host);
	assert_int_equal(it.class->read(it.source, &frame, -1, NULL), 1);
	memcpy(ramp, frame.plane[0] + (size_t)frame.stride[0] * 450, sizeof ramp);
	uint64_t first = frame.sequence;
	assert_int_equal(it.class->read(it.source, &frame, -1, NULL), 1);
	size_t shift = (size_t)(frame.sequence - first) * 4 % 640;
	const uint8_t *row = frame.plane[0] + (size_t)frame.stride[0] * 450;
	assert_memory_equal(row, ramp + shift, 640 - shift);
	close_source(&it);
}

static void a_codec_that_takes_none_of_it_is_told(void **state)
{
	(void)state;
	struct opened it;
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(open_source(&it, "testpattern", (const char *const[]){ "pixel=i444", NULL },
				     QV_PIXEL_BIT(QV_PIXEL_I420), &host, &err),
			 -1);
	assert_int_equal(err.code, QV_E_CONFIG);
	assert_string_equal(err.message, "test: pixel: the video codec does not take the test pattern as i444");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_640x480_at_30),
		cmocka_unit_test(every_frame_carries_its_number_and_time),
		cmocka_unit_test(missed_instants_are_gaps_and_nothing_drifts),
		cmocka_unit_test(timeout_and_cancel_end_the_wait),
		cmocka_unit_test(ends_after_its_frames),
		cmocka_unit_test(the_picture_moves),
		cmocka_unit_test(a_codec_that_takes_none_of_it_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
