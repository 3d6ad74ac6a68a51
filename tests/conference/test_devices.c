/* SPDX-License-Identifier: Apache-2.0 */
/* The shared devices of a conference: one camera, microphone, window and loudspeaker, as the calls see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <qvisio/audiosink.h>
#include <qvisio/audiosource.h>
#include <qvisio/conference.h>
#include <qvisio/videosource.h>

#include "../call/parts.h"

static struct qv_host host;
static struct qv_conference *conference;

static struct qv_conference_plan plan = {
	.video_source = &video_source_role,
	.audio_source = &audio_source_role,
	.video_sinks = &video_sink_role,
	.video_sink_count = 1,
	.audio_sinks = &audio_sink_role,
	.audio_sink_count = 1,
	.width = 640,
	.height = 480,
	.mix = { AUDIO_RATE, 1 },
};

static int setup(void **state)
{
	(void)state;
	parts_reset();
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	host = (struct qv_host){ .size = sizeof host, .clock = &qv_clock_monotonic };
	host.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	plan.observer = NULL;
	conference = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	qv_conference_close(conference);
	close(host.cancel_fd);
	return 0;
}

static void begin(void)
{
	struct qv_error err = QV_ERROR_INIT;
	conference = qv_conference_open(&plan, &host, &err);
	if (!conference)
		fail_msg("%s", err.message);
}

/* The host as a call makes it for a role. */
static struct qv_host host_of(const struct qv_role *role)
{
	struct qv_host own = host;
	own.object = role->object;
	return own;
}

static const struct qv_video_want want = { .pixels = QV_PIXELS_PLANAR };

struct share {
	struct qv_host host;
	const struct qv_videosource_class *class;
	struct qv_videosource *source;
};

static void open_camera(struct share *share, const struct qv_seat *seat)
{
	const struct qv_role *role = &qv_seat_roles(seat)->video_source;
	struct qv_error err = QV_ERROR_INIT;
	share->host = host_of(role);
	share->class = qv_videosource_class(role->class);
	share->source = share->class->open(&share->host, role->options, &want, &err);
	if (!share->source)
		fail_msg("%s", err.message);
}

static int next_frame(struct share *share, struct qv_frame *frame)
{
	struct qv_error err = QV_ERROR_INIT;
	for (int tries = 0; tries < 100; tries++) {
		int got = share->class->read(share->source, frame, 200, &err);
		if (got != 0)
			return got;
	}
	return 0;
}

static void a_camera_serves_all_and_waits_for_nobody(void **state)
{
	(void)state;
	struct share shares[QV_CONFERENCE_SEATS];
	struct qv_seat *seats[QV_CONFERENCE_SEATS];
	struct qv_frame held, frame;
	begin();
	for (int i = 0; i < QV_CONFERENCE_SEATS; i++) {
		seats[i] = qv_conference_seat(conference, "somebody", NULL);
		open_camera(&shares[i], seats[i]);
	}
	assert_null(qv_conference_seat(conference, "too many", NULL));
	assert_int_equal(next_frame(&shares[0], &held), 1);
	uint64_t first = held.sequence;
	uint8_t sample = held.plane[0][0];
	for (int round = 0; round < 20; round++)
		for (int i = 1; i < QV_CONFERENCE_SEATS; i++)
			assert_int_equal(next_frame(&shares[i], &frame), 1);
	/* What the slow one holds is still what it was; what it gets next is the newest. */
	assert_int_equal(held.plane[0][0], sample);
	assert_int_equal(next_frame(&shares[0], &held), 1);
	assert_true(held.sequence >= first + 10);
	parts_lock();
	assert_int_equal(parts.source_opens, 1);
	parts_unlock();
	for (int i = 0; i < QV_CONFERENCE_SEATS; i++) {
		shares[i].class->close(shares[i].source);
		qv_seat_leave(seats[i]);
	}
	parts_lock();
	assert_int_equal(parts.source_closes, 1); /* when nobody looks any more */
	parts_unlock();
}

static void a_camera_that_fails_is_opened_again_by_whoever_asks(void **state)
{
	(void)state;
	struct share a, b;
	struct qv_frame frame;
	parts.video_gone_after = 5;
	begin();
	struct qv_seat *first = qv_conference_seat(conference, "a", NULL),
		       *second = qv_conference_seat(conference, "b", NULL);
	open_camera(&a, first);
	open_camera(&b, second);
	while (next_frame(&a, &frame) > 0)
		continue;
	a.class->close(a.source);
	open_camera(&a, first);
	assert_int_equal(next_frame(&a, &frame), 1);
	assert_int_equal(next_frame(&b, &frame), 1); /* goes on with the camera that came back */
	a.class->close(a.source);
	b.class->close(b.source);
	parts_lock();
	assert_int_equal(parts.source_opens, 2);
	assert_int_equal(parts.source_closes, 2);
	parts_unlock();
}

static void another_camera_takes_over(void **state)
{
	(void)state;
	struct share share;
	struct qv_frame frame;
	struct qv_error err = QV_ERROR_INIT;
	begin();
	struct qv_seat *seat = qv_conference_seat(conference, "a", NULL);
	open_camera(&share, seat);
	assert_int_equal(next_frame(&share, &frame), 1);
	qv_conference_source(conference, QV_STREAM_VIDEO, &video_source_role);
	int got = 1;
	while (got >= 0)
		got = share.class->read(share.source, &frame, 200, &err);
	assert_int_equal(err.code, QV_E_GONE); /* as if it had been unplugged: the call opens it again */
	share.class->close(share.source);
	open_camera(&share, seat);
	assert_int_equal(next_frame(&share, &frame), 1);
	share.class->close(share.source);
	parts_lock();
	assert_int_equal(parts.source_opens, 2);
	assert_int_equal(parts.source_closes, 2);
	parts_unlock();
}

static void a_microphone_serves_all(void **state)
{
	(void)state;
	static const struct qv_audio_format format = { AUDIO_RATE, 1 };
	struct qv_audiosource *sources[3];
	struct qv_host hosts[3];
	const struct qv_audiosource_class *class = NULL;
	uint64_t next[3] = { 0 };
	struct qv_error err = QV_ERROR_INIT;
	begin();
	for (int i = 0; i < 3; i++) {
		const struct qv_role *role = &qv_seat_roles(qv_conference_seat(conference, "x", NULL))->audio_source;
		class = qv_audiosource_class(role->class);
		hosts[i] = host_of(role);
		/* Blocks of another length than the source's. */
		sources[i] = class->open(&hosts[i], NULL, &format, AUDIO_BLOCK + 40, &err);
		assert_non_null(sources[i]);
	}
	for (int round = 0; round < 10; round++)
		for (int i = 0; i < 3; i++) {
			struct qv_audio_block block;
			int got = 0;
			while (got == 0)
				got = class->read(sources[i], &block, 200, &err);
			assert_int_equal(got, 1);
			assert_int_equal(block.frames, AUDIO_BLOCK + 40);
			assert_true(block.position >= next[i]);
			next[i] = block.position + block.frames;
			assert_true(llabs(qv_clock_now(&qv_clock_monotonic) - block.capture_ns) <
				    60 * QV_NS_PER_SECOND);
		}
	eventfd_write(host.cancel_fd, 1);
	struct qv_audio_block block;
	int got = 1;
	while (got > 0)
		got = class->read(sources[0], &block, 10000, &err);
	assert_int_equal(got, -1);
	assert_int_equal(err.code, QV_E_CANCELLED);
	for (int i = 0; i < 3; i++)
		class->close(sources[i]);
}

static struct timespec in_ten_seconds(void)
{
	struct timespec time;
	clock_gettime(CLOCK_REALTIME, &time);
	time.tv_sec += 10;
	return time;
}

/* With the lock of the parts held. */
static bool was_played(int16_t sample)
{
	for (uint64_t i = 0; i < parts.played && i < sizeof parts.samples / sizeof parts.samples[0]; i++)
		if (parts.samples[i] == sample)
			return true;
	return false;
}

static void sound_of_all_reaches_the_loudspeaker(void **state)
{
	(void)state;
	static const struct qv_audio_format format = { AUDIO_RATE, 1 }, other = { AUDIO_RATE * 2, 1 };
	struct qv_audiosink *sinks[2];
	struct qv_host hosts[2];
	const struct qv_audiosink_class *class = NULL;
	struct qv_seat *seats[2];
	struct qv_error err = QV_ERROR_INIT;
	int16_t samples[2][AUDIO_RATE / 10];
	begin();
	for (int i = 0; i < 2; i++) {
		seats[i] = qv_conference_seat(conference, "x", NULL);
		const struct qv_role *role = &qv_seat_roles(seats[i])->audio_sink;
		class = qv_audiosink_class(role->class);
		hosts[i] = host_of(role);
		struct qv_audio_format taken;
		sinks[i] = class->open(&hosts[i], NULL, i ? &other : &format, &err);
		assert_non_null(sinks[i]);
		class->format(sinks[i], &taken);
		assert_int_equal(taken.rate, format.rate);
		for (int k = 0; k < AUDIO_RATE / 10; k++)
			samples[i][k] = i ? 3000 : 500;
	}
	assert_true(class->paced);
	for (int round = 0; round < 5; round++)
		for (int i = 0; i < 2; i++) {
			struct qv_audio_block block = { format, samples[i], 400, 0, 0 };
			assert_int_equal(class->write(sinks[i], &block, &err), 0);
			assert_true(class->delay(sinks[i]) > 0);
		}
	assert_true(qv_seat_level(seats[1]) > 0.05);
	struct timespec deadline = in_ten_seconds();
	parts_lock();
	while (!was_played(3500) && parts_await(&deadline))
		continue;
	bool both = was_played(3500);
	parts_unlock();
	assert_true(both);
	for (int i = 0; i < 2; i++)
		class->close(sinks[i]);
}

struct watcher {
	struct qv_conference_observer observer;
	int closed;
};

static void note_closed(struct qv_conference_observer *observer, const struct qv_error *why)
{
	struct watcher *watcher = (struct watcher *)(void *)observer;
	parts_lock();
	watcher->closed += why->code == QV_E_END;
	parts_unlock();
	parts_changed();
}

/* Until more than `shown` pictures were in the window, or it has ended. */
static void await_shown_or_closed(const struct watcher *watcher, int shown)
{
	struct timespec deadline = in_ten_seconds();
	parts_lock();
	while (parts.shown <= shown && !watcher->closed && parts_await(&deadline))
		continue;
	parts_unlock();
}

static void a_closed_window_ends_it_for_all(void **state)
{
	(void)state;
	struct watcher watcher = { .observer = { note_closed } };
	parts.sink_closed_after = 3;
	plan.observer = &watcher.observer;
	begin();
	struct qv_seat *seat = qv_conference_seat(conference, "a", NULL);
	const struct qv_role *role = &qv_seat_roles(seat)->video_sink;
	const struct qv_videosink_class *class = qv_videosink_class(role->class);
	struct qv_host own = host_of(role);
	struct qv_error err = QV_ERROR_INIT;
	struct qv_videosink *sink = class->open(&own, NULL, "title", &err);
	struct qv_picture *picture = qv_picture_new(&parts_video_format, NULL);
	struct qv_frame frame = qv_picture_frame(picture);
	assert_int_equal(class->status(sink, QV_SECURED_QKD, "QKD", &err), 0);
	for (int shown = 0; class->show(sink, &frame, &err) == 0; shown++)
		await_shown_or_closed(&watcher, shown);
	assert_int_equal(err.code, QV_E_END);
	assert_int_equal(class->poll(sink, NULL), -1);
	assert_true(parts_wait(&watcher.closed, 1));
	class->close(sink);
	qv_picture_free(picture);
	qv_seat_leave(seat);
}

static void a_window_that_cannot_be_opened_is_an_error(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	parts.sink_fails_open = true;
	assert_null(qv_conference_open(&plan, &host, &err));
	assert_true(err.message[0]);
}

/* Two calls into one conference, whole: what the peers send is shown and heard, what is captured goes to both. */
static void calls_run_over_the_seats(void **state)
{
	(void)state;
	struct end ours[2], theirs[2];
	struct qv_seat *seats[2];
	int fds[2];
	begin();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
		seats[i] = qv_conference_seat(conference, i ? "bob" : "carol", NULL);
		const struct qv_seat_roles *roles = qv_seat_roles(seats[i]);
		end_init(&ours[i], fds[0]);
		end_init(&theirs[i], fds[1]);
		ours[i].send.video_source = &roles->video_source;
		ours[i].send.audio_source = &roles->audio_source;
		end_start_receiver(&theirs[i]);
		end_start_sender(&ours[i]);
	}
	assert_true(parts_wait(&parts.shown, 20));
	for (int i = 0; i < 2; i++) {
		end_cancel(&ours[i]);
		end_join(&ours[i]);
		end_join(&theirs[i]);
		assert_int_equal(theirs[i].outcome, 0);
		assert_true(theirs[i].result.totals.video.received > 0);
		assert_true(theirs[i].result.totals.audio.packets_received > 0);
		end_clear(&ours[i]);
		end_clear(&theirs[i]);
		qv_seat_leave(seats[i]);
	}
}

int main(void)
{
#define DEVICES(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		DEVICES(a_camera_serves_all_and_waits_for_nobody),
		DEVICES(a_camera_that_fails_is_opened_again_by_whoever_asks),
		DEVICES(another_camera_takes_over),
		DEVICES(a_microphone_serves_all),
		DEVICES(sound_of_all_reaches_the_loudspeaker),
		DEVICES(a_closed_window_ends_it_for_all),
		DEVICES(a_window_that_cannot_be_opened_is_an_error),
		DEVICES(calls_run_over_the_seats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
