/* SPDX-License-Identifier: Apache-2.0 */
/* Errors, logging, the clock, pictures. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <qvisio/clock.h>
#include <qvisio/error.h>
#include <qvisio/log.h>
#include <qvisio/media.h>

static void errors_are_one_line(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	char longest[2000];
	assert_int_equal(qv_fail(&err, QV_E_IO, "a\nb\tc%s",
				 "\x7f"
				 "d\x1b[31m"),
			 -1);
	assert_string_equal(err.message, "a b c d [31m");
	assert_int_equal(qv_error_prefix(&err, "file %s", "x\ny"), -1);
	assert_string_equal(err.message, "file x y: a b c d [31m");
	assert_int_equal(err.code, QV_E_IO);
	qv_fail_errno(&err, QV_E_DENIED, ENOENT, "opening %s", "z");
	assert_string_equal(err.message, "opening z: No such file or directory");
	qv_fail(&err, QV_E_IO, "outer: %s", err.message);
	assert_string_equal(err.message, "outer: opening z: No such file or directory");
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = 0;
	qv_fail(&err, QV_E_IO, "%s", longest);
	qv_error_prefix(&err, "p");
	assert_int_equal(strlen(err.message), QV_ERROR_MESSAGE_MAX - 1);
	assert_int_equal(qv_fail(NULL, QV_E_IO, "nobody listens"), -1);
	assert_int_equal(qv_error_prefix(NULL, "nobody"), -1);
}

static void codes_have_names(void **state)
{
	(void)state;
	for (int code = QV_OK; code <= QV_E_INTERNAL; code++)
		for (int other = QV_OK; other < code; other++)
			assert_string_not_equal(qv_code_name((enum qv_code)code), qv_code_name((enum qv_code)other));
	assert_string_equal(qv_code_name(QV_E_NO_KEY), "no-key");
	assert_string_equal(qv_code_name((enum qv_code)999), "unknown");
	assert_string_equal(qv_code_name((enum qv_code) - 1), "unknown");
}

static char *logged(int fd, char *text, size_t room)
{
	ssize_t got = read(fd, text, room - 1);
	text[got > 0 ? got : 0] = 0;
	return text;
}

static void journal_lines(void **state)
{
	(void)state;
	int fds[2];
	char text[4096];
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	struct qv_log *log = qv_log_new("kme", QV_LOG_INFO, QV_LOG_JOURNAL, fds[1]),
		      *child = qv_log_child(log, "store");
	qv_log_error(log, "e %d", 1);
	assert_string_equal(logged(fds[0], text, sizeof text), "<3>kme: e 1\n");
	qv_log_warning(child, "two\nlines\r");
	assert_string_equal(logged(fds[0], text, sizeof text), "<4>kme/store: two lines \n");
	qv_log_info(child, "i");
	assert_string_equal(logged(fds[0], text, sizeof text), "<6>kme/store: i\n");
	qv_log_debug(child, "not shown");
	assert_string_equal(logged(fds[0], text, sizeof text), "");
	qv_log_set_level(child, QV_LOG_DEBUG);
	qv_log_debug(child, "shown");
	assert_string_equal(logged(fds[0], text, sizeof text), "<7>kme/store: shown\n");
	assert_false(qv_log_enabled(log, QV_LOG_DEBUG));
	errno = 42;
	qv_log_info(log, "%*s", 5000, "x");
	assert_int_equal(errno, 42);
	size_t length = strlen(logged(fds[0], text, sizeof text));
	assert_in_range(length, 1000, 2048);
	assert_ptr_equal(strchr(text, '\n'), text + length - 1);
	qv_log_free(child);
	qv_log_free(log);
	close(fds[0]);
	close(fds[1]);
}

static void text_lines_and_nobody(void **state)
{
	(void)state;
	int fds[2];
	char text[256], word[32], name[32];
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	struct qv_log *log = qv_log_new("tool", QV_LOG_DEBUG, QV_LOG_TEXT, fds[1]);
	qv_log_debug(log, "hello");
	logged(fds[0], text, sizeof text);
	assert_int_equal(sscanf(text, "%*d:%*d:%*d.%*d %31s %31s hello\n", word, name), 2);
	assert_string_equal(word, "debug");
	assert_string_equal(name, "tool:");
	qv_log_free(log);
	qv_log_error(NULL, "nobody");
	assert_null(qv_log_child(NULL, "x"));
	assert_false(qv_log_enabled(NULL, QV_LOG_ERROR));
	qv_log_free(NULL);
	struct stat st;
	fstat(fds[1], &st);
	snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", text, 1);
	assert_int_equal(qv_log_format_for(fds[1]), QV_LOG_JOURNAL);
	setenv("JOURNAL_STREAM", "1:2", 1);
	assert_int_equal(qv_log_format_for(fds[1]), QV_LOG_TEXT);
	unsetenv("JOURNAL_STREAM");
	enum qv_log_level level;
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(qv_log_level_parse("debug", &level, &err), 0);
	assert_int_equal(level, QV_LOG_DEBUG);
	assert_int_equal(qv_log_level_parse("loud", &level, &err), -1);
	assert_string_equal(err.message, "log level \"loud\" is none of error, warning, info, debug");
	close(fds[0]);
	close(fds[1]);
}

static void waits_end(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	int data[2], cancel[2];
	assert_int_equal(pipe(data), 0);
	assert_int_equal(pipe(cancel), 0);
	int64_t start = qv_clock_now(&qv_clock_monotonic);
	assert_int_equal(qv_clock_sleep_until(start + 2 * QV_NS_PER_MS, -1, &err), 0);
	assert_true(qv_clock_now(&qv_clock_monotonic) >= start + 2 * QV_NS_PER_MS);
	assert_int_equal(qv_clock_sleep_until(0, cancel[0], &err), 0);
	assert_int_equal(qv_wait_fd(data[0], POLLIN, 1, cancel[0], &err), 0);
	assert_int_equal(write(data[1], "x", 1), 1);
	assert_int_equal(qv_wait_fd(data[0], POLLIN, -1, cancel[0], &err), 1);
	assert_int_equal(qv_wait_fd(data[0], POLLIN, -1, -1, &err), 1);
	close(data[1]);
	assert_int_equal(qv_wait_fd(data[0], POLLIN, -1, cancel[0], &err), 1);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	/* Cancelling goes before data, and ends waits of any length. */
	assert_int_equal(qv_wait_fd(data[0], POLLIN, -1, cancel[0], &err), -1);
	assert_int_equal(err.code, QV_E_CANCELLED);
	assert_int_equal(qv_clock_sleep_until(INT64_MAX, cancel[0], &err), -1);
	assert_int_equal(err.code, QV_E_CANCELLED);
	/* Also by what the thread has set beside. */
	assert_int_equal(qv_cancel_also(cancel[0]), -1);
	assert_int_equal(qv_cancel_here(), cancel[0]);
	assert_int_equal(qv_wait_fd(data[0], POLLIN, -1, -1, &err), -1);
	assert_int_equal(err.code, QV_E_CANCELLED);
	assert_int_equal(qv_clock_sleep_until(INT64_MAX, -1, &err), -1);
	assert_int_equal(err.code, QV_E_CANCELLED);
	assert_int_equal(qv_cancel_also(-1), cancel[0]);
	assert_int_equal(qv_wait_fd(data[0], POLLIN, -1, -1, &err), 1);
	close(data[0]);
	assert_int_equal(qv_wait_fd(data[0], POLLIN, -1, -1, &err), -1);
	assert_int_equal(err.code, QV_E_INTERNAL);
	close(cancel[0]);
	close(cancel[1]);
}

static struct qv_picture *picture(enum qv_pixel pixel, int width, int height)
{
	struct qv_video_format format = { pixel, QV_RANGE_FULL, width, height, 30, 1 };
	return qv_picture_new(&format, NULL);
}

static void pictures_hold_what_they_say(void **state)
{
	(void)state;
	for (int pixel = QV_PIXEL_I420; pixel <= QV_PIXEL_GRAY; pixel++)
		for (int width = 1; width < 70; width += 17)
			for (int height = 1; height < 5; height++) {
				struct qv_picture *a = picture((enum qv_pixel)pixel, width, height);
				struct qv_frame frame = qv_picture_frame(a);
				assert_int_equal(qv_frame_check(&frame, NULL), 0);
				assert_int_equal((uintptr_t)frame.plane[0] % 32, 0);
				struct qv_picture *b = picture((enum qv_pixel)pixel, width, height);
				qv_picture_plane(a, 0)[width - 1] = 77;
				assert_int_equal(qv_picture_copy(b, &frame, NULL), 0);
				assert_int_equal(qv_picture_plane(b, 0)[width - 1], 77);
				frame.size[0]--;
				if (frame.size[0] < (size_t)frame.stride[0] * (size_t)(height - 1) + (size_t)width)
					assert_int_equal(qv_frame_check(&frame, NULL), -1);
				frame.format.width += 64;
				assert_int_equal(qv_picture_copy(b, &frame, NULL), -1);
				qv_picture_free(a);
				qv_picture_free(b);
			}
	assert_null(picture(QV_PIXEL_JPEG, 8, 8));
	assert_null(picture(QV_PIXEL_NONE, 8, 8));
	assert_null(picture(QV_PIXEL_I420, 0, 8));
	assert_null(picture(QV_PIXEL_I420, 8, QV_VIDEO_SIDE_MAX + 1));
	assert_null(picture((enum qv_pixel)77, 8, 8));
	qv_picture_free(NULL);
}

static void yuyv_is_split(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	static const uint8_t packed[2][12] = { { 1, 101, 2, 201, 3, 103, 0, 203, 9, 9, 9, 9 },
					       { 11, 111, 12, 211, 13, 113, 0, 213, 9, 9, 9, 9 } };
	struct qv_picture *odd = picture(QV_PIXEL_I422, 3, 2);
	assert_int_equal(qv_picture_from_yuyv(odd, packed[0], 20, 12, &err), 0);
	struct qv_frame frame = qv_picture_frame(odd);
	assert_memory_equal(frame.plane[0], "\x01\x02\x03", 3);
	assert_memory_equal(frame.plane[0] + frame.stride[0], "\x0b\x0c\x0d", 3);
	assert_memory_equal(frame.plane[1], "\x65\x67", 2);
	assert_memory_equal(frame.plane[2] + frame.stride[2], "\xd3\xd5", 2);
	assert_int_equal(qv_picture_from_yuyv(odd, packed[0], 19, 12, &err), -1);
	assert_int_equal(err.code, QV_E_TRUNCATED);
	assert_int_equal(qv_picture_from_yuyv(odd, packed[0], 24, 7, &err), -1);
	assert_int_equal(qv_picture_from_yuyv(odd, packed[0], 24, -12, &err), -1);
	struct qv_picture *other = picture(QV_PIXEL_I420, 3, 2);
	assert_int_equal(qv_picture_from_yuyv(other, packed[0], 24, 12, &err), -1);
	assert_int_equal(err.code, QV_E_INVALID);
	qv_picture_free(odd);
	qv_picture_free(other);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_are_one_line), cmocka_unit_test(codes_have_names),
		cmocka_unit_test(journal_lines),       cmocka_unit_test(text_lines_and_nobody),
		cmocka_unit_test(waits_end),           cmocka_unit_test(pictures_hold_what_they_say),
		cmocka_unit_test(yuyv_is_split),
	};
	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
