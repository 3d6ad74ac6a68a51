/* SPDX-License-Identifier: Apache-2.0 */
/* A call whose peer is slow, silent, old or new. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "byte_peer.h"

struct seen {
	int pictures, sounds, mixed; /* mixed: sounds that came between the pieces of a picture */
	uint64_t last_picture, largest_gap;
	uint64_t sound_position;
};

static void look_at(const struct qv_record *record, struct seen *seen, bool *in_picture)
{
	struct qv_fragment fragment;
	if (record->type != QV_RECORD_VIDEO && record->type != QV_RECORD_AUDIO)
		return;
	assert_int_equal(qv_fragment_decode(record->type, record->payload, record->size, &fragment, NULL), 0);
	if (record->type == QV_RECORD_AUDIO) {
		seen->sounds++;
		seen->mixed += *in_picture;
		return;
	}
	if (fragment.offset == 0) {
		uint64_t gap = seen->pictures ? fragment.unit.position - seen->last_picture : 0;
		seen->largest_gap = gap > seen->largest_gap ? gap : seen->largest_gap;
		seen->last_picture = fragment.unit.position;
		seen->pictures++;
	}
	*in_picture = fragment.offset + fragment.size < parts.video_packet;
}

static void little_waits_for_a_slow_reader(void **state)
{
	(void)state;
	struct qv_record record;
	struct seen seen = { 0 };
	bool in_picture = false;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	parts.video_packet = 200000;
	parts.video_interval_ms = 1;
	parts.audio_interval_ms = 1;
	end_start_sender(&tested);
	assert_true(get_type(QV_RECORD_HELLO, &record));
	put_welcome(2);
	/* Takes nothing until much more was captured than anything on the way may hold, */
	assert_true(parts_wait(&parts.produced_frames, 200));
	assert_true(parts_wait(&parts.produced_blocks, 200));
	end_cancel(&tested);
	/* and then everything that was kept for it. */
	while (get(&record) && record.type != QV_RECORD_BYE)
		look_at(&record, &seen, &in_picture);
	end_join(&tested);
	assert_int_equal(tested.outcome, 0);
	assert_in_range(seen.pictures, 0, 2);
	/* At most what the kernel held and what the outbox holds: a quarter of a second of blocks of 10 ms. */
	assert_in_range(seen.sounds, 0, 25 + 40);
	/* Made and replaced, or not even made while the first one or two had not left. */
	assert_true(tested.result.totals.video.dropped_outbox + tested.result.totals.video.skipped >= 190);
	assert_true(tested.result.totals.audio.dropped_outbox >= 100);
}

static void sound_goes_between_the_pieces_of_a_picture(void **state)
{
	(void)state;
	struct qv_record record;
	struct seen seen = { 0 };
	bool in_picture = false;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	parts.video_packet = 4000000;
	parts.video_interval_ms = 1;
	parts.audio_interval_ms = 1;
	end_start_sender(&tested);
	assert_true(get_type(QV_RECORD_HELLO, &record));
	put_welcome(2);
	while (seen.mixed < 20 && get(&record)) {
		/* Reads only as fast as sound is made: the network is the narrow place. */
		parts_lock();
		int made = parts.produced_blocks;
		parts_unlock();
		if (record.type == QV_RECORD_VIDEO)
			parts_wait(&parts.produced_blocks, made + 1);
		look_at(&record, &seen, &in_picture);
	}
	assert_int_equal(seen.mixed, 20);
	end_cancel(&tested);
	close(peer);
	peer = -1;
	end_join(&tested);
}

static void old_pictures_are_skipped_when_the_reader_catches_up(void **state)
{
	(void)state;
	struct qv_record record;
	struct seen seen = { 0 };
	bool in_picture = false;
	parts.video_frames = NO_LIMIT;
	parts.video_packet = 60000;
	parts.video_interval_ms = 1;
	tested.send.audio_source = NULL;
	end_start_sender(&tested);
	assert_true(get_type(QV_RECORD_HELLO, &record));
	put_welcome(1);
	int produced_at_start = 0;
	for (int round = 1; round <= 5; round++) {
		/* Stand still for fifty pictures, then read three: the third is one made after the stand-still began. */
		parts_lock();
		produced_at_start = parts.produced_frames;
		parts_unlock();
		assert_true(parts_wait(&parts.produced_frames, produced_at_start + 50));
		for (int target = seen.pictures + 3; seen.pictures < target && get(&record);)
			look_at(&record, &seen, &in_picture);
		assert_true(seen.last_picture >= (uint64_t)produced_at_start);
	}
	assert_true(seen.largest_gap >= 40);
	end_cancel(&tested);
	close(peer);
	peer = -1;
	end_join(&tested);
}

/* silence */

static void a_peer_that_takes_nothing_is_given_up(void **state)
{
	(void)state;
	struct qv_record record;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	tested.send.limits.peer_timeout_ms = 200;
	end_start_sender(&tested);
	assert_true(get_type(QV_RECORD_HELLO, &record));
	put_welcome(2);
	end_join(&tested);
	assert_int_equal(tested.outcome, -1);
	assert_int_equal(tested.err.code, QV_E_TIMEOUT);
}

static void a_peer_that_falls_silent_is_given_up(void **state)
{
	(void)state;
	tested.receive.limits.peer_timeout_ms = 200;
	begin_receiving();
	assert_int_equal(get_bye().code, QV_BYE_TIMEOUT);
	end_join(&tested);
	assert_int_equal(tested.outcome, -1);
	assert_int_equal(tested.err.code, QV_E_TIMEOUT);
	assert_int_equal(parts.sink_opens, parts.sink_closes);
}

static void a_peer_that_closes_without_a_word_is_reported(void **state)
{
	(void)state;
	begin_receiving();
	put_picture(0);
	shutdown(peer, SHUT_WR);
	end_join(&tested);
	assert_int_equal(tested.outcome, -1);
	assert_int_equal(tested.err.code, QV_E_TRUNCATED);
	assert_int_equal(parts.shown, 1); /* what came is shown all the same */
}

/* versions */

static void another_major_version_is_refused_by_number(void **state)
{
	(void)state;
	struct qv_record record;
	struct qv_reason reason;
	end_start_receiver(&tested);
	put_hello(2, "stamp");
	assert_true(get(&record));
	assert_int_equal(record.type, QV_RECORD_REFUSE);
	qv_reason_decode(record.payload, record.size, &reason, NULL);
	assert_int_equal(reason.code, QV_REFUSE_VERSION);
	shutdown(peer, SHUT_WR);
	end_join(&tested);
	assert_int_equal(tested.outcome, -1);
	assert_int_equal(tested.err.code, QV_E_UNSUPPORTED);
}

static void records_of_a_later_minor_version_are_skipped(void **state)
{
	(void)state;
	begin_receiving();
	put(200, QV_RECORD_IGNORABLE, 3, "later", 5);
	put_picture(0);
	put(201, QV_RECORD_IGNORABLE | 0x40, 0, "", 0);
	put_picture(1);
	assert_true(parts_wait(&parts.shown, 1));
	put_bye();
	shutdown(peer, SHUT_WR);
	end_join(&tested);
	assert_int_equal(tested.outcome, 0);
	assert_int_equal(tested.result.totals.video.received, 2);
	assert_string_equal(tested.result.peer_program, "bytes");
}

static void a_ping_is_answered(void **state)
{
	(void)state;
	struct qv_record record;
	struct qv_ping ping = { 77, 12345 };
	struct qv_pong pong;
	uint8_t bytes[QV_PING_SIZE];
	begin_receiving();
	qv_ping_encode(&ping, bytes);
	put(QV_RECORD_PING, 0, 0, bytes, sizeof bytes);
	assert_true(get_type(QV_RECORD_PONG, &record));
	assert_int_equal(qv_pong_decode(record.payload, record.size, &pong, NULL), 0);
	assert_int_equal(pong.ping.number, 77);
	assert_int_equal(pong.ping.sent_ns, 12345);
	assert_true(pong.sent_ns >= pong.received_ns && pong.received_ns > 0);
	put_bye();
	shutdown(peer, SHUT_WR);
	end_join(&tested);
	assert_int_equal(tested.outcome, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(little_waits_for_a_slow_reader),
		CASE(sound_goes_between_the_pieces_of_a_picture),
		CASE(old_pictures_are_skipped_when_the_reader_catches_up),
		CASE(a_peer_that_takes_nothing_is_given_up),
		CASE(a_peer_that_falls_silent_is_given_up),
		CASE(a_peer_that_closes_without_a_word_is_reported),
		CASE(another_major_version_is_refused_by_number),
		CASE(records_of_a_later_minor_version_are_skipped),
		CASE(a_ping_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
