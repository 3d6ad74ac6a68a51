/* SPDX-License-Identifier: Apache-2.0 */
/* A call that is recorded: what the recorder gets, when, and what its failures do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <qvisio/call_control.h>

#include "parts.h"

/* What the recorder has got, and is to do; under parts_lock. */
static struct {
	int opens, closes, written[4], pictures_before_key, failures_told;
	size_t tracks;
	struct qv_recorder_track track[4];
	char path[32];
	int64_t started_ns, last_ns[4], backwards;
	int fail_after; /* packets; 0: never */
	bool fail_open, blocked, fail_close;
} tape;

struct qv_recorder {
	int packets;
};

static struct qv_recorder *recorder_open(const struct qv_host *host, const struct qv_options *options, const char *path,
					 const struct qv_recorder_track *tracks, size_t count, int64_t started_ns,
					 struct qv_error *err)
{
	(void)options;
	assert_int_equal(host->cancel_fd, -1);
	if (tape.fail_open) {
		qv_fail(err, QV_E_IO, "the disk is gone");
		return NULL;
	}
	parts_lock();
	tape.opens++;
	tape.tracks = count;
	memcpy(tape.track, tracks, count * sizeof *tracks);
	snprintf(tape.path, sizeof tape.path, "%s", path);
	tape.started_ns = started_ns;
	parts_unlock();
	return calloc(1, sizeof(struct qv_recorder));
}

static int recorder_write(struct qv_recorder *recorder, size_t track, const struct qv_packet *packet,
			  struct qv_error *err)
{
	struct timespec deadline;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 30;
	parts_lock();
	while (tape.blocked && parts_await(&deadline))
		continue;
	bool fails = tape.fail_after && ++recorder->packets > tape.fail_after;
	if (tape.track[track].kind == QV_STREAM_VIDEO && tape.written[track] == 0 && !packet->key)
		tape.pictures_before_key++;
	if (packet->capture_ns < tape.last_ns[track] || packet->capture_ns < tape.started_ns)
		tape.backwards++;
	tape.last_ns[track] = packet->capture_ns;
	tape.written[track]++;
	parts_unlock();
	return fails ? qv_fail(err, QV_E_IO, "the disk is full") : 0;
}

static int recorder_close(struct qv_recorder *recorder, struct qv_error *err)
{
	if (!recorder)
		return 0;
	free(recorder);
	parts_lock();
	tape.closes++;
	bool fails = tape.fail_close;
	parts_unlock();
	return fails ? qv_fail(err, QV_E_IO, "the disk is full") : 0;
}

static const struct qv_recorder_class recorder_class = {
	.head = { .kind = "recorder", .name = "shelf" },
	.open = recorder_open,
	.write = recorder_write,
	.close = recorder_close,
};
static const struct qv_role recorder_role = { .class = &recorder_class.head };

static struct side {
	struct end end;
	struct qv_call_plan plan;
	struct qv_call_observer observer;
	enum qv_call_role role;
} caller, answerer;

static void on_event(struct qv_call_observer *observer, const struct qv_call_event *event)
{
	(void)observer;
	if (event->happening != QV_CALL_RECORD_FAILED)
		return;
	parts_lock();
	assert_non_null(strstr(event->text, "the disk is full"));
	tape.failures_told++;
	parts_unlock();
}

static void init(struct side *side, enum qv_call_role role, int fd)
{
	memset(side, 0, sizeof *side);
	end_init(&side->end, fd);
	side->role = role;
	side->observer.event = on_event;
	side->plan = (struct qv_call_plan){ .send = &side->end.send,
					    .receive = &side->end.receive,
					    .control = qv_call_control_new(NULL) };
}

static int setup(void **state)
{
	(void)state;
	int fds[2];
	parts_reset();
	memset(&tape, 0, sizeof tape);
	parts.video_packet = 64;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	init(&caller, QV_CALL_CALLER, fds[0]);
	init(&answerer, QV_CALL_ANSWERER, fds[1]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	end_clear(&caller.end);
	end_clear(&answerer.end);
	qv_call_control_free(caller.plan.control);
	qv_call_control_free(answerer.plan.control);
	return 0;
}

static void *run(void *argument)
{
	struct side *side = argument;
	side->end.outcome = qv_call_run(&side->end.link, side->role, &side->plan, &side->end.host, &side->observer,
					&side->end.result, &side->end.err);
	return NULL;
}

static void begin(void)
{
	pthread_create(&answerer.end.thread, NULL, run, &answerer);
	pthread_create(&caller.end.thread, NULL, run, &caller);
	assert_true(parts_wait(&parts.shown, 3));
}

static void finish(void)
{
	qv_call_control_hang_up(caller.plan.control);
	end_join(&caller.end);
	end_join(&answerer.end);
	assert_int_equal(caller.end.outcome, 0);
	assert_int_equal(tape.opens, tape.closes);
}

static void record(void)
{
	struct qv_error err = QV_ERROR_INIT;
	if (qv_call_control_record(caller.plan.control, &recorder_role, "call.mkv", &err) != 0)
		fail_msg("%s", err.message);
}

static void both_sides_are_recorded_from_a_key_picture_on(void **state)
{
	(void)state;
	parts.video_inter_coded = true;
	begin();
	assert_false(qv_call_control_recording(caller.plan.control));
	record();
	assert_true(qv_call_control_recording(caller.plan.control));
	for (int i = 0; i < 4; i++)
		assert_true(parts_wait(&tape.written[i], 5));
	assert_int_equal(qv_call_control_record_stop(caller.plan.control, NULL), 0);
	assert_int_equal(tape.closes, 1);
	assert_false(qv_call_control_recording(caller.plan.control));
	finish();
	assert_int_equal(tape.tracks, 4);
	assert_int_equal(tape.track[0].kind, QV_STREAM_VIDEO);
	assert_int_equal(tape.track[1].kind, QV_STREAM_AUDIO);
	assert_int_equal(tape.track[1].audio.rate, AUDIO_RATE);
	assert_string_equal(tape.path, "call.mkv");
	assert_int_equal(tape.pictures_before_key, 0);
	assert_int_equal(tape.backwards, 0);
}

static void the_end_of_the_call_ends_the_recording(void **state)
{
	(void)state;
	begin();
	record();
	assert_true(parts_wait(&tape.written[3], 1));
	finish();
	assert_int_equal(tape.closes, 1);
	assert_false(qv_call_control_recording(caller.plan.control));
}

static void assert_refused(enum qv_code code)
{
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(qv_call_control_record(caller.plan.control, &recorder_role, "x", &err), -1);
	assert_int_equal(err.code, code);
}

static void what_cannot_be_recorded_is_told(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	assert_refused(QV_E_NOT_FOUND);
	begin();
	assert_int_equal(qv_call_control_record_stop(caller.plan.control, &err), -1);
	assert_int_equal(err.code, QV_E_NOT_FOUND);
	tape.fail_open = true;
	assert_refused(QV_E_IO);
	tape.fail_open = false;
	assert_int_equal(qv_call_control_record(caller.plan.control, &video_sink_role, "x", &err), -1);
	record();
	assert_refused(QV_E_BUSY);
	parts_lock();
	tape.fail_close = true;
	parts_unlock();
	assert_int_equal(qv_call_control_record_stop(caller.plan.control, &err), -1);
	assert_int_equal(err.code, QV_E_IO);
	finish();
	assert_refused(QV_E_NOT_FOUND);
}

static void a_full_disk_is_told_once_and_the_call_goes_on(void **state)
{
	(void)state;
	tape.fail_after = 4;
	begin();
	record();
	assert_true(parts_wait(&tape.failures_told, 1));
	parts_lock();
	int shown = parts.shown;
	parts_unlock();
	assert_true(parts_wait(&parts.shown, shown + 5));
	finish();
	assert_int_equal(tape.failures_told, 1);
}

static void a_slow_disk_holds_nothing_up(void **state)
{
	(void)state;
	tape.blocked = true;
	parts.video_packet = (size_t)4 * 1024 * 1024;
	begin();
	record();
	parts_lock();
	int shown = parts.shown;
	parts_unlock();
	/* More than the tape holds: 20 pictures of 4 MB. */
	assert_true(parts_wait(&parts.shown, shown + 30));
	assert_int_equal(tape.written[0], 0);
	parts_lock();
	tape.blocked = false;
	parts_changed();
	parts_unlock();
	assert_true(parts_wait(&tape.written[2], 2));
	finish();
	assert_int_equal(tape.backwards, 0);
}

int main(void)
{
#define RECORDING(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		RECORDING(both_sides_are_recorded_from_a_key_picture_on),
		RECORDING(the_end_of_the_call_ends_the_recording),
		RECORDING(what_cannot_be_recorded_is_told),
		RECORDING(a_full_disk_is_told_once_and_the_call_goes_on),
		RECORDING(a_slow_disk_holds_nothing_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
