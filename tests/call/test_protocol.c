/* SPDX-License-Identifier: Apache-2.0 */
/* One real end of a call, and a peer made of bytes: slow, silent, old, new or hostile. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "parts.h"

static struct end end;
static int peer; /* the other end of its socket, blocking */

static int setup(void **state)
{
	(void)state;
	int fds[2], small = 8192;
	parts_reset();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	/* As TCP_NOTSENT_LOWAT does: the kernel holds little. */
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	end_init(&end, fds[0]);
	peer = fds[1];
	end.send.limits.bye_timeout_ms = end.receive.limits.bye_timeout_ms = 300;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	end_clear(&end);
	if (peer >= 0)
		close(peer);
	return 0;
}

static void put(uint8_t type, uint8_t flags, uint16_t stream, const void *payload, size_t size)
{
	uint8_t bytes[QV_RECORD_SIZE_MAX];
	qv_record_put_header(bytes, type, flags, stream, size);
	if (size)
		memcpy(bytes + QV_RECORD_HEADER, payload, size);
	/* The end may have given up already, which the test then sees. */
	(void)!send(peer, bytes, QV_RECORD_HEADER + size, MSG_NOSIGNAL);
}

static bool read_whole(uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t got = recv(peer, bytes + at, size - at, 0);
		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

/* Reads the next record; false at the end of the stream. */
static bool get(struct qv_record *record)
{
	static uint8_t bytes[QV_RECORD_SIZE_MAX];
	if (!read_whole(bytes, QV_RECORD_HEADER))
		return false;
	size_t size = (size_t)bytes[4] << 24 | (size_t)bytes[5] << 16 | (size_t)bytes[6] << 8 | bytes[7];
	assert_in_range(size, 0, QV_RECORD_PAYLOAD_MAX);
	if (!read_whole(bytes + QV_RECORD_HEADER, size))
		return false;
	assert_int_equal(qv_record_parse(bytes, QV_RECORD_HEADER + size, record, NULL), 1);
	return true;
}

/* Reads on to the next record of a type. */
static bool get_type(uint8_t type, struct qv_record *record)
{
	while (get(record))
		if (record->type == type)
			return true;
	return false;
}

static struct qv_reason get_bye(void)
{
	struct qv_record record;
	struct qv_reason reason;
	assert_true(get_type(QV_RECORD_BYE, &record));
	assert_int_equal(qv_reason_decode(record.payload, record.size, &reason, NULL), 0);
	return reason;
}

static void put_accept(size_t accepts, uint16_t first, uint16_t second)
{
	struct qv_hello welcome = { .major = 1, .minor = 0, .accepts = accepts, .accept = { first, second } };
	uint8_t bytes[256];
	int size = qv_hello_encode(&welcome, bytes, sizeof bytes, NULL);
	put(QV_RECORD_WELCOME, 0, 0, bytes, (size_t)size);
}

static void put_welcome(size_t accepts)
{
	put_accept(accepts, 1, 2);
}

static void put_hello(uint16_t major, const char *video_codec)
{
	struct qv_hello hello = { .major = major, .minor = 9, .program = "bytes", .offers = 2 };
	uint8_t bytes[256];
	hello.offer[0] = (struct qv_stream_offer){ .kind = QV_STREAM_VIDEO,
						   .stream = 7,
						   .video = { QV_PIXEL_I420, QV_RANGE_FULL, 16, 16, 30, 1 } };
	hello.offer[1] = (struct qv_stream_offer){ .kind = QV_STREAM_AUDIO,
						   .stream = 9,
						   .codec = "raw16",
						   .audio = { AUDIO_RATE, 1 },
						   .block_frames = AUDIO_BLOCK };
	snprintf(hello.offer[0].codec, sizeof hello.offer[0].codec, "%s", video_codec);
	int size = qv_hello_encode(&hello, bytes, sizeof bytes, NULL);
	put(QV_RECORD_HELLO, 0, 0, bytes, (size_t)size);
}

static void put_bye(void)
{
	static const uint8_t reason[] = { 0, QV_BYE_ENDED };
	put(QV_RECORD_BYE, 0, 0, reason, sizeof reason);
}

static void put_picture(uint64_t sequence)
{
	uint8_t bytes[QV_FRAGMENT_HEADER_MAX + 16] = { 0 };
	struct qv_unit unit = { .sequence = sequence, .size = 16, .position = sequence };
	size_t header = qv_fragment_put_header(bytes, &unit, 0);
	memcpy(bytes + header, &sequence, sizeof sequence);
	put(QV_RECORD_VIDEO, QV_RECORD_KEY, 7, bytes, sizeof bytes);
}

static void begin_receiving(void)
{
	struct qv_record record;
	end_start_receiver(&end);
	put_hello(1, "stamp");
	assert_true(get_type(QV_RECORD_WELCOME, &record));
}

/* slow readers */

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
	end_start_sender(&end);
	assert_true(get_type(QV_RECORD_HELLO, &record));
	put_welcome(2);
	/* Takes nothing until much more was captured than anything on the way may hold, */
	assert_true(parts_wait(&parts.produced_frames, 200));
	assert_true(parts_wait(&parts.produced_blocks, 200));
	end_cancel(&end);
	/* and then everything that was kept for it. */
	while (get(&record) && record.type != QV_RECORD_BYE)
		look_at(&record, &seen, &in_picture);
	end_join(&end);
	assert_int_equal(end.outcome, 0);
	assert_in_range(seen.pictures, 0, 2);
	/* At most what the kernel held and what the outbox holds: a quarter of a second of blocks of 10 ms. */
	assert_in_range(seen.sounds, 0, 25 + 40);
	/* Made and replaced, or not even made while the first one or two had not left. */
	assert_true(end.result.totals.video.dropped_outbox + end.result.totals.video.skipped >= 190);
	assert_true(end.result.totals.audio.dropped_outbox >= 100);
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
	end_start_sender(&end);
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
	end_cancel(&end);
	close(peer);
	peer = -1;
	end_join(&end);
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
	end.send.audio_source = NULL;
	end_start_sender(&end);
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
	end_cancel(&end);
	close(peer);
	peer = -1;
	end_join(&end);
}

/* silence */

static void a_peer_that_takes_nothing_is_given_up(void **state)
{
	(void)state;
	struct qv_record record;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	end.send.limits.peer_timeout_ms = 200;
	end_start_sender(&end);
	assert_true(get_type(QV_RECORD_HELLO, &record));
	put_welcome(2);
	end_join(&end);
	assert_int_equal(end.outcome, -1);
	assert_int_equal(end.err.code, QV_E_TIMEOUT);
}

static void a_peer_that_falls_silent_is_given_up(void **state)
{
	(void)state;
	end.receive.limits.peer_timeout_ms = 200;
	begin_receiving();
	assert_int_equal(get_bye().code, QV_BYE_TIMEOUT);
	end_join(&end);
	assert_int_equal(end.outcome, -1);
	assert_int_equal(end.err.code, QV_E_TIMEOUT);
	assert_int_equal(parts.sink_opens, parts.sink_closes);
}

static void a_peer_that_closes_without_a_word_is_reported(void **state)
{
	(void)state;
	begin_receiving();
	put_picture(0);
	shutdown(peer, SHUT_WR);
	end_join(&end);
	assert_int_equal(end.outcome, -1);
	assert_int_equal(end.err.code, QV_E_TRUNCATED);
	assert_int_equal(parts.shown, 1); /* what came is shown all the same */
}

/* versions */

static void another_major_version_is_refused_by_number(void **state)
{
	(void)state;
	struct qv_record record;
	struct qv_reason reason;
	end_start_receiver(&end);
	put_hello(2, "stamp");
	assert_true(get(&record));
	assert_int_equal(record.type, QV_RECORD_REFUSE);
	qv_reason_decode(record.payload, record.size, &reason, NULL);
	assert_int_equal(reason.code, QV_REFUSE_VERSION);
	shutdown(peer, SHUT_WR);
	end_join(&end);
	assert_int_equal(end.outcome, -1);
	assert_int_equal(end.err.code, QV_E_UNSUPPORTED);
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
	end_join(&end);
	assert_int_equal(end.outcome, 0);
	assert_int_equal(end.result.totals.video.received, 2);
	assert_string_equal(end.result.peer_program, "bytes");
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
	end_join(&end);
	assert_int_equal(end.outcome, 0);
}

/* hostile peers */

static void picture_on_a_stream_never_offered(void)
{
	uint8_t bytes[QV_FRAGMENT_HEADER_MAX + 1] = { 0 };
	struct qv_unit unit = { .size = 1 };
	qv_fragment_put_header(bytes, &unit, 0);
	put(QV_RECORD_VIDEO, 0, 8, bytes, sizeof bytes);
}

static void picture_on_the_sound_stream(void)
{
	uint8_t bytes[QV_FRAGMENT_HEADER_MAX + 1] = { 0 };
	struct qv_unit unit = { .size = 1 };
	qv_fragment_put_header(bytes, &unit, 0);
	put(QV_RECORD_VIDEO, 0, 9, bytes, sizeof bytes);
}

static void the_same_picture_twice(void)
{
	put_picture(4);
	put_picture(4);
}

static void an_empty_fragment(void)
{
	uint8_t bytes[QV_FRAGMENT_HEADER_MAX];
	struct qv_unit unit = { .size = 1 };
	qv_fragment_put_header(bytes, &unit, 0);
	put(QV_RECORD_VIDEO, 0, 7, bytes, sizeof bytes);
}

static void a_huge_unit(void)
{
	uint8_t bytes[QV_FRAGMENT_HEADER_MAX + 1] = { 0 };
	struct qv_unit unit = { .size = UINT32_MAX };
	qv_fragment_put_header(bytes, &unit, 0);
	put(QV_RECORD_VIDEO, 0, 7, bytes, sizeof bytes);
}

static void a_piece_from_the_middle(void)
{
	uint8_t bytes[QV_FRAGMENT_HEADER_MAX] = { 0 };
	struct qv_unit unit = { .size = 100 };
	size_t header = qv_fragment_put_header(bytes, &unit, 50);
	put(QV_RECORD_AUDIO, 0, 9, bytes, header + 1);
}

static void an_unknown_record_that_matters(void)
{
	put(200, 0, 0, "x", 1);
}

static void a_record_too_long(void)
{
	uint8_t bytes[QV_RECORD_HEADER];
	qv_record_put_header(bytes, QV_RECORD_VIDEO, 0, 7, 1u << 30);
	(void)!send(peer, bytes, sizeof bytes, MSG_NOSIGNAL);
}

static void a_second_hello(void)
{
	put_hello(1, "stamp");
}

static void a_welcome_to_the_answerer(void)
{
	put_welcome(1);
}

static void a_short_ping(void)
{
	put(QV_RECORD_PING, 0, 0, "x", 1);
}

static void a_short_bye(void)
{
	put(QV_RECORD_BYE, 0, 0, "x", 1);
}

static void garbage(void)
{
	uint8_t bytes[4096];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 197 + 91);
	(void)!send(peer, bytes, sizeof bytes, MSG_NOSIGNAL);
}

static const struct {
	const char *what;
	void (*act)(void);
} violations[] = {
	{ "picture on a stream never offered", picture_on_a_stream_never_offered },
	{ "picture on the sound stream", picture_on_the_sound_stream },
	{ "the same picture twice", the_same_picture_twice },
	{ "an empty fragment", an_empty_fragment },
	{ "a huge unit", a_huge_unit },
	{ "a piece from the middle", a_piece_from_the_middle },
	{ "an unknown record that matters", an_unknown_record_that_matters },
	{ "a record too long", a_record_too_long },
	{ "a second hello", a_second_hello },
	{ "a welcome to the answerer", a_welcome_to_the_answerer },
	{ "a short ping", a_short_ping },
	{ "a short bye", a_short_bye },
	{ "garbage", garbage },
};

static void breaking_the_protocol_ends_the_call(void **state)
{
	for (size_t i = 0; i < sizeof violations / sizeof violations[0]; i++) {
		begin_receiving();
		violations[i].act();
		struct qv_reason reason = get_bye();
		shutdown(peer, SHUT_WR);
		end_join(&end);
		if (end.outcome != -1 || end.err.code != QV_E_PROTOCOL || reason.code != QV_BYE_PROTOCOL)
			fail_msg("%s: outcome %d (%s), BYE %u", violations[i].what, end.outcome, end.err.message,
				 reason.code);
		assert_true(reason.text[0] != '\0');
		assert_int_equal(parts.sink_opens, parts.sink_closes);
		teardown(state);
		assert_int_equal(setup(state), 0);
	}
}

static void before_the_greeting_nothing_else_is_taken(void **state)
{
	static const uint8_t types[] = { QV_RECORD_VIDEO, QV_RECORD_AUDIO, QV_RECORD_PING,
					 QV_RECORD_PONG,  QV_RECORD_STATS, QV_RECORD_WELCOME };
	static const uint8_t payload[100] = { 0 };
	for (size_t i = 0; i < sizeof types; i++) {
		end_start_receiver(&end);
		put(types[i], 0, 7, payload, sizeof payload);
		shutdown(peer, SHUT_WR);
		end_join(&end);
		assert_int_equal(end.outcome, -1);
		assert_int_equal(end.err.code, QV_E_PROTOCOL);
		assert_int_equal(parts.sink_opens, 0);
		teardown(state);
		assert_int_equal(setup(state), 0);
	}
}

static void a_welcome_to_what_was_not_offered_is_refused(void **state)
{
	(void)state;
	struct qv_record record;
	end.send.audio_source = NULL;
	end_start_sender(&end);
	assert_true(get_type(QV_RECORD_HELLO, &record));
	put_welcome(2);
	assert_int_equal(get_bye().code, QV_BYE_PROTOCOL);
	shutdown(peer, SHUT_WR);
	end_join(&end);
	assert_int_equal(end.err.code, QV_E_PROTOCOL);
	assert_int_equal(parts.source_opens, parts.source_closes);
}

static void a_welcome_to_two_streams_of_a_kind_is_refused(void **state)
{
	(void)state;
	struct qv_role codecs[] = { video_codec_role, video_codec_role };
	struct qv_record record;
	end.send.video_codecs = codecs;
	end.send.video_codec_count = 2;
	end_start_sender(&end);
	assert_true(get_type(QV_RECORD_HELLO, &record));
	put_accept(2, 1, 3);
	assert_int_equal(get_bye().code, QV_BYE_PROTOCOL);
	shutdown(peer, SHUT_WR);
	end_join(&end);
	assert_int_equal(end.err.code, QV_E_PROTOCOL);
	assert_string_equal(end.err.message, "the peer accepts two video streams");
	assert_int_equal(parts.source_opens, parts.source_closes);
}

static void refusals_have_their_codes(void **state)
{
	static const struct {
		uint16_t refusal;
		enum qv_code code;
	} expected[] = {
		{ QV_REFUSE_BUSY, QV_E_BUSY },         { QV_REFUSE_VERSION, QV_E_UNSUPPORTED },
		{ QV_REFUSE_MEDIA, QV_E_UNSUPPORTED }, { QV_REFUSE_DENIED, QV_E_DENIED },
		{ QV_REFUSE_ERROR, QV_E_IO },          { 999, QV_E_IO },
	};
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		uint8_t bytes[] = { (uint8_t)(expected[i].refusal >> 8), (uint8_t)expected[i].refusal, 'n', 'o', 27 };
		end_start_sender(&end);
		put(QV_RECORD_REFUSE, 0, 0, bytes, sizeof bytes);
		shutdown(peer, SHUT_WR);
		end_join(&end);
		assert_int_equal(end.outcome, -1);
		assert_int_equal(end.err.code, expected[i].code);
		assert_non_null(strstr(end.err.message, "no?"));
		teardown(state);
		assert_int_equal(setup(state), 0);
	}
}

static void floods_of_pings_cost_nothing_but_answers(void **state)
{
	(void)state;
	uint8_t bytes[QV_PING_SIZE];
	struct qv_ping ping = { 0, 1 };
	begin_receiving();
	qv_ping_encode(&ping, bytes);
	/* Nothing is read meanwhile: answers that find no room are given up. */
	for (int i = 0; i < 20000; i++)
		put(QV_RECORD_PING, 0, 0, bytes, sizeof bytes);
	put_picture(0);
	assert_true(parts_wait(&parts.shown, 1));
	put_bye();
	shutdown(peer, SHUT_WR);
	struct qv_record record;
	int answers = 0;
	while (get(&record))
		answers += record.type == QV_RECORD_PONG;
	end_join(&end);
	assert_int_equal(end.outcome, 0);
	assert_in_range(answers, 1, 20000);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		CASE(breaking_the_protocol_ends_the_call),
		CASE(before_the_greeting_nothing_else_is_taken),
		CASE(a_welcome_to_what_was_not_offered_is_refused),
		CASE(a_welcome_to_two_streams_of_a_kind_is_refused),
		CASE(refusals_have_their_codes),
		CASE(floods_of_pings_cost_nothing_but_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
