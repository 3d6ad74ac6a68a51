/* SPDX-License-Identifier: Apache-2.0 */
/* A call whose peer breaks the protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "byte_peer.h"

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
		end_join(&tested);
		if (tested.outcome != -1 || tested.err.code != QV_E_PROTOCOL || reason.code != QV_BYE_PROTOCOL)
			fail_msg("%s: outcome %d (%s), BYE %u", violations[i].what, tested.outcome, tested.err.message,
				 reason.code);
		assert_true(reason.text[0] != '\0');
		assert_int_equal(parts.sink_opens, parts.sink_closes);
		peer_teardown(state);
		assert_int_equal(peer_setup(state), 0);
	}
}

static void before_the_greeting_nothing_else_is_taken(void **state)
{
	static const uint8_t types[] = { QV_RECORD_VIDEO, QV_RECORD_AUDIO, QV_RECORD_PING,
					 QV_RECORD_PONG,  QV_RECORD_STATS, QV_RECORD_WELCOME };
	static const uint8_t payload[100] = { 0 };
	for (size_t i = 0; i < sizeof types; i++) {
		end_start_receiver(&tested);
		put(types[i], 0, 7, payload, sizeof payload);
		shutdown(peer, SHUT_WR);
		end_join(&tested);
		assert_int_equal(tested.outcome, -1);
		assert_int_equal(tested.err.code, QV_E_PROTOCOL);
		assert_int_equal(parts.sink_opens, 0);
		peer_teardown(state);
		assert_int_equal(peer_setup(state), 0);
	}
}

static void a_welcome_to_what_was_not_offered_is_refused(void **state)
{
	(void)state;
	struct qv_record record;
	tested.send.audio_source = NULL;
	end_start_sender(&tested);
	assert_true(get_type(QV_RECORD_HELLO, &record));
	put_welcome(2);
	assert_int_equal(get_bye().code, QV_BYE_PROTOCOL);
	shutdown(peer, SHUT_WR);
	end_join(&tested);
	assert_int_equal(tested.err.code, QV_E_PROTOCOL);
	assert_int_equal(parts.source_opens, parts.source_closes);
}

static void a_welcome_to_two_streams_of_a_kind_is_refused(void **state)
{
	(void)state;
	struct qv_role codecs[] = { video_codec_role, video_codec_role };
	struct qv_record record;
	tested.send.video_codecs = codecs;
	tested.send.video_codec_count = 2;
	end_start_sender(&tested);
	assert_true(get_type(QV_RECORD_HELLO, &record));
	put_accept(2, 1, 3);
	assert_int_equal(get_bye().code, QV_BYE_PROTOCOL);
	shutdown(peer, SHUT_WR);
	end_join(&tested);
	assert_int_equal(tested.err.code, QV_E_PROTOCOL);
	assert_string_equal(tested.err.message, "the peer accepts two video streams");
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
		end_start_sender(&tested);
		put(QV_RECORD_REFUSE, 0, 0, bytes, sizeof bytes);
		shutdown(peer, SHUT_WR);
		end_join(&tested);
		assert_int_equal(tested.outcome, -1);
		assert_int_equal(tested.err.code, expected[i].code);
		assert_non_null(strstr(tested.err.message, "no?"));
		peer_teardown(state);
		assert_int_equal(peer_setup(state), 0);
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
	end_join(&tested);
	assert_int_equal(tested.outcome, 0);
	assert_in_range(answers, 1, 20000);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(breaking_the_protocol_ends_the_call),
		CASE(before_the_greeting_nothing_else_is_taken),
		CASE(a_welcome_to_what_was_not_offered_is_refused),
		CASE(a_welcome_to_two_streams_of_a_kind_is_refused),
		CASE(refusals_have_their_codes),
		CASE(floods_of_pings_cost_nothing_but_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
