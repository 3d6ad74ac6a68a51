/* SPDX-License-Identifier: Apache-2.0 */
/* Calls with sound under one-time pads that lose their connection: they go on with fresh pads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "part_kme.h"
#include "two_way.h"

static struct qv_call_otp otp = { .policy = QV_OTP_REQUIRE, .key_source = &kme_role, .peer = "them", .reserve = 0.2 };

/* Sound only: each sample of what is received is known by its place. The KME tells so many keys; -1: none. */
static void begin_with(int64_t keys, int blocks)
{
	kme_reset();
	kme.stored = keys;
	parts.audio_blocks = blocks;
	parts.audio_interval_ms = 10;
	for (int i = 0; i < 2; i++) {
		struct two_way *way = i ? &answerer : &caller;
		way->end.send.video_source = NULL;
		way->end.receive.video_sink_count = 0;
		way->plan.otp = &otp;
		way->renewal.reconnect_ms = 20000;
		plain_strict(way->end.link.session);
		way->newest = way->end.link.session;
	}
	with_renewal(0);
	start(&caller);
	start(&answerer);
}

static void begin(void)
{
	begin_with(-1, NO_LIMIT);
}

/* Until so many more samples were played, by either end. */
static void hear_more(uint64_t samples)
{
	struct timespec deadline;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 30;
	parts_lock();
	uint64_t until = parts.played + samples;
	while (parts.played < until && parts_await(&deadline))
		continue;
	uint64_t played = parts.played;
	parts_unlock();
	assert_true(played >= until);
}

static void break_link(struct two_way *way)
{
	parts_lock();
	assert_non_null(way->newest);
	plain_break(way->newest);
	parts_unlock();
}

static void end_well(void)
{
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_regular(&caller);
	assert_regular(&answerer);
	for (int i = 0; i < 2; i++) {
		const struct qv_call_result *result = i ? &answerer.end.result : &caller.end.result;
		assert_true(result->otp.on && result->otp.used > 0 && result->otp.received > 0);
		assert_int_equal(result->otp.refused, 0);
	}
}

static int claims(void)
{
	int count = 0;
	pthread_mutex_lock(&kme.lock);
	for (int i = 0; i < KEYS; i++)
		count += kme.claimed[i];
	pthread_mutex_unlock(&kme.lock);
	return count;
}

static void a_call_goes_on_with_fresh_pads(void **state)
{
	(void)state;
	begin();
	hear_more(AUDIO_RATE / 4);
	for (int time = 1; time <= 5; time++) {
		int before = claims();
		break_link(time % 2 ? &caller : &answerer);
		assert_true(await(&caller.happened[QV_CALL_LINK_BACK], time));
		assert_true(await(&answerer.happened[QV_CALL_LINK_BACK], time));
		/* More than what was ahead of its time. */
		hear_more(AUDIO_RATE);
		assert_true(claims() > before);
	}
	end_well();
	assert_int_equal(caller.end.result.resumed, 5);
	/* Each was claimed once at most, which is for the KME to see, and nobody has asked for another. */
	assert_int_equal(kme.claims_refused, 0);
	assert_true(caller.end.result.otp.used + answerer.end.result.otp.used <= (uint64_t)claims() * KEY_SIZE);
}

static void a_call_goes_on_whose_keys_were_on_their_way(void **state)
{
	(void)state;
	begin();
	hear_more(AUDIO_RATE / 4);
	for (int time = 1; time <= 8; time++) {
		int told = atomic_load(&caller.happened[QV_CALL_LINK_BACK]);
		break_link(time % 2 ? &caller : &answerer);
		/* At once again, while the first keys of the fresh pads are told. */
		assert_true(await(&caller.happened[QV_CALL_LINK_BACK], told + 1));
		assert_true(await(&answerer.happened[QV_CALL_LINK_BACK], told + 1));
	}
	hear_more(AUDIO_RATE);
	end_well();
	assert_int_equal(caller.end.result.resumed, 8);
}

static void a_call_that_ends_without_key_goes_on_too(void **state)
{
	(void)state;
	otp.end_when_dry = true;
	begin();
	hear_more(AUDIO_RATE / 4);
	atomic_store(&caller.fails, 1);
	break_link(&caller);
	assert_true(await(&caller.happened[QV_CALL_LINK_LOST], 1));
	assert_true(await(&answerer.happened[QV_CALL_LINK_LOST], 1));
	atomic_store(&caller.fails, 0);
	assert_true(await(&answerer.happened[QV_CALL_LINK_BACK], 1));
	hear_more(AUDIO_RATE);
	end_well();
	otp.end_when_dry = false;
}

/* What an end needs: blocks of 16 bits a sample and a tag, a hundred times a second; and so much is stored, of seconds. */
#define NEED   (100 * (AUDIO_BLOCK * 2 + 16))
#define STORED 30

static void a_link_that_both_draw_from_is_too_slow_for_both(void **state)
{
	(void)state;
	otp.shared = true;
	otp.minimum = STORED * 2.0 / 3;
	begin_with(STORED * NEED / KEY_SIZE, 10);
	join_both();
	otp.shared = false;
	otp.minimum = 0;
	assert_int_equal(caller.end.err.code, QV_E_NO_KEY);
	assert_non_null(strstr(caller.end.err.message, "needs 33600 B/s of key, 67200 B/s with the peer's"));
	assert_non_null(strstr(caller.end.err.message, "last for 15 s, less than otp.minimum of 20 s"));
	assert_int_equal(kme.taken, 0);
}

static void a_link_that_each_draws_from_for_itself(void **state)
{
	(void)state;
	otp.minimum = STORED * 2.0 / 3;
	begin_with(STORED * NEED / KEY_SIZE, NO_LIMIT);
	hear_more(AUDIO_RATE / 4);
	end_well();
	otp.minimum = 0;
	assert_true(caller.end.result.otp.link_needed == NEED);
}

static void what_the_peer_draws_is_counted_during_a_call(void **state)
{
	(void)state;
	otp.shared = true;
	begin_with(STORED * NEED / KEY_SIZE, NO_LIMIT);
	hear_more(AUDIO_RATE / 4);
	end_well();
	otp.shared = false;
	const struct qv_call_otp_state *result = &caller.end.result.otp;
	assert_true(result->link_needed == 2 * NEED);
	/* The store stands; with what was at hand at one end or the other when its status was asked for. */
	assert_true(result->stock >= STORED / 2.0 && result->stock < STORED / 2.0 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWO_WAY(a_call_goes_on_with_fresh_pads),
		TWO_WAY(a_call_goes_on_whose_keys_were_on_their_way),
		TWO_WAY(a_call_that_ends_without_key_goes_on_too),
		TWO_WAY(a_link_that_both_draw_from_is_too_slow_for_both),
		TWO_WAY(a_link_that_each_draws_from_for_itself),
		TWO_WAY(what_the_peer_draws_is_counted_during_a_call),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
