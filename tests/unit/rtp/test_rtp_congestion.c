/* SPDX-License-Identifier: Apache-2.0 */
/* What a call sends over a simulated link, and what the link does to it: the rate, and what is repaired. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/rtp_flow.h>

#include "link.h"

#define SECOND       (1000 * LINK_MS)
#define START        (500 * SECOND)
#define STEP         (LINK_MS / 2)
#define MEDIA        1
#define AGAIN        2
#define WAITS_MAX    200000
#define PAYLOAD_SIZE 1000

static const struct qv_rtp_extensions ids = { .transport = 3 };

struct call {
	int64_t now;
	struct link there, back;
	struct qv_rtp_history *history;
	struct qv_rtp_pacer *pacer;
	struct qv_rtp_congestion *congestion;
	struct qv_rtp_arrivals *arrivals;
	struct qv_rtp_receiver *receiver;
	uint16_t sequence, again_sequence, transport;
	int64_t next_frame, next_report, next_sound;
	bool paused;
	bool probes;
	bool lively; /* pictures differ much in size, every 150th is large, and threads wake late */
	unsigned frame;
	int64_t wakes;
	/* what came of it */
	uint64_t bytes_out;
	size_t filler;
	uint32_t handed, last_number, gaps;
	bool disorder;
	int64_t *waits;
	size_t wait_count;
};

static struct call *open_call(uint32_t seed, struct link_settings there, int64_t start)
{
	struct call *call = calloc(1, sizeof *call);
	assert_non_null(call);
	call->now = call->next_frame = call->next_report = call->next_sound = START;
	call->there = (struct link){ .settings = there, .random = seed };
	call->back = (struct link){ .settings = { .delay = there.delay, .loss = there.loss }, .random = seed ^ 0x5555 };
	call->history = qv_rtp_history_new(1024, NULL);
	call->pacer = qv_rtp_pacer_new(1000000, 0, NULL);
	call->congestion =
		qv_rtp_congestion_new(&(struct qv_rtp_rates){ .start = start, .min = 50000, .max = 20000000 }, NULL);
	call->arrivals = qv_rtp_arrivals_new(NULL);
	call->receiver = qv_rtp_receiver_new(
		&(struct qv_rtp_receiver_options){ .clock = 90000, .hold_ns = 400 * LINK_MS, .nack = true }, NULL);
	call->waits = calloc(WAITS_MAX, sizeof call->waits[0]);
	assert_true(call->history && call->pacer && call->congestion && call->arrivals && call->receiver &&
		    call->waits);
	call->sequence = 65000;
	call->transport = 65400;
	return call;
}

static void close_call(struct call *call)
{
	qv_rtp_history_free(call->history);
	qv_rtp_pacer_free(call->pacer);
	qv_rtp_congestion_free(call->congestion);
	qv_rtp_arrivals_free(call->arrivals);
	qv_rtp_receiver_free(call->receiver);
	link_free(&call->there);
	link_free(&call->back);
	free(call->waits);
	free(call);
}

static struct qv_rtp_congestion_state state_of(const struct call *call)
{
	struct qv_rtp_congestion_state state;
	qv_rtp_congestion_state(call->congestion, &state);
	return state;
}

static void pace(struct call *call, const struct qv_rtp *packet, enum qv_rtp_class class)
{
	uint8_t bytes[QV_RTP_PACKET_MAX];
	int size = qv_rtp_write(packet, &ids, bytes, sizeof bytes, NULL);
	assert_true(size > 0);
	qv_rtp_pacer_put(call->pacer, class, bytes, (size_t)size, call->now, NULL);
}

/* Frames of the size that the target gives, some larger, some smaller. */
static void encode(struct call *call)
{
	static uint8_t payload[PAYLOAD_SIZE + 8];
	if (call->now < call->next_frame || call->paused || (call->probes && !state_of(call).probed))
		return;
	call->next_frame += SECOND / 30;
	double target = (double)state_of(call).target, chance = link_random(&call->there);
	double left = target / 8 / 30 * (0.8 + 0.4 * chance);
	if (call->lively && (double)qv_rtp_pacer_bytes(call->pacer) * 8 > (double)state_of(call).pace / 100)
		return;
	if (call->lively)
		left = target / 8 / 30 * (call->frame++ % 150 == 0 ? 7.5 : 0.4 + 1.15 * chance);
	for (int64_t bytes = (int64_t)left; bytes > 0; bytes -= PAYLOAD_SIZE + 20) {
		size_t size = bytes < PAYLOAD_SIZE ? (size_t)bytes + 8 : PAYLOAD_SIZE;
		struct qv_rtp packet = { .type = 96,
					 .ssrc = MEDIA,
					 .sequence = call->sequence,
					 .timestamp = (uint32_t)((call->now - START) / 1000 * 9 / 100),
					 .has_transport = true,
					 .payload = payload,
					 .size = size };
		uint32_t number = call->sequence++;
		memcpy(payload, &number, sizeof number);
		assert_int_equal(qv_rtp_history_keep(call->history, &packet, NULL), 0);
		pace(call, &packet, QV_RTP_PICTURE);
	}
}

static void emit(struct call *call, uint8_t *bytes, size_t size)
{
	bytes[17] = (uint8_t)(call->transport >> 8);
	bytes[18] = (uint8_t)call->transport;
	qv_rtp_congestion_sent(call->congestion, call->transport++, size, call->now);
	link_put(&call->there, bytes, size, call->now);
}

static void probe(struct call *call)
{
	struct qv_rtp_probe probe;
	uint8_t bytes[QV_RTP_PACKET_MAX];
	if (call->probes && qv_rtp_congestion_probe(call->congestion, &probe, call->now))
		qv_rtp_pacer_probe(call->pacer, probe.rate, probe.bytes, call->now);
	while (qv_rtp_pacer_wants_filler(call->pacer, call->now)) {
		struct qv_rtp packet = { .type = 97,
					 .ssrc = AGAIN,
					 .sequence = call->again_sequence++,
					 .has_transport = true,
					 .padding = 255 };
		int size = qv_rtp_write(&packet, &ids, bytes, sizeof bytes, NULL);
		assert_true(size > 255);
		emit(call, bytes, (size_t)size);
		qv_rtp_pacer_filled(call->pacer, (size_t)size, call->now);
		call->filler += (size_t)size;
	}
}

static void transmit(struct call *call)
{
	uint8_t bytes[QV_RTP_PACKET_MAX];
	size_t size;
	enum qv_rtp_class class;
	qv_rtp_pacer_set_rate(call->pacer, state_of(call).pace);
	while (qv_rtp_pacer_next(call->pacer, call->now, bytes, &size, &class) == 1)
		emit(call, bytes, size);
	probe(call);
}

static void receive(struct call *call)
{
	static struct link_packet datagram;
	struct qv_rtp packet, original;
	if (call->lively && call->now < call->wakes)
		return;
	call->wakes = call->now + (int64_t)(8 * LINK_MS * link_random(&call->back));
	while (link_take(&call->there, call->now, &datagram)) {
		assert_int_equal(qv_rtp_read(&packet, datagram.bytes, datagram.size, &ids, NULL), 0);
		call->bytes_out += datagram.size;
		if (call->wait_count < WAITS_MAX)
			call->waits[call->wait_count++] = datagram.waited;
		qv_rtp_arrivals_note(call->arrivals, packet.transport, call->lively ? call->now : datagram.due);
		bool again = packet.ssrc == AGAIN;
		if (again && packet.size == 0)
			continue;
		if (again) {
			assert_int_equal(qv_rtp_original(&packet, &original, NULL), 0);
			packet = original;
		}
		assert_true(qv_rtp_receiver_put(call->receiver, &packet, again, call->now, NULL) >= 0);
	}
	while (qv_rtp_receiver_next(call->receiver, call->now, &packet) == 1) {
		uint32_t number;
		memcpy(&number, packet.payload, sizeof number);
		int step = qv_rtp_sequence_diff((uint16_t)number, (uint16_t)call->last_number);
		if (call->handed++) {
			call->disorder |= step < 1;
			call->gaps += (uint32_t)(step - 1);
		}
		call->last_number = number;
	}
}

static void report(struct call *call)
{
	uint8_t bytes[1200];
	uint16_t nacks[QV_RTCP_NACKS_MAX];
	if (call->now < call->next_report)
		return;
	call->next_report += 50 * LINK_MS;
	for (;;) {
		struct qv_rtcp_writer writer = { .bytes = bytes, .room = sizeof bytes };
		size_t count = qv_rtp_receiver_nacks(call->receiver, call->now, 60 * LINK_MS, nacks);
		if (count)
			assert_true(qv_rtcp_put_nacks(&writer, 9, MEDIA, nacks, count));
		bool more = qv_rtp_arrivals_put(call->arrivals, &writer, 9, 0);
		if (writer.used)
			link_put(&call->back, bytes, writer.used, call->now);
		if (!more)
			break;
	}
}

static void take_reports(struct call *call)
{
	static struct link_packet datagram;
	static struct qv_rtcp_feedback feedback;
	uint16_t nacks[QV_RTCP_NACKS_MAX];
	struct qv_rtcp packet;
	struct qv_rtp again;
	while (link_take(&call->back, call->now, &datagram)) {
		struct qv_rtcp_reader reader = { .bytes = datagram.bytes, .size = datagram.size };
		while (qv_rtcp_read(&reader, &packet, NULL) == 1) {
			if (packet.kind == QV_RTCP_FEEDBACK && qv_rtcp_read_feedback(&packet, &feedback, NULL) == 0)
				qv_rtp_congestion_feedback(call->congestion, &feedback, call->now);
			size_t count = qv_rtcp_read_nacks(&packet, nacks);
			for (size_t i = 0; i < count; i++) {
				if (qv_rtp_history_again(call->history, nacks[i], call->now, 50 * LINK_MS, &again) != 1)
					continue;
				again.type = 97;
				again.ssrc = AGAIN;
				again.sequence = call->again_sequence++;
				again.has_transport = true;
				pace(call, &again, QV_RTP_AGAIN);
			}
		}
	}
	qv_rtp_congestion_tick(call->congestion, call->now);
}

static void run(struct call *call, int64_t duration)
{
	for (int64_t end = call->now + duration; call->now < end; call->now += STEP) {
		encode(call);
		transmit(call);
		receive(call);
		report(call);
		take_reports(call);
	}
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static int64_t p95_ms(struct call *call)
{
	assert_true(call->wait_count > 0);
	qsort(call->waits, call->wait_count, sizeof call->waits[0], compare);
	return call->waits[call->wait_count * 95 / 100] / LINK_MS;
}

static double measure(struct call *call, int64_t duration, int64_t *p95)
{
	call->bytes_out = call->wait_count = 0;
	run(call, duration);
	*p95 = p95_ms(call);
	return (double)call->bytes_out * 8 / ((double)call->there.settings.rate * (double)duration / (double)SECOND);
}

static void rate_step(void **state)
{
	(void)state;
	static const double losses[] = { 0, 0.01 };
	for (uint32_t seed = 1; seed <= 10; seed++) {
		struct link_settings settings = { .rate = 3000000,
						  .delay = 25 * LINK_MS,
						  .jitter = seed % 3 * 2 * LINK_MS,
						  .queue = 1000 * LINK_MS,
						  .loss = losses[seed % 2] };
		struct call *call = open_call(seed, settings, 1000000);
		int64_t p95;
		run(call, 10 * SECOND);
		double used = measure(call, 20 * SECOND, &p95);
		print_message("# seed %u: 3 Mbit/s: used %.2f, p95 of the queue %lld ms\n", seed, used, (long long)p95);
		assert_true(used >= 0.8);
		assert_true(p95 < 70);
		call->there.settings.rate = 1000000;
		measure(call, 2 * SECOND, &p95);
		long long first = p95;
		assert_true(first < 450);
		used = measure(call, 20 * SECOND, &p95);
		print_message("# seed %u: 1 Mbit/s: used %.2f, p95 of the queue %lld ms, at first %lld ms\n", seed,
			      used, (long long)p95, first);
		assert_true(used >= 0.85);
		assert_true(p95 < 70);
		call->there.settings.rate = 3000000;
		run(call, 20 * SECOND);
		assert_true(state_of(call).target > 2000000);
		assert_false(call->disorder);
		close_call(call);
	}
}

/* A camera's pictures, and threads that wake up late. */
static void lively_pictures_fill_the_rate(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 10; seed++) {
		struct link_settings settings = { .rate = 3000000, .delay = 20 * LINK_MS, .queue = 1000 * LINK_MS };
		struct call *call = open_call(seed, settings, 1000000);
		int64_t p95;
		call->lively = true;
		run(call, 4 * SECOND);
		double before = measure(call, 4 * SECOND, &p95);
		long long wait = p95;
		call->there.settings.rate = 1000000;
		measure(call, 2 * SECOND, &p95);
		long long first = p95;
		double used = measure(call, 10 * SECOND, &p95);
		print_message(
			"# seed %u: 3 Mbit/s: used %.2f, p95 of the queue %lld ms; at first %lld ms; 1 Mbit/s: used "
			"%.2f, %lld ms\n",
			seed, before, wait, first, used, (long long)p95);
		assert_true(before >= 0.8);
		assert_true(wait < 70);
		assert_true(first < 450);
		assert_true(used >= 0.85);
		assert_true(p95 < 75);
		close_call(call);
	}
}

/* Clusters find what a path carries long before a climb would, and nothing queues for it. */
static void probes_find_the_rate(void **state)
{
	(void)state;
	static const int64_t rates[] = { 128000, 300000, 1000000, 3000000, 8000000, 50000000 };
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
		for (uint32_t seed = 1; seed <= 6; seed++) {
			struct link_settings settings = { .rate = rates[i],
							  .delay = 20 * LINK_MS,
							  .jitter = seed % 2 * 3 * LINK_MS,
							  .queue = 1000 * LINK_MS,
							  .loss = seed % 3 * 0.02 };
			struct call *call = open_call(seed, settings, 300000);
			int64_t p95;
			call->probes = call->lively = true;
			run(call, 2 * SECOND);
			int64_t found = state_of(call).target;
			size_t filler = call->filler;
			double used = measure(call, 10 * SECOND, &p95);
			print_message(
				"# %lld kbit/s, seed %u: %lld after 2 s, %zu bytes of filler; then %.2f used, p95 of "
				"the queue %lld ms, %zu more of filler\n",
				(long long)rates[i] / 1000, seed, (long long)found / 1000, filler, used, (long long)p95,
				call->filler - filler);
			double least = settings.loss > 0 ? 0.4 : 0.6;
			assert_true((double)found >= least * (rates[i] < 20000000 ? (double)rates[i] : 20e6));
			assert_true((double)found <= 1.3 * (double)rates[i]);
			assert_true(used >= (rates[i] > 20000000 ? 0.3 : 0.65));
			assert_true(p95 < (rates[i] < 1000000 ? 200 : 100));
			assert_true(filler > 0);
			close_call(call);
		}
}

/* A path that gets better is noticed in seconds. */
static void probes_notice_a_better_path(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 6; seed++) {
		struct link_settings settings = { .rate = 500000, .delay = 20 * LINK_MS, .queue = 1000 * LINK_MS };
		struct call *call = open_call(seed, settings, 300000);
		call->probes = call->lively = true;
		run(call, 20 * SECOND);
		call->there.settings.rate = 8000000;
		run(call, 15 * SECOND);
		print_message("# seed %u: %lld kbit/s after 15 s\n", seed, (long long)state_of(call).target / 1000);
		assert_true(state_of(call).target > 6000000);
		close_call(call);
	}
}

static void lost_packets_are_repaired(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 5; seed++) {
		struct link_settings settings = { .rate = 5000000,
						  .delay = 20 * LINK_MS,
						  .jitter = 15 * LINK_MS,
						  .queue = 500 * LINK_MS,
						  .loss = 0.05,
						  .repeat = 0.02 };
		struct call *call = open_call(seed, settings, 1000000);
		run(call, 20 * SECOND);
		struct qv_rtp_receiver_stats stats;
		qv_rtp_receiver_stats(call->receiver, &stats);
		print_message("# seed %u: %llu packets, %llu recovered, %llu lost, %u gaps\n", seed,
			      (unsigned long long)stats.packets, (unsigned long long)stats.recovered,
			      (unsigned long long)stats.lost, call->gaps);
		assert_false(call->disorder);
		assert_true(stats.recovered > 40);
		assert_true(stats.repeated > 0);
		assert_true((double)stats.lost < 0.002 * (double)stats.packets);
		assert_int_equal(call->gaps, stats.lost);
		close_call(call);
	}
}

/* Loss that has nothing to do with what is sent takes no more of the rate than it takes of the packets, about. */
static void random_loss_leaves_the_rate(void **state)
{
	(void)state;
	static const struct {
		double loss, least; /* of what the link lets through */
	} cases[] = { { 0.01, 0.8 }, { 0.03, 0.8 }, { 0.05, 0.75 }, { 0.1, 0.7 }, { 0.15, 0.6 }, { 0.2, 0.6 } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (uint32_t seed = 1; seed <= 4; seed++) {
			struct link_settings settings = {
				.rate = 2000000, .delay = 25 * LINK_MS, .queue = 500 * LINK_MS, .loss = cases[i].loss
			};
			struct call *call = open_call(seed, settings, 1000000);
			int64_t p95;
			run(call, 10 * SECOND);
			double used = measure(call, 40 * SECOND, &p95);
			print_message("# %2.0f %% lost, seed %u: used %.2f, p95 of the queue %lld ms\n",
				      100 * cases[i].loss, seed, used, (long long)p95);
			assert_true(used >= cases[i].least);
			assert_true(p95 < 100);
			close_call(call);
		}
}

/* By a policer and a short queue nothing is seen but losses, which end when less is sent. */
static void loss_of_a_full_path_lowers_the_rate(void **state)
{
	(void)state;
	static const struct {
		bool policed;
		int64_t queue_ms;
		double lost; /* at most */
	} cases[] = {
		{ true, 50, 0.1 }, { true, 200, 0.1 }, { false, 25, 0.1 }, { false, 50, 0.02 }, { false, 100, 0.01 }
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (uint32_t seed = 1; seed <= 4; seed++) {
			struct link_settings settings = { .rate = 1000000,
							  .delay = 25 * LINK_MS,
							  .queue = cases[i].queue_ms * LINK_MS,
							  .policed = cases[i].policed };
			struct call *call = open_call(seed, settings, 2000000);
			int64_t p95;
			run(call, 10 * SECOND);
			size_t before = call->there.lost;
			uint16_t first = call->transport;
			double used = measure(call, 40 * SECOND, &p95);
			double lost = (double)(call->there.lost - before) / (uint16_t)(call->transport - first);
			print_message("# %s of %lld ms, seed %u: used %.2f, lost %.3f, p95 of the queue %lld ms\n",
				      cases[i].policed ? "policer" : "queue", (long long)cases[i].queue_ms, seed, used,
				      lost, (long long)p95);
			assert_true(used >= 0.75);
			assert_true(lost < cases[i].lost);
			assert_true(p95 <= cases[i].queue_ms + 10);
			close_call(call);
		}
}

static void heavy_loss_lowers_the_rate(void **state)
{
	(void)state;
	struct link_settings settings = { .rate = 10000000, .delay = 20 * LINK_MS, .loss = 0.3 };
	struct call *call = open_call(3, settings, 2000000);
	run(call, 20 * SECOND);
	assert_true(state_of(call).loss > 0.15);
	assert_true(state_of(call).target < 1000000);
	print_message("# %lld kbit/s\n", (long long)state_of(call).target / 1000);
	call->there.settings.loss = call->back.settings.loss = 0;
	run(call, 30 * SECOND);
	print_message("# %lld kbit/s\n", (long long)state_of(call).target / 1000);
	assert_true(state_of(call).target > 2000000);
	close_call(call);
}

static void silence_lowers_the_rate(void **state)
{
	(void)state;
	struct link_settings settings = { .rate = 3000000, .delay = 20 * LINK_MS, .queue = 500 * LINK_MS };
	struct call *call = open_call(4, settings, 1000000);
	run(call, 10 * SECOND);
	int64_t before = state_of(call).target;
	call->there.settings.loss = 1;
	run(call, 7 * SECOND);
	assert_true(state_of(call).target <= before / 4);
	call->there.settings.loss = 0;
	run(call, 20 * SECOND);
	assert_true(state_of(call).target > 1500000);
	close_call(call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_step),
		cmocka_unit_test(lively_pictures_fill_the_rate),
		cmocka_unit_test(probes_find_the_rate),
		cmocka_unit_test(probes_notice_a_better_path),
		cmocka_unit_test(lost_packets_are_repaired),
		cmocka_unit_test(random_loss_leaves_the_rate),
		cmocka_unit_test(loss_of_a_full_path_lowers_the_rate),
		cmocka_unit_test(heavy_loss_lowers_the_rate),
		cmocka_unit_test(silence_lowers_the_rate),
	};
	return cmocka_run_group_tests_name("rtp_congestion", tests, NULL, NULL);
}
