/* SPDX-License-Identifier: Apache-2.0 */
/* Where the file sink puts blocks in time, and what the null sink counts and paces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio_parts.h"

#define WAV_HEADER_BYTES 44

static struct qv_loader *loader;

struct sink {
	struct part part;
	const struct qv_audiosink_class *class;
	struct qv_audiosink *sink;
};

static struct sink sink_open(const char *text, const struct qv_host *host)
{
	static const struct qv_audio_format format = { 16000, 1 };
	struct sink sink = { 0 };
	struct qv_error err = QV_ERROR_INIT;
	if (part_load(&sink.part, loader, "audiosink", text, &err) != 0)
		fail_msg("%s", err.message);
	sink.class = qv_audiosink_class(sink.part.class);
	sink.sink = sink.class->open(host, sink.part.options, &format, &err);
	if (!sink.sink)
		fail_msg("%s", err.message);
	return sink;
}

static void sink_close(struct sink *sink)
{
	sink->class->close(sink->sink);
	part_free(&sink->part);
}

/* A block whose samples are the low bits of their positions, plus one so that none is silence. */
static int write_at(struct sink *sink, uint64_t position, size_t frames, struct qv_error *err)
{
	int16_t samples[4096];
	for (size_t i = 0; i < frames; i++)
		samples[i] = (int16_t)(1 + (position + i) % 30000);
	struct qv_audio_block block = {
		.format = { 16000, 1 }, .samples = samples, .frames = frames, .position = position
	};
	return sink->class->write(sink->sink, &block, err);
}

static const struct qv_host plain_host = { .size = sizeof plain_host, .clock = &qv_clock_monotonic, .cancel_fd = -1 };

/* Writes blocks at positions; returns how many samples the file has, and the samples. */
static size_t record(const char *options, const uint64_t blocks[][2], size_t count, int16_t *samples, size_t room)
{
	char path[] = "/tmp/qvisio-sink-XXXXXX", text[256];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	snprintf(text, sizeof text, "file,path=%s%s", path, options);
	struct sink sink = sink_open(text, &plain_host);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(write_at(&sink, blocks[i][0], blocks[i][1], NULL), 0);
	assert_int_equal(sink.class->delay(sink.sink), 0);
	sink_close(&sink);
	ssize_t got = pread(fd, samples, room * sizeof *samples, WAV_HEADER_BYTES);
	assert_true(got >= 0);
	close(fd);
	unlink(path);
	return (size_t)got / sizeof *samples;
}

static void lost_sound_leaves_silence_of_its_length(void **state)
{
	(void)state;
	static const uint64_t blocks[][2] = { { 5000, 100 }, { 5100, 100 }, { 8000, 50 }, { 8020, 100 }, { 8000, 20 } };
	static int16_t samples[65536];
	size_t count = record("", blocks, 5, samples, 65536);
	assert_int_equal(count, 8120 - 5000);
	for (size_t i = 0; i < count; i++) {
		uint64_t position = 5000 + i;
		assert_int_equal(samples[i], position >= 5200 && position < 8000 ? 0 : 1 + (int)position);
	}
	assert_int_equal(record(",gaps=false", blocks, 4, samples, 65536), 350);
}

static void a_stream_that_starts_again_is_put_behind(void **state)
{
	(void)state;
	static const uint64_t blocks[][2] = { { 90000, 100 }, { 0, 100 }, { 100, 100 }, { UINT64_MAX - 200, 100 } };
	static int16_t samples[65536];
	assert_int_equal(record("", blocks, 4, samples, 65536), 400);
	assert_int_equal(samples[100], 1);
	assert_int_equal(samples[299], 200);
}

static void a_block_of_another_format_is_refused(void **state)
{
	(void)state;
	struct sink sink = sink_open("null", &plain_host);
	int16_t samples[2] = { 0 };
	struct qv_audio_block block = { .format = { 48000, 1 }, .samples = samples, .frames = 2 };
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(sink.class->write(sink.sink, &block, &err), -1);
	assert_int_equal(err.code, QV_E_INVALID);
	sink_close(&sink);
}

static void the_null_sink_says_what_it_got(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	struct qv_log *log = qv_log_new("out", QV_LOG_INFO, QV_LOG_JOURNAL, fds[1]);
	struct qv_host host = { sizeof host, log, &qv_clock_monotonic, -1, NULL };
	struct sink sink = sink_open("null", &host);
	assert_int_equal(write_at(&sink, 0, 1600, NULL), 0);
	assert_int_equal(write_at(&sink, 2000, 800, NULL), 0);
	assert_int_equal(sink.class->delay(sink.sink), 0);
	sink_close(&sink);
	char line[512] = "";
	assert_true(read(fds[0], line, sizeof line - 1) > 0);
	assert_string_equal(line, "<6>out: 2400 samples (0.150 s) in 2 blocks of 16000 Hz, 1 channels; 400 missing, "
				  "0 underruns, peak 2800\n");
	qv_log_free(log);
	close(fds[0]);
	close(fds[1]);
}

/* A clock that stands until the test moves it. */
struct still_clock {
	struct qv_clock clock;
	int64_t ns;
};

static int64_t still_now(const struct qv_clock *clock)
{
	return ((const struct still_clock *)(const void *)clock)->ns;
}

static void a_paced_null_sink_fills_up_and_can_be_cancelled(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	struct still_clock clock = { { still_now }, QV_NS_PER_SECOND };
	struct qv_host host = { sizeof host, NULL, &clock.clock, fds[0], NULL };
	struct sink sink = sink_open("null,paced=true,latency=150", &host);
	/* 100 ms fit at once. */
	assert_int_equal(write_at(&sink, 0, 1600, NULL), 0);
	assert_int_equal(sink.class->delay(sink.sink), 100 * QV_NS_PER_MS);
	clock.ns += 30 * QV_NS_PER_MS;
	assert_int_equal(sink.class->delay(sink.sink), 70 * QV_NS_PER_MS);
	/* The next 100 ms would have to wait; the host does not want to. */
	assert_int_equal(write(fds[1], "", 1), 1);
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(write_at(&sink, 1600, 1600, &err), -1);
	assert_int_equal(err.code, QV_E_CANCELLED);
	sink_close(&sink);
	close(fds[0]);
	close(fds[1]);
}

static int setup(void **state)
{
	(void)state;
	loader = qv_loader_new(NULL, NULL, NULL);
	return loader ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	qv_loader_free(loader);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_sound_leaves_silence_of_its_length),
		cmocka_unit_test(a_stream_that_starts_again_is_put_behind),
		cmocka_unit_test(a_block_of_another_format_is_refused),
		cmocka_unit_test(the_null_sink_says_what_it_got),
		cmocka_unit_test(a_paced_null_sink_fills_up_and_can_be_cancelled),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
