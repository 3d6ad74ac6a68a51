/* SPDX-License-Identifier: Apache-2.0 */
/* What the clock does to a file: with a clock that only moves when the test moves it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../common/open_source.h"

#define PICTURES 10

struct still_clock {
	struct qv_clock clock; /* first, so that the clock's address is this struct's */
	int64_t now;
};

struct fixture {
	char path[64], option[80];
	struct still_clock still;
	struct qv_host host;
	int ends[2];
	struct opened it;
};

static int64_t still_now(const struct qv_clock *clock)
{
	return ((const struct still_clock *)(const void *)clock)->now;
}

/* Every picture is 2x2, its samples all the number of the picture. */
static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);
	snprintf(fixture->path, sizeof fixture->path, "/tmp/qvisio-test-pace-XXXXXX");
	int fd = mkstemp(fixture->path);
	FILE *file = fdopen(fd, "wb");
	assert_non_null(file);
	fputs("YUV4MPEG2 W2 H2 F10:1\n", file);
	for (int i = 0; i < PICTURES; i++)
		fprintf(file, "FRAME\n%c%c%c%c%c%c", i, i, i, i, i, i);
	fclose(file);
	snprintf(fixture->option, sizeof fixture->option, "path=%s", fixture->path);
	fixture->still = (struct still_clock){ .clock = { .now = still_now }, .now = QV_NS_PER_SECOND };
	assert_int_equal(pipe(fixture->ends), 0);
	fixture->host = (struct qv_host){ .size = sizeof fixture->host,
					  .clock = &fixture->still.clock,
					  .cancel_fd = fixture->ends[0] };
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	close_source(&fixture->it);
	unlink(fixture->path);
	close(fixture->ends[0]);
	close(fixture->ends[1]);
	free(fixture);
	return 0;
}

static void open_file(struct fixture *fixture, const char *more)
{
	const char *options[] = { fixture->option, more, NULL };
	assert_int_equal(open_source(&fixture->it, "file", options, QV_PIXELS_PLANAR, &fixture->host, NULL), 0);
}

static int read_at(struct fixture *fixture, int64_t ms, struct qv_frame *frame, struct qv_error *err)
{
	fixture->still.now = QV_NS_PER_SECOND + ms * QV_NS_PER_MS;
	return fixture->it.class->read(fixture->it.source, frame, 0, err);
}

static void expect_picture(struct fixture *fixture, int64_t ms, uint64_t sequence)
{
	struct qv_frame frame;
	assert_int_equal(read_at(fixture, ms, &frame, NULL), 1);
	assert_int_equal(frame.sequence, sequence);
	assert_int_equal(frame.plane[0][0], sequence % PICTURES);
	assert_int_equal(frame.plane[2][0], sequence % PICTURES);
	assert_int_equal(frame.capture_ns, QV_NS_PER_SECOND + (int64_t)sequence * 100 * QV_NS_PER_MS);
}

static void late_pictures_are_left_out(void **state)
{
	struct fixture *fixture = *state;
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	open_file(fixture, NULL);
	expect_picture(fixture, 0, 0);
	assert_int_equal(read_at(fixture, 99, &frame, &err), 0);
	expect_picture(fixture, 100, 1);
	expect_picture(fixture, 650, 6);
	assert_int_equal(read_at(fixture, 699, &frame, &err), 0);
	expect_picture(fixture, 999, 9);
	assert_int_equal(read_at(fixture, 999, &frame, &err), 0); /* the last picture has its time too */
	assert_int_equal(read_at(fixture, 1000, &frame, &err), -1);
	assert_int_equal(err.code, QV_E_END);
}

static void late_pictures_are_left_out_across_the_end_of_a_loop(void **state)
{
	struct fixture *fixture = *state;
	open_file(fixture, "loop=true");
	expect_picture(fixture, 0, 0);
	expect_picture(fixture, 1250, 12);
	expect_picture(fixture, 7300, 73);
}

static void cancel_wins_over_a_picture_that_is_due(void **state)
{
	struct fixture *fixture = *state;
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	open_file(fixture, "pace=none");
	assert_int_equal(read_at(fixture, 0, &frame, &err), 1);
	assert_int_equal(write(fixture->ends[1], "", 1), 1);
	assert_int_equal(read_at(fixture, 0, &frame, &err), -1);
	assert_int_equal(err.code, QV_E_CANCELLED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(late_pictures_are_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(late_pictures_are_left_out_across_the_end_of_a_loop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cancel_wins_over_a_picture_that_is_due, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
