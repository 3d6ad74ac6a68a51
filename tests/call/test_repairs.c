/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures over a simulated link that loses packets, with and without repair packets: how late they are whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/clock.h>

#include "../../core/call/rtp_in.h"
#include "../../core/call/rtp_out.h"
#include "../unit/rtp/link.h"

#define SECOND       QV_NS_PER_SECOND
#define STEP         (LINK_MS / 2)
#define START        (100 * SECOND)
#define PICTURES     1800 /* a minute */
#define PICTURE_SIZE 6250
#define MOST         1500000 /* bit/s of the encoder */
#define ROOM         3000000
#define DELAY        (25 * LINK_MS)
#define RTT          (2 * DELAY)

struct call {
	int64_t now;
	struct link there, back;
	struct rtp_out out;
	struct rtp_in in;
	struct qv_rtp_pacer *pacer;
	struct qv_rtp_congestion *congestion;
	struct qv_rtp_arrivals *arrivals;
	uint16_t transport;
	bool repairs;
	int64_t room;
	unsigned sent, came;
	uint64_t media, all; /* bytes */
	bool damaged;
	uint32_t random;
	int64_t next_picture, next_tick, next_report;
	int64_t delays[PICTURES];
};

static const struct qv_stream_offer vp8 = {
	.kind = QV_STREAM_VIDEO, .stream = 1, .codec = "vp8", .video = { .width = 1280, .height = 720 }
};

static struct call *open_call(uint32_t seed, double loss, bool repairs)
{
	struct call *call = calloc(1, sizeof *call);
	struct rtp_stream stream;
	assert_non_null(call);
	call->now = call->next_picture = call->next_tick = call->next_report = START;
	call->there = (struct link){ .settings = { .delay = DELAY, .loss = loss }, .random = seed };
	call->back = (struct link){ .settings = { .delay = DELAY, .loss = loss }, .random = seed ^ 0x5555 };
	call->random = seed * 7919;
	call->repairs = repairs;
	call->room = ROOM;
	call->pacer = qv_rtp_pacer_new(1 << 20, 0, NULL);
	call->arrivals = qv_rtp_arrivals_new(NULL);
	call->congestion =
		qv_rtp_congestion_new(&(struct qv_rtp_rates){ .start = 2 * MOST, .min = 50000, .max = 2 * MOST }, NULL);
	assert_true(rtp_stream_of(&vp8, &stream));
	assert_int_equal(rtp_out_open(&call->out, &stream, QV_RTP_PICTURE, NULL), 0);
	assert_int_equal(rtp_in_open(&call->in, &stream, false, NULL), 0);
	rtp_in_set_rtt(&call->in, RTT);
	qv_rtp_pacer_set_rate(call->pacer, 6 * MOST);
	return call;
}

static void close_call(struct call *call)
{
	rtp_out_close(&call->out);
	rtp_in_close(&call->in);
	qv_rtp_pacer_free(call->pacer);
	qv_rtp_congestion_free(call->congestion);
	qv_rtp_arrivals_free(call->arrivals);
	link_free(&call->there);
	link_free(&call->back);
	free(call);
}

static void encode(struct call *call)
{
	static uint8_t data[2 * PICTURE_SIZE];
	if (call->now < call->next_picture || call->sent == PICTURES)
		return;
	call->next_picture += SECOND / 30;
	call->random = call->random * 1664525 + 1013904223;
	size_t size = PICTURE_SIZE / 2 + (call->random >> 8) % PICTURE_SIZE;
	memset(data, (int)call->sent, size);
	data[0] = 0x11; /* VP8, between key pictures */
	struct unit_buffer unit = { .unit = { .sequence = call->sent,
					      .size = (uint32_t)size,
					      .capture_ns = call->now,
					      .position = call->sent },
				    .data = data,
				    .size = size };
	call->sent++;
	call->media += size;
	assert_int_equal(rtp_out_unit(&call->out, &unit, call->pacer, call->now, NULL), 0);
}

static void transmit(struct call *call)
{
	uint8_t bytes[QV_RTP_PACKET_MAX];
	enum qv_rtp_class class;
	size_t size;
	while (qv_rtp_pacer_next(call->pacer, call->now, bytes, &size, &class)) {
		bytes[17] = (uint8_t)(call->transport >> 8);
		bytes[18] = (uint8_t)call->transport;
		qv_rtp_congestion_sent(call->congestion, call->transport++, size, call->now);
		link_put(&call->there, bytes, size, call->now);
		call->all += size;
	}
}

static void take_pictures(struct call *call)
{
	while (rtp_in_next(&call->in, call->now)) {
		const struct unit_buffer *unit = &call->in.unit;
		assert_true(unit->unit.sequence < PICTURES);
		call->delays[unit->unit.sequence] = call->now - unit->unit.capture_ns;
		call->came++;
		for (size_t i = 1; i < unit->size; i++)
			call->damaged |= unit->data[i] != (uint8_t)unit->unit.sequence;
	}
}

static void receive(struct call *call)
{
	struct link_packet datagram;
	struct qv_rtp packet, original;
	while (link_take(&call->there, call->now, &datagram)) {
		assert_int_equal(qv_rtp_read(&packet, datagram.bytes, datagram.size, &unit_extensions, NULL), 0);
		qv_rtp_arrivals_note(call->arrivals, packet.transport, call->now);
		if (packet.type == RTP_TYPE_REPAIR) {
			rtp_in_repair(&call->in, &packet, call->now);
		} else if (packet.type == RTP_TYPE_AGAIN) {
			assert_int_equal(qv_rtp_original(&packet, &original, NULL), 0);
			original.ssrc = call->in.stream.ssrc;
			original.type = call->in.stream.type;
			rtp_in_put(&call->in, &original, true, call->now);
		} else {
			rtp_in_put(&call->in, &packet, false, call->now);
		}
	}
	take_pictures(call);
}

static void report(struct call *call)
{
	uint8_t bytes[1200];
	uint16_t missing[QV_RTCP_NACKS_MAX];
	struct qv_rtcp_writer writer = { .bytes = bytes, .room = sizeof bytes };
	size_t count = qv_rtp_receiver_nacks(call->in.receiver, call->now, RTT, missing);
	if (count > 0)
		qv_rtcp_put_nacks(&writer, 1, call->in.stream.ssrc, missing, count);
	if (call->now >= call->next_report) {
		call->next_report += 50 * LINK_MS;
		qv_rtp_arrivals_put(call->arrivals, &writer, 1, 1);
	}
	if (writer.used > 0)
		link_put(&call->back, bytes, writer.used, call->now);
}

static void take_reports(struct call *call)
{
	struct link_packet datagram;
	struct qv_rtcp_feedback feedback;
	struct qv_rtcp packet;
	uint16_t missing[QV_RTCP_NACKS_MAX];
	while (link_take(&call->back, call->now, &datagram)) {
		struct qv_rtcp_reader reader = { .bytes = datagram.bytes, .size = datagram.size };
		while (qv_rtcp_read(&reader, &packet, NULL) == 1) {
			if (packet.kind == QV_RTCP_FEEDBACK && qv_rtcp_read_feedback(&packet, &feedback, NULL) == 0)
				qv_rtp_congestion_feedback(call->congestion, &feedback, call->now);
			size_t count = qv_rtcp_read_nacks(&packet, missing);
			rtp_out_again(&call->out, missing, count, call->pacer, call->now, RTT, 1);
		}
	}
	if (call->now < call->next_tick)
		return;
	struct qv_rtp_congestion_state state;
	call->next_tick += REDUNDANCY_LOOK_NS;
	qv_rtp_congestion_state(call->congestion, &state);
	if (call->repairs) {
		redundancy_look(&call->out.redundancy, state.loss, state.queue_ns, call->out.octets);
		redundancy_share(&call->out.redundancy, call->room, MOST, true);
	}
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

struct outcome {
	int64_t p99;
	double more; /* bytes sent to a byte of pictures */
	unsigned lost;
	uint64_t rebuilt, resent, repairs;
};

/* What does not come in a second, never came. */
static struct outcome run(uint32_t seed, double loss, bool repairs, int64_t room)
{
	struct call *call = open_call(seed, loss, repairs);
	call->room = room;
	for (size_t i = 0; i < PICTURES; i++)
		call->delays[i] = SECOND;
	for (int64_t end = START + 61 * SECOND; call->now < end; call->now += STEP) {
		encode(call);
		transmit(call);
		receive(call);
		report(call);
		take_reports(call);
	}
	assert_int_equal(call->sent, PICTURES);
	assert_false(call->damaged);
	qsort(call->delays, PICTURES, sizeof call->delays[0], compare);
	struct outcome outcome = { .p99 = call->delays[PICTURES * 99 / 100] / LINK_MS,
				   .more = (double)call->all / (double)call->media,
				   .lost = PICTURES - call->came,
				   .rebuilt = call->in.rebuilt,
				   .resent = call->in.resent,
				   .repairs = call->out.repair_sequence };
	print_message(
		"# seed %u, %.0f %% lost%s: p99 %lld ms, %u never came, %llu packets rebuilt, %llu sent again; %.2f "
		"bytes to a byte of pictures\n",
		seed, 100 * loss, repairs ? ", repaired" : "", (long long)outcome.p99, outcome.lost,
		(unsigned long long)outcome.rebuilt, (unsigned long long)outcome.resent, outcome.more);
	close_call(call);
	return outcome;
}

static void a_clean_path_gets_no_repair_packets(void **state)
{
	(void)state;
	struct outcome clean = run(1, 0, true, ROOM);
	assert_int_equal(clean.repairs, 0);
	assert_int_equal(clean.lost, 0);
	assert_true(clean.p99 < 35);
}

static void with_room_a_lost_packet_costs_no_round_trip(void **state)
{
	(void)state;
	static const double losses[] = { 0.01, 0.03 };
	for (uint32_t seed = 1; seed <= 4; seed++)
		for (size_t i = 0; i < 2; i++) {
			struct outcome without = run(seed, losses[i], false, ROOM);
			struct outcome with = run(seed, losses[i], true, ROOM);
			assert_int_equal(without.repairs, 0);
			assert_true(without.p99 > 80);
			assert_true(with.p99 < 42);
			assert_true(with.rebuilt > 8 * with.resent);
			assert_true(with.lost <= 1);
			assert_true(with.more < without.more + 0.7);
		}
}

static void without_room_little_of_the_rate_is_given_up(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 4; seed++) {
		struct outcome without = run(seed, 0.01, false, ROOM), with = run(seed, 0.01, true, MOST);
		assert_true(with.more < without.more * 1.3);
		assert_true(with.rebuilt > with.resent);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clean_path_gets_no_repair_packets),
		cmocka_unit_test(with_room_a_lost_packet_costs_no_round_trip),
		cmocka_unit_test(without_room_little_of_the_rate_is_given_up),
	};
	return cmocka_run_group_tests_name("repairs", tests, NULL, NULL);
}
