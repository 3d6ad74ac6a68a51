/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/rtcp.h>

static struct qv_rtcp next(struct qv_rtcp_reader *reader)
{
	struct qv_rtcp packet;
	assert_int_equal(qv_rtcp_read(reader, &packet, NULL), 1);
	return packet;
}

static void compound(void **state)
{
	(void)state;
	uint8_t bytes[512];
	struct qv_rtcp_writer writer = { .bytes = bytes, .room = sizeof bytes };
	struct qv_rtcp sr = { .kind = QV_RTCP_SR,
			      .sender = 7,
			      .ntp = 0x0102030405060708,
			      .timestamp = 9,
			      .packets = 10,
			      .octets = 11,
			      .report_count = 2 };
	sr.reports[0] = (struct qv_rtcp_report){
		.ssrc = 20, .fraction = 21, .lost = -22, .highest = 23, .jitter = 24, .last_sr = 25, .since_sr = 26
	};
	sr.reports[1] = (struct qv_rtcp_report){ .ssrc = 30, .lost = 0x7fffff };
	assert_true(qv_rtcp_put_report(&writer, &sr));
	assert_int_equal(writer.used, 28 + 48);
	assert_true(qv_rtcp_put_cname(&writer, 7, "somebody"));
	assert_true(qv_rtcp_put_nacks(&writer, 7, 8, (uint16_t[]){ 65535, 0, 15, 16, 17, 100 }, 6));
	assert_true(qv_rtcp_put_pli(&writer, 7, 8));
	assert_true(qv_rtcp_put_bye(&writer, 7));
	assert_int_equal(writer.used % 4, 0);

	struct qv_rtcp_reader reader = { .bytes = bytes, .size = writer.used };
	struct qv_rtcp packet = next(&reader);
	assert_int_equal(packet.kind, QV_RTCP_SR);
	assert_true(packet.ntp == sr.ntp);
	assert_int_equal(packet.octets, 11);
	assert_int_equal(packet.report_count, 2);
	assert_memory_equal(packet.reports, sr.reports, 2 * sizeof sr.reports[0]);
	packet = next(&reader);
	assert_int_equal(packet.kind, QV_RTCP_SDES);
	assert_string_equal(packet.cname, "somebody");
	packet = next(&reader);
	uint16_t nacks[QV_RTCP_NACKS_MAX];
	assert_int_equal(qv_rtcp_read_nacks(&packet, nacks), 6);
	assert_memory_equal(nacks, ((uint16_t[]){ 65535, 0, 15, 16, 17, 100 }), 12);
	assert_int_equal(packet.control_size, 12);
	packet = next(&reader);
	assert_int_equal(packet.kind, QV_RTCP_PLI);
	assert_int_equal(packet.media, 8);
	packet = next(&reader);
	assert_int_equal(packet.kind, QV_RTCP_BYE);
	assert_int_equal(packet.sender, 7);
	assert_int_equal(qv_rtcp_read(&reader, &packet, NULL), 0);
}

static void nothing_is_written_by_halves(void **state)
{
	(void)state;
	uint8_t bytes[64];
	for (size_t room = 0; room < 24; room++) {
		struct qv_rtcp_writer writer = { .bytes = bytes, .room = room };
		assert_false(qv_rtcp_put_cname(&writer, 1, "thirteenchars"));
		assert_int_equal(writer.used, 0);
	}
	struct qv_rtcp_writer writer = { .bytes = bytes, .room = 24 };
	assert_true(qv_rtcp_put_cname(&writer, 1, "thirteenchars"));
	char name[300];
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = 0;
	writer = (struct qv_rtcp_writer){ .bytes = bytes, .room = sizeof bytes };
	assert_false(qv_rtcp_put_cname(&writer, 1, name));
}

static void damaged(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t size;
	} bad[] = {
		{ "\x80", 1 },
		{ "\x80\xc8\0\1", 4 },
		{ "\x40\xc9\0\1abcd", 8 },
		{ "\x81\xc9\0\1abcd", 8 },
		{ "\x80\xc8\0\1abcd", 8 },
		{ "\xa0\xc9\0\2abcd\0\0\0\xff", 12 },
		{ "\xa0\xc9\0\2abcd\0\0\0\0", 12 },
		{ "\x81\xca\0\2abcd\1\x09zz", 12 },
		{ "\x81\xce\0\1abcd", 8 },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_rtcp_reader reader = { .bytes = (const uint8_t *)bad[i].bytes, .size = bad[i].size };
		struct qv_rtcp packet;
		struct qv_error err = QV_ERROR_INIT;
		assert_int_equal(qv_rtcp_read(&reader, &packet, &err), -1);
		assert_int_equal(err.code, QV_E_PROTOCOL);
	}
}

static struct qv_rtcp_feedback carry(const struct qv_rtcp_feedback *feedback, size_t room, size_t *put)
{
	static uint8_t bytes[4096];
	struct qv_rtcp_writer writer = { .bytes = bytes, .room = room };
	struct qv_rtcp_feedback read;
	assert_true(qv_rtcp_put_feedback(&writer, 1, 2, feedback, put));
	assert_int_equal(writer.used % 4, 0);
	struct qv_rtcp_reader reader = { .bytes = bytes, .size = writer.used };
	struct qv_rtcp packet = next(&reader);
	assert_int_equal(packet.kind, QV_RTCP_FEEDBACK);
	assert_int_equal(qv_rtcp_read_feedback(&packet, &read, NULL), 0);
	assert_int_equal(read.count, *put);
	assert_int_equal(read.base, feedback->base);
	assert_int_equal(read.number, feedback->number);
	for (size_t i = 0; i < *put; i++) {
		assert_int_equal(read.arrivals[i].received, feedback->arrivals[i].received);
		if (read.arrivals[i].received)
			assert_true(llabs(read.arrivals[i].at_us - feedback->arrivals[i].at_us) <= 125);
	}
	return read;
}

static void feedback(void **state)
{
	(void)state;
	static struct qv_rtcp_feedback made;
	size_t put;
	uint32_t random = 1;
	for (int round = 0; round < 300; round++) {
		int64_t at_us = 64000 * 5 + round;
		made.base = (uint16_t)(65500 + round);
		made.number = (uint8_t)round;
		made.count = 1 + (size_t)round % QV_RTCP_FEEDBACK_MAX;
		for (size_t i = 0; i < made.count; i++) {
			random = random * 1664525 + 1013904223;
			at_us += (random >> 16) % (round % 3 ? 3000 : 200000);
			if (random % 17 == 0)
				at_us -= 1000;
			made.arrivals[i].received = i == 0 || random >> 28 > (unsigned)round % 12;
			made.arrivals[i].at_us = at_us;
		}
		carry(&made, 4096, &put);
		assert_int_equal(put, made.count);
	}
	carry(&made, 60, &put);
	assert_true(put > 0 && put < made.count);
	/* A step that does not fit 16 bits of 250 us goes into the next feedback. */
	made.count = 2;
	made.arrivals[1] = (struct qv_rtcp_arrival){ .received = true, .at_us = made.arrivals[0].at_us + 9000000 };
	carry(&made, 4096, &put);
	assert_int_equal(put, 1);
}

static void damaged_feedback(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t size;
	} bad[] = {
		{ "\0\1\0\5\0\0\1\0", 8 },          /* no chunk */
		{ "\0\1\0\5\0\0\1\0\x20\x05", 10 }, /* no deltas */
		{ "\0\1\0\5\0\0\1\0\x60\x05"
		  "abcdefghij",
		  20 },                                     /* reserved symbol */
		{ "\0\1\xff\xff\0\0\1\0\x20\x05", 10 },     /* about too many */
		{ "\0\1\0\5\0\0\1\0\x20\x00\x20\x00", 12 }, /* runs of nothing, and then no more */
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct qv_rtcp packet = { .kind = QV_RTCP_FEEDBACK,
					  .control = (const uint8_t *)bad[i].bytes,
					  .control_size = bad[i].size };
		struct qv_rtcp_feedback read;
		assert_int_equal(qv_rtcp_read_feedback(&packet, &read, NULL), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compound),         cmocka_unit_test(nothing_is_written_by_halves),
		cmocka_unit_test(damaged),          cmocka_unit_test(feedback),
		cmocka_unit_test(damaged_feedback),
	};
	return cmocka_run_group_tests_name("rtcp", tests, NULL, NULL);
}
