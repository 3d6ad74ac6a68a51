/* SPDX-License-Identifier: Apache-2.0 */
/* The other records of the session protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/session.h>

static void a_record_is_read_when_it_is_whole(void **state)
{
	(void)state;
	uint8_t bytes[QV_RECORD_HEADER + 3] = { 0 };
	struct qv_record record;
	qv_record_put_header(bytes, QV_RECORD_VIDEO, QV_RECORD_KEY, 0x1234, 3);
	static const uint8_t expected[] = { 4, 1, 0x12, 0x34, 0, 0, 0, 3 };
	assert_memory_equal(bytes, expected, sizeof expected);
	for (size_t size = 0; size < sizeof bytes; size++)
		assert_int_equal(qv_record_parse(bytes, size, &record, NULL), 0);
	assert_int_equal(qv_record_parse(bytes, sizeof bytes, &record, NULL), 1);
	assert_int_equal(record.type, QV_RECORD_VIDEO);
	assert_int_equal(record.flags, QV_RECORD_KEY);
	assert_int_equal(record.stream, 0x1234);
	assert_int_equal(record.size, 3);
	assert_ptr_equal(record.payload, bytes + QV_RECORD_HEADER);
}

static void a_record_longer_than_a_tls_record_is_refused_by_its_header(void **state)
{
	(void)state;
	uint8_t bytes[QV_RECORD_HEADER];
	struct qv_record record;
	struct qv_error err = QV_ERROR_INIT;
	qv_record_put_header(bytes, QV_RECORD_VIDEO, 0, 1, QV_RECORD_PAYLOAD_MAX);
	assert_int_equal(qv_record_parse(bytes, sizeof bytes, &record, &err), 0);
	qv_record_put_header(bytes, QV_RECORD_VIDEO, 0, 1, QV_RECORD_PAYLOAD_MAX + 1);
	assert_int_equal(qv_record_parse(bytes, sizeof bytes, &record, &err), -1);
	assert_int_equal(err.code, QV_E_PROTOCOL);
	qv_record_put_header(bytes, 0, QV_RECORD_IGNORABLE, 1, 0);
	assert_int_equal(qv_record_parse(bytes, sizeof bytes, &record, &err), -1);
}

static void hostile_text_is_made_printable(void **state)
{
	(void)state;
	static const uint8_t bytes[] = "\0\1busy \x1b[2J\xc3\xa9\xff\xe2\x80\xae\xed\xa0\x80\xc0\x80\x7f\n";
	struct qv_reason reason;
	assert_int_equal(qv_reason_decode(bytes, sizeof bytes - 1, &reason, NULL), 0);
	assert_int_equal(reason.code, QV_REFUSE_BUSY);
	assert_string_equal(reason.text, "busy ?[2J\xc3\xa9"
					 "???????????");
	assert_int_equal(qv_reason_decode(bytes, 1, &reason, NULL), -1);
}

static void reasons_are_bounded(void **state)
{
	(void)state;
	uint8_t bytes[2 + QV_REASON_TEXT_MAX + 1];
	struct qv_reason reason;
	memset(bytes, 'a', sizeof bytes);
	assert_int_equal(qv_reason_decode(bytes, sizeof bytes - 1, &reason, NULL), 0);
	assert_int_equal(strlen(reason.text), QV_REASON_TEXT_MAX);
	assert_int_equal(qv_reason_decode(bytes, sizeof bytes, &reason, NULL), -1);
	uint8_t again[sizeof bytes];
	assert_int_equal(qv_reason_encode(&reason, again, sizeof again, NULL), 2 + QV_REASON_TEXT_MAX);
	assert_memory_equal(again, bytes, 2 + QV_REASON_TEXT_MAX);
}

static const struct qv_unit unit = { .sequence = 5,
				     .size = 100,
				     .capture_ns = 1234567890123,
				     .capture_us = 1,
				     .encode_us = 2,
				     .queue_us = 3,
				     .position = 4000,
				     .frames = 160 };

static void a_fragment_is_written_and_read_back(void **state)
{
	(void)state;
	uint8_t bytes[QV_FRAGMENT_HEADER_MAX + 1] = { 0 };
	struct qv_fragment fragment;
	size_t header = qv_fragment_put_header(bytes, &unit, 0);
	assert_int_equal(header, QV_FRAGMENT_HEADER_MAX);
	bytes[header] = 42;
	assert_int_equal(qv_fragment_decode(QV_RECORD_AUDIO, bytes, header + 1, &fragment, NULL), 0);
	assert_memory_equal(&fragment.unit, &unit, sizeof unit);
	assert_int_equal(fragment.size, 1);
	assert_int_equal(fragment.data[0], 42);
	for (size_t cut = 0; cut <= header; cut++)
		assert_int_equal(qv_fragment_decode(QV_RECORD_AUDIO, bytes, cut, &fragment, NULL), -1);

	header = qv_fragment_put_header(bytes, &unit, 7);
	assert_int_equal(header, QV_FRAGMENT_HEADER);
	assert_int_equal(qv_fragment_decode(QV_RECORD_VIDEO, bytes, header + 1, &fragment, NULL), 0);
	assert_int_equal(fragment.unit.sequence, 5);
	assert_int_equal(fragment.offset, 7);
	assert_int_equal(qv_fragment_decode(QV_RECORD_VIDEO, bytes, header, &fragment, NULL), -1);
}

static int decode_unit(uint8_t type, const struct qv_unit *spoilt)
{
	uint8_t bytes[QV_FRAGMENT_HEADER_MAX + 1] = { 0 };
	struct qv_fragment fragment;
	size_t header = qv_fragment_put_header(bytes, spoilt, 0);
	return qv_fragment_decode(type, bytes, header + 1, &fragment, NULL);
}

static void units_outside_the_limits_are_refused(void **state)
{
	(void)state;
	struct qv_unit spoilt = unit;
	spoilt.size = QV_PACKET_MAX;
	assert_int_equal(decode_unit(QV_RECORD_VIDEO, &spoilt), 0);
	assert_int_equal(decode_unit(QV_RECORD_AUDIO, &spoilt), -1);
	spoilt.size = QV_PACKET_MAX + 1;
	assert_int_equal(decode_unit(QV_RECORD_VIDEO, &spoilt), -1);
	spoilt.size = QV_AUDIO_UNIT_MAX;
	assert_int_equal(decode_unit(QV_RECORD_AUDIO, &spoilt), 0);
	spoilt.size = 0;
	assert_int_equal(decode_unit(QV_RECORD_VIDEO, &spoilt), -1);
	spoilt = unit;
	spoilt.frames = 0;
	assert_int_equal(decode_unit(QV_RECORD_AUDIO, &spoilt), -1);
	assert_int_equal(decode_unit(QV_RECORD_VIDEO, &spoilt), 0);
	spoilt = unit;
	spoilt.position = UINT64_C(1) << 44;
	assert_int_equal(decode_unit(QV_RECORD_AUDIO, &spoilt), -1);
	spoilt = unit;
	spoilt.capture_ns = INT64_MIN;
	assert_int_equal(decode_unit(QV_RECORD_AUDIO, &spoilt), -1);
	spoilt.capture_ns = INT64_MAX;
	assert_int_equal(decode_unit(QV_RECORD_AUDIO, &spoilt), -1);
}

static void pings_and_reports_are_written_and_read_back(void **state)
{
	(void)state;
	struct qv_pong pong = { .ping = { 7, 1000 }, .received_ns = 2000, .sent_ns = 3000 }, pong_out;
	uint8_t bytes[QV_STATS_SIZE + 4] = { 0 };
	qv_pong_encode(&pong, bytes);
	assert_int_equal(qv_pong_decode(bytes, QV_PONG_SIZE, &pong_out, NULL), 0);
	assert_int_equal(pong_out.ping.number, 7);
	assert_int_equal(pong_out.ping.sent_ns, 1000);
	assert_int_equal(pong_out.received_ns, 2000);
	assert_int_equal(pong_out.sent_ns, 3000);
	assert_int_equal(qv_pong_decode(bytes, QV_PONG_SIZE - 1, &pong_out, NULL), -1);
	struct qv_ping ping_out;
	qv_ping_encode(&pong.ping, bytes);
	assert_int_equal(qv_ping_decode(bytes, QV_PING_SIZE, &ping_out, NULL), 0);
	assert_int_equal(ping_out.number, 7);
	assert_int_equal(ping_out.sent_ns, 1000);
	assert_int_equal(qv_ping_decode(bytes, QV_PING_SIZE - 1, &ping_out, NULL), -1);

	struct qv_receiver_report report = { 1, 2, 3, 4, 5, 6, 7, -1, 9, 0 }, report_out;
	qv_stats_encode(&report, bytes);
	assert_int_equal(qv_stats_decode(bytes, QV_STATS_SIZE, &report_out, NULL), 0);
	assert_memory_equal(&report_out, &report, sizeof report);
	assert_int_equal(qv_stats_decode(bytes, QV_STATS_SIZE - 1, &report_out, NULL), -1);
	/* A later version may add to it. */
	assert_int_equal(qv_stats_decode(bytes, QV_STATS_SIZE + 4, &report_out, NULL), 0);
}

static void state_refresh_and_attach_are_written_and_read_back(void **state)
{
	(void)state;
	struct qv_stream_state told = { 0x1234, QV_STREAM_MUTED }, read;
	uint8_t bytes[QV_ATTACH_SIZE], token[QV_ATTACH_TOKEN];
	const uint8_t *found;
	uint16_t stream;
	qv_state_encode(&told, bytes);
	assert_int_equal(qv_state_decode(bytes, QV_STATE_SIZE, &read, NULL), 0);
	assert_int_equal(read.stream, 0x1234);
	assert_int_equal(read.bits, QV_STREAM_MUTED);
	assert_int_equal(qv_state_decode(bytes, QV_STATE_SIZE - 1, &read, NULL), -1);
	qv_refresh_encode(0x4321, bytes);
	assert_int_equal(qv_refresh_decode(bytes, QV_REFRESH_SIZE, &stream, NULL), 0);
	assert_int_equal(stream, 0x4321);
	assert_int_equal(qv_refresh_decode(bytes, QV_REFRESH_SIZE - 1, &stream, NULL), -1);
	memset(token, 0x5a, sizeof token);
	qv_attach_encode(token, bytes);
	assert_int_equal(qv_attach_decode(bytes, sizeof bytes, &found, NULL), 0);
	assert_memory_equal(found, token, sizeof token);
	assert_int_equal(qv_attach_decode(bytes, sizeof bytes - 1, &found, NULL), -1);
	bytes[5] = 2; /* another major version */
	assert_int_equal(qv_attach_decode(bytes, sizeof bytes, &found, NULL), -1);
}

static void a_roster_is_written_and_read_back(void **state)
{
	(void)state;
	struct qv_roster told = { .count = 2, .sae = { "bob", "carol" } }, out;
	static const uint8_t expected[] = { 2, 3, 'b', 'o', 'b', 5, 'c', 'a', 'r', 'o', 'l' };
	uint8_t bytes[QV_ROSTER_SIZE_MAX];
	assert_int_equal(qv_roster_encode(&told, bytes, sizeof bytes, NULL), sizeof expected);
	assert_memory_equal(bytes, expected, sizeof expected);
	assert_int_equal(qv_roster_decode(bytes, sizeof expected, &out, NULL), 0);
	assert_memory_equal(&out, &told, sizeof out);
	for (size_t cut = 0; cut < sizeof expected; cut++)
		assert_int_equal(qv_roster_decode(bytes, cut, &out, NULL), -1);
	for (size_t room = 0; room < sizeof expected; room++)
		assert_int_equal(qv_roster_encode(&told, bytes, room, NULL), -1);
	told.count = QV_ROSTER_MAX;
	for (size_t i = 0; i < told.count; i++)
		memset(told.sae[i], 'x', QV_SAE_ID_MAX);
	told.named = true;
	memset(told.conference, 'i', sizeof told.conference);
	assert_int_equal(qv_roster_encode(&told, bytes, sizeof bytes, NULL), QV_ROSTER_SIZE_MAX);
	assert_int_equal(qv_roster_decode(bytes, sizeof bytes, &out, NULL), 0);
	assert_memory_equal(&out, &told, sizeof out);
	/* Without the whole of an ID there is none. */
	assert_int_equal(qv_roster_decode(bytes, sizeof bytes - 1, &out, NULL), 0);
	assert_false(out.named);
}

static void rosters_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	static const uint8_t many[] = { 6, 1, 'a', 1, 'b', 1, 'c', 1, 'd', 1, 'e', 1, 'f' };
	static const uint8_t nobody[] = { 1, 0 }, blank[] = { 1, 1, ' ' }, zero[] = { 1, 1, 0 },
			     high[] = { 1, 1, 0xff };
	struct qv_roster out, told = { .count = 1, .sae = { "a b" } };
	uint8_t bytes[QV_ROSTER_SIZE_MAX];
	assert_int_equal(qv_roster_decode(many, sizeof many, &out, NULL), -1);
	assert_int_equal(qv_roster_decode(nobody, sizeof nobody, &out, NULL), -1);
	assert_int_equal(qv_roster_decode(blank, sizeof blank, &out, NULL), -1);
	assert_int_equal(qv_roster_decode(zero, sizeof zero, &out, NULL), -1);
	assert_int_equal(qv_roster_decode(high, sizeof high, &out, NULL), -1);
	assert_int_equal(qv_roster_encode(&told, bytes, sizeof bytes, NULL), -1);
	told.sae[0][0] = '\0';
	assert_int_equal(qv_roster_encode(&told, bytes, sizeof bytes, NULL), -1);
	told.count = QV_ROSTER_MAX + 1;
	assert_int_equal(qv_roster_encode(&told, bytes, sizeof bytes, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_read_when_it_is_whole),
		cmocka_unit_test(a_record_longer_than_a_tls_record_is_refused_by_its_header),
		cmocka_unit_test(state_refresh_and_attach_are_written_and_read_back),
		cmocka_unit_test(a_roster_is_written_and_read_back),
		cmocka_unit_test(rosters_that_make_no_sense_are_refused),
		cmocka_unit_test(hostile_text_is_made_printable),
		cmocka_unit_test(reasons_are_bounded),
		cmocka_unit_test(a_fragment_is_written_and_read_back),
		cmocka_unit_test(units_outside_the_limits_are_refused),
		cmocka_unit_test(pings_and_reports_are_written_and_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
