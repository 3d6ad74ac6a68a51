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

/* Sound only: each sample of what is received is known by its place. */
static void begin(void)
{
	kme_reset();
	parts.audio_blocks = NO_LIMIT;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWO_WAY(a_call_goes_on_with_fresh_pads),
		TWO_WAY(a_call_goes_on_whose_keys_were_on_their_way),
		TWO_WAY(a_call_that_ends_without_key_goes_on_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
