/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of the pipeline that read no clock and start no thread, each by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <qvisio/clock.h>

#include "../../core/call/assembler.h"
#include "../../core/call/clock_offset.h"
#include "../../core/call/histogram.h"
#include "../../core/call/inbox.h"
#include "../../core/call/outbox.h"

/* outbox */

static uint8_t bytes[64] = { 0 };

static struct outbox_item item(uint64_t sequence, bool key, uint32_t frames)
{
	return (struct outbox_item){
		.unit = { .sequence = sequence, .size = 8, .frames = frames }, .key = key, .data = bytes, .ready_ns = 1
	};
}

static void the_newest_picture_wins(void **state)
{
	(void)state;
	struct outbox *outbox = outbox_new(NULL);
	struct unit_buffer got = { 0 };
	for (uint64_t i = 0; i < 5; i++) {
		struct outbox_item picture = item(i, true, 0);
		assert_int_equal(outbox_put_video(outbox, &picture, NULL), i > 0 ? 1 : 0);
	}
	assert_true(outbox_take_video(outbox, &got));
	assert_int_equal(got.unit.sequence, 4);
	assert_false(outbox_take_video(outbox, &got));
	assert_true(outbox_empty(outbox));
	unit_buffer_free(&got);
	outbox_free(outbox);
}

static void no_picture_that_others_need_is_replaced(void **state)
{
	(void)state;
	struct outbox *outbox = outbox_new(NULL);
	struct unit_buffer got = { 0 };
	struct outbox_item key = item(0, true, 0), delta = item(1, false, 0);
	assert_true(outbox_video_room(outbox));
	outbox_put_video(outbox, &key, NULL);
	assert_false(outbox_video_room(outbox)); /* it may be the first of a stream that builds on it */
	outbox_take_video(outbox, &got);
	assert_true(outbox_video_room(outbox));
	outbox_put_video(outbox, &delta, NULL);
	assert_false(outbox_video_room(outbox));
	unit_buffer_free(&got);
	outbox_free(outbox);

	outbox = outbox_new(NULL);
	for (uint64_t i = 0; i < 2; i++) {
		key.unit.sequence = i;
		outbox_put_video(outbox, &key, NULL);
		outbox_take_video(outbox, &got);
	}
	outbox_put_video(outbox, &key, NULL);
	assert_true(outbox_video_room(outbox)); /* nothing but keys so far */
	unit_buffer_free(&got);
	outbox_free(outbox);
}

static void old_sound_is_given_up_first(void **state)
{
	(void)state;
	struct outbox *outbox = outbox_new(NULL);
	struct unit_buffer got = { 0 };
	int given_up = 0;
	/* Blocks of 50 ms: five fit into 250 ms. */
	for (uint64_t i = 0; i < 12; i++) {
		struct outbox_item sound = item(i, true, 800);
		given_up += outbox_put_audio(outbox, &sound, 16000, NULL);
	}
	assert_int_equal(given_up, 7);
	for (uint64_t i = 7; i < 12; i++) {
		assert_true(outbox_take_audio(outbox, &got));
		assert_int_equal(got.unit.sequence, i);
	}
	assert_false(outbox_take_audio(outbox, &got));
	/* A block longer than the limit still goes, alone. */
	struct outbox_item longest = item(20, true, 16000);
	assert_int_equal(outbox_put_audio(outbox, &longest, 16000, NULL), 0);
	assert_true(outbox_take_audio(outbox, &got));
	/* Tiny blocks are bounded by number. */
	for (uint64_t i = 0; i < 1000; i++) {
		struct outbox_item tiny = item(i, true, 1);
		outbox_put_audio(outbox, &tiny, 16000, NULL);
	}
	int held = 0;
	while (outbox_take_audio(outbox, &got))
		held++;
	assert_in_range(held, 1, 100);
	unit_buffer_free(&got);
	outbox_free(outbox);
}

/* inbox */

/* Takes what is there, at once. */
static enum inbox_got take_picture(struct inbox *inbox, struct unit_buffer *got, bool *more)
{
	int given_up;
	return inbox_take(inbox, got, &(struct inbox_hold){ 0 }, more, &given_up, 0);
}

static int put_picture(struct inbox *inbox, uint64_t sequence, bool key)
{
	struct unit_buffer picture = { .unit = { .sequence = sequence }, .key = key, .size = 8 };
	int given_up = inbox_put(inbox, &picture);
	unit_buffer_free(&picture);
	return given_up;
}

static void a_key_picture_makes_older_ones_out_of_date(void **state)
{
	(void)state;
	struct inbox *inbox = inbox_new(NULL);
	struct unit_buffer got = { 0 };
	bool more;
	assert_int_equal(put_picture(inbox, 0, true), 0);
	assert_int_equal(put_picture(inbox, 1, false), 0);
	assert_int_equal(put_picture(inbox, 2, false), 0);
	assert_int_equal(take_picture(inbox, &got, &more), INBOX_PICTURE);
	assert_int_equal(got.unit.sequence, 0);
	assert_true(more);
	assert_int_equal(put_picture(inbox, 3, true), 2);
	assert_int_equal(take_picture(inbox, &got, &more), INBOX_PICTURE);
	assert_int_equal(got.unit.sequence, 3);
	assert_false(more);
	assert_int_equal(take_picture(inbox, &got, &more), INBOX_NOTHING);
	unit_buffer_free(&got);
	inbox_free(inbox);
}

static void an_inbox_that_overflows_waits_for_a_key(void **state)
{
	(void)state;
	struct inbox *inbox = inbox_new(NULL);
	struct unit_buffer got = { 0 };
	bool more;
	for (uint64_t i = 0; i < INBOX_PICTURES; i++)
		assert_int_equal(put_picture(inbox, i, i == 0), 0);
	assert_int_equal(put_picture(inbox, 100, false), INBOX_PICTURES + 1);
	assert_int_equal(put_picture(inbox, 101, false), 1);
	assert_int_equal(take_picture(inbox, &got, &more), INBOX_NOTHING);
	assert_int_equal(put_picture(inbox, 102, true), 0);
	assert_int_equal(put_picture(inbox, 103, false), 0);
	assert_int_equal(take_picture(inbox, &got, &more), INBOX_PICTURE);
	assert_int_equal(got.unit.sequence, 102);
	inbox_end(inbox);
	assert_int_equal(take_picture(inbox, &got, &more), INBOX_PICTURE);
	assert_int_equal(take_picture(inbox, &got, &more), INBOX_ENDED);
	unit_buffer_free(&got);
	inbox_free(inbox);
}

/* When everything is early its time does not come: only what is held for too long, or due, is taken. */
static void pictures_wait_for_their_time(void **state)
{
	(void)state;
	struct inbox *inbox = inbox_new(NULL);
	struct unit_buffer got = { 0 };
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	struct inbox_hold hold = { .set = true, .at_ns = now };
	bool more;
	int given_up;
	/* Nothing held yet: from now on keys are kept. */
	assert_int_equal(inbox_take(inbox, &got, &hold, &more, &given_up, 0), INBOX_NOTHING);
	static const int64_t captured[] = { -30, -20, -10, 100000, 200000 };
	for (uint64_t i = 0; i < 5; i++) {
		struct unit_buffer picture = { .unit = { .sequence = i, .capture_ns = captured[i] * QV_NS_PER_MS },
					       .key = i != 2,
					       .ready_ns = now,
					       .size = 8 };
		assert_int_equal(inbox_put(inbox, &picture), 0);
		unit_buffer_free(&picture);
	}
	/* Two keys and a picture between are due: the second key is the one to begin with. */
	assert_int_equal(inbox_take(inbox, &got, &hold, &more, &given_up, 0), INBOX_PICTURE);
	assert_int_equal(got.unit.sequence, 1);
	assert_int_equal(given_up, 1);
	assert_true(more);
	assert_int_equal(inbox_take(inbox, &got, &hold, &more, &given_up, 0), INBOX_PICTURE);
	assert_int_equal(got.unit.sequence, 2);
	assert_false(more);
	assert_int_equal(inbox_take(inbox, &got, &hold, &more, &given_up, 0), INBOX_NOTHING);
	/* Held for too long, whatever the peer says of its capture. */
	assert_int_equal(inbox_take(inbox, &got, &hold, &more, &given_up, 2000), INBOX_PICTURE);
	assert_true(qv_clock_now(&qv_clock_monotonic) >= now + INBOX_HOLD_NS);
	assert_int_equal(got.unit.sequence, 4);
	unit_buffer_free(&got);
	inbox_free(inbox);
}

/* assembler */

static int add(struct assembler *assembler, uint64_t sequence, uint32_t unit_size, uint32_t offset, size_t size)
{
	struct qv_fragment fragment = {
		.unit = { .sequence = sequence, .size = unit_size }, .offset = offset, .data = bytes, .size = size
	};
	return assembler_add(assembler, &fragment, true, NULL);
}

static void pieces_make_a_whole(void **state)
{
	(void)state;
	struct assembler assembler = { 0 };
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(add(&assembler, 3, 64, 0, 40), 0);
	assert_int_equal(add(&assembler, 3, 0, 40, 24), 1);
	assert_int_equal(assembler.unit.size, 64);
	assert_memory_equal(assembler.unit.data, bytes, 40);
	assert_int_equal(assembler.lost, 0); /* what was before the first is not missing */
	assert_int_equal(add(&assembler, 7, 10, 0, 10), 1);
	assert_int_equal(assembler.lost, 3);
	/* A unit may be given up half-way for the next one. */
	assert_int_equal(add(&assembler, 8, 64, 0, 10), 0);
	assert_int_equal(add(&assembler, 9, 64, 0, 64), 1);
	assert_int_equal(assembler.lost, 4);
	assembler_free(&assembler);
}

static void pieces_out_of_order_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint64_t sequence;
		uint32_t unit_size, offset;
		size_t size;
	} bad[] = {
		{ 3, 64, 0, 10 }, /* begins again */
		{ 2, 64, 0, 10 }, /* goes back */
		{ 3, 0, 41, 1 },  /* leaves a hole */
		{ 3, 0, 39, 1 },  /* overlaps */
		{ 3, 0, 40, 25 }, /* too long */
		{ 4, 0, 40, 10 }, /* of a unit that has not begun */
		{ 4, 8, 0, 9 },   /* longer than it says */
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct assembler assembler = { 0 };
		assert_int_equal(add(&assembler, 3, 64, 0, 40), 0);
		assert_int_equal(add(&assembler, bad[i].sequence, bad[i].unit_size, bad[i].offset, bad[i].size), -1);
		assembler_free(&assembler);
	}
	struct assembler assembler = { 0 };
	assert_int_equal(add(&assembler, 0, 0, 5, 5), -1);
	/* What is announced is not allocated before it comes. */
	assert_int_equal(add(&assembler, 1, QV_PACKET_MAX, 0, 64), 0);
	assert_in_range(assembler.unit.room, 64, 65536);
	assembler_free(&assembler);
}

/* clock offset */

static void exchange(struct clock_offset *clocks, int64_t now, int64_t ahead, int64_t there, int64_t back)
{
	struct qv_ping ping = clock_offset_ask(clocks, now);
	struct qv_pong pong = { ping, now + there + ahead, now + there + ahead + 100 };
	assert_true(clock_offset_answer(clocks, &pong, now + there + 100 + back));
}

static void the_quickest_exchange_tells_the_offset(void **state)
{
	(void)state;
	struct clock_offset clocks = { 0 };
	int64_t offset, rtt;
	assert_false(clock_offset_best(&clocks, &offset, &rtt));
	exchange(&clocks, 1000000, 5000000, 90000, 1000);
	exchange(&clocks, 2000000, 5000000, 2000, 2000);
	exchange(&clocks, 3000000, 5000000, 1000, 800000);
	assert_true(clock_offset_best(&clocks, &offset, &rtt));
	assert_int_equal(offset, 5000000);
	assert_int_equal(rtt, 4000);
	/* A clock that drifts is followed once the old exchanges are forgotten. */
	for (int i = 0; i < CLOCK_OFFSET_SAMPLES; i++)
		exchange(&clocks, 4000000 + i * 1000000, -7000000, 3000, 3000);
	assert_true(clock_offset_best(&clocks, &offset, &rtt));
	assert_int_equal(offset, -7000000);
	assert_int_equal(rtt, 6000);
}

static void answers_to_nothing_are_ignored(void **state)
{
	(void)state;
	struct clock_offset clocks = { 0 };
	int64_t offset, rtt;
	struct qv_ping ping = clock_offset_ask(&clocks, 1000);
	const struct qv_pong bad[] = {
		{ { ping.number + 1, 1000 }, 1, 2 }, /* never asked */
		{ { ping.number - 1, 1000 }, 1, 2 },
		{ { ping.number, 1001 }, 1, 2 },                /* not what was asked */
		{ { ping.number, 1000 }, 9, 8 },                /* sent before it was received */
		{ { ping.number, 1000 }, 0, INT64_C(1) << 61 }, /* held longer than it took */
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(clock_offset_answer(&clocks, &bad[i], 2000));
	struct qv_pong good = { ping, 5, 6 };
	assert_true(clock_offset_answer(&clocks, &good, 2000));
	assert_false(clock_offset_answer(&clocks, &good, 2000)); /* only once */
	assert_true(clock_offset_best(&clocks, &offset, &rtt));
}

/* histogram */

static void quantiles_are_near_the_truth(void **state)
{
	(void)state;
	static struct histogram histogram;
	assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
	for (int64_t value = 1; value <= 100000; value++)
		histogram_add(&histogram, value);
	static const double quantiles[] = { 0.01, 0.5, 0.95, 0.99 };
	for (size_t i = 0; i < 4; i++) {
		double expected = quantiles[i] * 100000, got = (double)histogram_quantile(&histogram, quantiles[i]);
		assert_true(got > expected * 0.98 && got < expected * 1.02);
	}
	assert_int_equal(histogram.max, 100000);
	assert_int_equal(histogram_quantile(&histogram, 1), 100000);
	histogram_add(&histogram, -5);
	histogram_add(&histogram, INT64_MAX / 2);
	assert_int_equal(histogram_quantile(&histogram, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_picture_wins),
		cmocka_unit_test(no_picture_that_others_need_is_replaced),
		cmocka_unit_test(old_sound_is_given_up_first),
		cmocka_unit_test(a_key_picture_makes_older_ones_out_of_date),
		cmocka_unit_test(an_inbox_that_overflows_waits_for_a_key),
		cmocka_unit_test(pictures_wait_for_their_time),
		cmocka_unit_test(pieces_make_a_whole),
		cmocka_unit_test(pieces_out_of_order_are_refused),
		cmocka_unit_test(the_quickest_exchange_tells_the_offset),
		cmocka_unit_test(answers_to_nothing_are_ignored),
		cmocka_unit_test(quantiles_are_near_the_truth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
