/* SPDX-License-Identifier: Apache-2.0 */
/* The state machines of RTP flows one by one: pacer, receiver, reports, history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/rtp_flow.h>

#include "link.h"

#define SECOND (1000 * LINK_MS)
#define START  (500 * SECOND)

/* What a packet takes beside its bytes is of the rate too. */
static void pacing_counts_headers(void **state)
{
	(void)state;
	int sent[2] = { 0 };
	for (int i = 0; i < 2; i++) {
		struct qv_rtp_pacer *pacer = qv_rtp_pacer_new(20000, i ? 100 : 0, NULL);
		uint8_t bytes[QV_RTP_PACKET_MAX] = { 0 };
		size_t size;
		enum qv_rtp_class class;
		qv_rtp_pacer_set_rate(pacer, 100000);
		for (int k = 0; k < 200; k++)
			assert_int_equal(qv_rtp_pacer_put(pacer, QV_RTP_PICTURE, bytes, 100, START, NULL), 0);
		for (int64_t now = START; now < START + SECOND; now += LINK_MS)
			while (qv_rtp_pacer_next(pacer, now, bytes, &size, &class) == 1)
				sent[i]++;
		qv_rtp_pacer_free(pacer);
	}
	assert_in_range(sent[0], 125, 130);
	assert_in_range(sent[1], 62, 66);
}

static void pacing(void **state)
{
	(void)state;
	struct qv_rtp_pacer *pacer = qv_rtp_pacer_new(20000, 0, NULL);
	uint8_t bytes[QV_RTP_PACKET_MAX] = { 0 };
	size_t size;
	enum qv_rtp_class class;
	qv_rtp_pacer_set_rate(pacer, 1000000);
	assert_true(qv_rtp_pacer_due(pacer, START) == QV_RTP_NEVER);
	for (int i = 0; i < 20; i++)
		assert_int_equal(qv_rtp_pacer_put(pacer, QV_RTP_PICTURE, bytes, 1000, START, NULL), i < 20 ? 0 : -1);
	struct qv_error err = QV_ERROR_INIT;
	assert_int_equal(qv_rtp_pacer_put(pacer, QV_RTP_PICTURE, bytes, 1000, START, &err), -1);
	assert_int_equal(err.code, QV_E_BUSY);
	int sent = 0;
	for (int64_t now = START; now < START + 80 * LINK_MS; now += LINK_MS)
		while (qv_rtp_pacer_next(pacer, now, bytes, &size, &class) == 1)
			sent++;
	/* 80 ms at 8 ms a packet, and what 20 ms of idle time had saved */
	assert_in_range(sent, 12, 14);
	assert_true(qv_rtp_pacer_due(pacer, START + 79 * LINK_MS) > START + 79 * LINK_MS);
	assert_int_equal(qv_rtp_pacer_put(pacer, QV_RTP_SOUND, bytes, 100, START, NULL), 0);
	assert_int_equal(qv_rtp_pacer_next(pacer, START + 79 * LINK_MS, bytes, &size, &class), 1);
	assert_int_equal(class, QV_RTP_SOUND);
	qv_rtp_pacer_free(pacer);
}

static int put(struct qv_rtp_receiver *receiver, uint16_t sequence, uint32_t timestamp, int64_t now)
{
	struct qv_rtp packet = { .sequence = sequence, .timestamp = timestamp, .ssrc = 5 };
	return qv_rtp_receiver_put(receiver, &packet, false, now, NULL);
}

static void order_gaps_and_requests(void **state)
{
	(void)state;
	struct qv_rtp_receiver *receiver = qv_rtp_receiver_new(
		&(struct qv_rtp_receiver_options){ .clock = 90000, .hold_ns = 100 * LINK_MS, .nack = true }, NULL);
	struct qv_rtp packet;
	uint16_t nacks[QV_RTCP_NACKS_MAX];
	assert_int_equal(put(receiver, 65534, 0, START), 1);
	assert_int_equal(qv_rtp_receiver_next(receiver, START, &packet), 1);
	assert_int_equal(put(receiver, 1, 0, START), 1);
	assert_int_equal(put(receiver, 1, 0, START), 0);
	assert_int_equal(put(receiver, 65534, 0, START), 0);
	assert_int_equal(qv_rtp_receiver_next(receiver, START, &packet), 0);
	assert_int_equal(qv_rtp_receiver_nacks(receiver, START, 0, nacks), 0);
	assert_true(qv_rtp_receiver_due(receiver) == START + 10 * LINK_MS);
	assert_int_equal(qv_rtp_receiver_nacks(receiver, START + 10 * LINK_MS, 50 * LINK_MS, nacks), 2);
	assert_int_equal(nacks[0], 65535);
	assert_int_equal(nacks[1], 0);
	assert_int_equal(qv_rtp_receiver_nacks(receiver, START + 59 * LINK_MS, 50 * LINK_MS, nacks), 0);
	assert_int_equal(put(receiver, 65535, 0, START + 20 * LINK_MS), 1);
	assert_int_equal(qv_rtp_receiver_next(receiver, START + 20 * LINK_MS, &packet), 1);
	assert_int_equal(packet.sequence, 65535);
	assert_int_equal(qv_rtp_receiver_nacks(receiver, START + 60 * LINK_MS, 50 * LINK_MS, nacks), 1);
	assert_int_equal(qv_rtp_receiver_next(receiver, START + 99 * LINK_MS, &packet), 0);
	assert_int_equal(qv_rtp_receiver_next(receiver, START + 100 * LINK_MS, &packet), 1);
	assert_int_equal(packet.sequence, 1);
	assert_int_equal(put(receiver, 0, 0, START), 0);
	/* A number far away is not taken, two in a row begin the stream anew. */
	assert_int_equal(put(receiver, 30000, 0, START), 0);
	assert_int_equal(put(receiver, 2, 0, START), 1);
	assert_int_equal(put(receiver, 30001, 0, START), 0);
	assert_int_equal(put(receiver, 30002, 0, START), 1);
	assert_int_equal(qv_rtp_receiver_next(receiver, START, &packet), 1);
	assert_int_equal(packet.sequence, 30002);
	/* However many are missing, memory and requests are bounded. */
	assert_int_equal(put(receiver, 32900, 0, START), 1);
	assert_int_equal(qv_rtp_receiver_nacks(receiver, START + 50 * LINK_MS, 0, nacks), QV_RTCP_NACKS_MAX);
	assert_false(qv_rtp_receiver_ask_key(receiver, START, 0));
	qv_rtp_receiver_want_key(receiver);
	assert_true(qv_rtp_receiver_ask_key(receiver, START, 0));
	assert_false(qv_rtp_receiver_ask_key(receiver, START + 199 * LINK_MS, 0));
	assert_true(qv_rtp_receiver_ask_key(receiver, START + 200 * LINK_MS, 0));
	qv_rtp_receiver_got_key(receiver);
	assert_false(qv_rtp_receiver_ask_key(receiver, START + SECOND, 0));
	qv_rtp_receiver_free(receiver);
}

static void reports_and_clocks(void **state)
{
	(void)state;
	struct qv_rtp_receiver *receiver =
		qv_rtp_receiver_new(&(struct qv_rtp_receiver_options){ .clock = 90000 }, NULL);
	struct qv_rtcp_report report;
	uint64_t ntp;
	assert_false(qv_rtp_receiver_report(receiver, START, &report));
	for (int i = 0; i < 100; i++)
		if (i % 4)
			put(receiver, (uint16_t)(65500 + i), (uint32_t)i * 900 - 5000, START + i * 10 * LINK_MS);
	assert_true(qv_rtp_receiver_report(receiver, START, &report));
	assert_int_equal(report.ssrc, 5);
	assert_int_equal(report.lost, 24);
	assert_int_equal(report.fraction, 24 * 256 / 99);
	assert_int_equal(report.highest, 65599);
	assert_true(report.jitter <= 1);
	assert_int_equal(report.last_sr, 0);
	assert_false(qv_rtp_receiver_ntp(receiver, 0, &ntp));
	struct qv_rtcp sr = { .kind = QV_RTCP_SR, .ntp = UINT64_C(0x100) << 32, .timestamp = 0xffffff00 };
	qv_rtp_receiver_take_sr(receiver, &sr, START);
	assert_true(qv_rtp_receiver_ntp(receiver, 0xffffff00 + 45000, &ntp));
	assert_true(ntp == ((UINT64_C(0x100) << 32) | 0x80000000));
	assert_true(qv_rtp_receiver_ntp(receiver, 0xffffff00 - 90000, &ntp));
	assert_true(ntp == UINT64_C(0xff) << 32);
	assert_true(qv_rtp_receiver_report(receiver, START + SECOND / 2, &report));
	assert_int_equal(report.last_sr, 0x01000000);
	assert_int_equal(report.since_sr, 32768);
	assert_int_equal(report.fraction, 0);
	/* The report came back 0.75 s after the SR left: a quarter of a second on the way. */
	assert_true(qv_rtp_round_trip_ns(&report, (UINT64_C(0x100) << 32) + 0xc0000000) == SECOND / 4);
	qv_rtp_receiver_free(receiver);
}

static void kept_packets(void **state)
{
	(void)state;
	struct qv_rtp_history *history = qv_rtp_history_new(16, NULL);
	struct qv_rtp packet = { .sequence = 0x1234,
				 .timestamp = 7,
				 .marker = true,
				 .payload = (const uint8_t *)"data",
				 .size = 4 },
		      again, original;
	assert_null(qv_rtp_history_new(17, NULL));
	assert_int_equal(qv_rtp_history_keep(history, &packet, NULL), 0);
	assert_int_equal(qv_rtp_history_again(history, 0x1235, START, 0, &again), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(qv_rtp_history_again(history, 0x1234, START + i * LINK_MS, LINK_MS, &again), 1);
		assert_int_equal(qv_rtp_history_again(history, 0x1234, START + i * LINK_MS, LINK_MS, &again), 0);
	}
	assert_int_equal(qv_rtp_history_again(history, 0x1234, START + SECOND, LINK_MS, &again), 0);
	assert_int_equal(again.size, 6);
	assert_memory_equal(again.payload,
			    "\x12\x34"
			    "data",
			    6);
	assert_int_equal(qv_rtp_original(&again, &original, NULL), 0);
	assert_int_equal(original.sequence, 0x1234);
	assert_int_equal(original.size, 4);
	again.size = 1;
	assert_int_equal(qv_rtp_original(&again, &original, NULL), -1);
	packet.sequence += 16;
	assert_int_equal(qv_rtp_history_keep(history, &packet, NULL), 0);
	assert_int_equal(qv_rtp_history_again(history, 0x1234, START, 0, &again), 0);
	qv_rtp_history_free(history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pacing),
		cmocka_unit_test(pacing_counts_headers),
		cmocka_unit_test(order_gaps_and_requests),
		cmocka_unit_test(reports_and_clocks),
		cmocka_unit_test(kept_packets),
	};
	return cmocka_run_group_tests_name("rtp_flow", tests, NULL, NULL);
}
