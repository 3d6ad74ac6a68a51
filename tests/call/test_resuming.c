/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that outlive their connection. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "two_way.h"

/* A call for which each end looks, or waits, so long. */
static void with_reconnections(int caller_ms, int answerer_ms)
{
	with_renewal(0);
	caller.renewal.reconnect_ms = caller_ms;
	answerer.renewal.reconnect_ms = answerer_ms;
	caller.end.receive.secured_text = answerer.end.receive.secured_text = "not secured";
	plain_strict(caller.end.link.session);
	plain_strict(answerer.end.link.session);
	caller.newest = caller.end.link.session;
	answerer.newest = answerer.end.link.session;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	start(&answerer);
	start(&caller);
	assert_true(parts_wait(&parts.shown, 5));
}

static void with_reconnection(int ms)
{
	with_reconnections(ms, ms);
}

/* Breaks the newest connection that this end has; the other one finds its end gone. */
static void break_link(struct two_way *way)
{
	parts_lock();
	if (way->newest)
		plain_break(way->newest);
	parts_unlock();
}

static void assert_goes_on(int times)
{
	assert_true(await(&caller.happened[QV_CALL_LINK_BACK], times));
	assert_true(await(&answerer.happened[QV_CALL_LINK_BACK], times));
	parts_lock();
	int shown = parts.shown;
	parts_unlock();
	assert_true(parts_wait(&parts.shown, shown + 20));
}

static void assert_ends_well(void)
{
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_regular(&caller);
	assert_regular(&answerer);
	assert_int_equal(caller.end.result.totals.video.damaged, 0);
	assert_int_equal(answerer.end.result.totals.video.damaged, 0);
	assert_int_equal(caller.released, caller.made + 1);
}

static void assert_says(const struct two_way *way, const char *what)
{
	if (!strstr(way->end.err.message, what))
		fail_msg("it says not \"%s\" but: %s", what, way->end.err.message);
}

static void a_call_goes_on_when_its_connection_breaks(void **state)
{
	(void)state;
	parts.video_packet = 30000;
	parts.video_inter_coded = true;
	with_reconnection(20000);
	qv_call_control_mute(caller.plan.control, QV_STREAM_AUDIO, true);
	assert_true(await(&answerer.happened[QV_CALL_PEER_STATE], 1));
	for (int time = 1; time <= 5; time++) {
		int told = atomic_load(&answerer.happened[QV_CALL_PEER_STATE]);
		break_link(&caller);
		assert_goes_on(time);
		/* What is muted is told again. */
		assert_true(await(&answerer.happened[QV_CALL_PEER_STATE], told + 1));
	}
	assert_ends_well();
	assert_int_equal(caller.end.result.resumed, 5);
	assert_int_equal(answerer.end.result.resumed, 5);
	assert_int_equal(answerer.happened[QV_CALL_LINK_LOST], 5);
}

static void a_connection_may_break_while_keys_are_replaced(void **state)
{
	(void)state;
	parts.video_packet = 30000;
	with_reconnection(20000);
	for (int time = 1; time <= 20; time++) {
		qv_call_control_renew(caller.plan.control);
		parts_lock();
		int shown = parts.shown;
		parts_unlock();
		break_link(time % 2 ? &caller : &answerer);
		assert_true(parts_wait(&parts.shown, shown + 5));
	}
	assert_goes_on(1);
	assert_ends_well();
}

static void lose_both(int fails)
{
	atomic_store(&caller.fails, fails);
	break_link(&caller);
	assert_true(await(&caller.happened[QV_CALL_LINK_LOST], 1));
	assert_true(await(&answerer.happened[QV_CALL_LINK_LOST], 1));
}

static void the_caller_tries_until_there_is_a_key(void **state)
{
	(void)state;
	with_reconnection(20000);
	lose_both(1);
	assert_true(caller.last[QV_CALL_LINK_LOST].security->no_link);
	atomic_store(&caller.fails, 0);
	assert_goes_on(1);
	assert_ends_well();
}

static void a_call_whose_peer_is_not_found_again_ends(void **state)
{
	(void)state;
	with_reconnection(100);
	atomic_store(&caller.fails, 1);
	break_link(&caller);
	join_both();
	assert_int_equal(caller.end.outcome, -1);
	assert_says(&caller, "not found again");
	assert_int_equal(answerer.end.outcome, -1);
	assert_says(&answerer, "not found again");
}

static void a_call_without_reconnection_ends_with_its_connection(void **state)
{
	(void)state;
	with_reconnection(0);
	break_link(&caller);
	join_both();
	assert_int_equal(caller.end.outcome, -1);
	assert_int_equal(caller.happened[QV_CALL_LINK_LOST] + answerer.happened[QV_CALL_LINK_LOST], 0);
}

static void assert_both_cancelled(void)
{
	join_both();
	assert_int_equal(caller.end.result.end, QV_CALL_CANCELLED);
	assert_int_equal(answerer.end.result.end, QV_CALL_CANCELLED);
}

static void one_may_hang_up_while_the_peer_is_looked_for(void **state)
{
	(void)state;
	with_reconnection(20000);
	lose_both(1);
	qv_call_control_hang_up(caller.plan.control);
	qv_call_control_hang_up(answerer.plan.control);
	assert_both_cancelled();
	assert_true(qv_call_control_untold(answerer.plan.control));
}

static void a_program_may_be_stopped_while_the_peer_is_looked_for(void **state)
{
	(void)state;
	with_reconnection(20000);
	lose_both(1);
	end_cancel(&caller.end);
	end_cancel(&answerer.end);
	assert_both_cancelled();
}

static void assert_ends_at_once(void)
{
	break_link(&caller);
	join_both();
	assert_int_equal(caller.end.outcome, -1);
	assert_int_equal(answerer.end.outcome, -1);
	assert_int_equal(caller.happened[QV_CALL_LINK_LOST] + answerer.happened[QV_CALL_LINK_LOST], 0);
}

static void a_caller_that_cannot_come_back_is_not_waited_for(void **state)
{
	(void)state;
	with_reconnections(0, 20000);
	assert_ends_at_once();
}

static void an_answerer_that_does_not_wait_is_not_looked_for(void **state)
{
	(void)state;
	with_reconnections(20000, 0);
	assert_ends_at_once();
	assert_int_equal(caller.made, 0);
}

/* The caller may find the connection dead long before the answerer does. */
static void a_session_may_take_over_while_the_old_one_lives(void **state)
{
	(void)state;
	with_reconnection(20000);
	int kept = dup(caller.end.link.fd);
	assert_true(kept >= 0);
	parts_lock();
	plain_lose(caller.newest);
	parts_unlock();
	assert_goes_on(1);
	assert_non_null(strstr(answerer.lost_text, "another connection"));
	assert_ends_well();
	close(kept);
	assert_int_equal(answerer.end.result.resumed, 1);
}

static void an_answerer_that_has_ended_the_call_is_not_looked_for(void **state)
{
	(void)state;
	with_reconnection(60000);
	lose_both(1);
	qv_call_control_hang_up(answerer.plan.control);
	end_join(&answerer.end);
	atomic_store(&caller.fails, 0);
	end_join(&caller.end);
	assert_int_equal(caller.end.outcome, -1);
	assert_says(&caller, "does not have the call any more");
	assert_int_equal(caller.made, 1);
}

static void an_answerer_whose_program_is_gone_is_not_looked_for(void **state)
{
	(void)state;
	with_reconnection(600000);
	lose_both(FAILS_UNHEARD);
	end_join(&caller.end);
	assert_int_equal(caller.end.outcome, -1);
	assert_says(&caller, "program is gone: connection refused");
	qv_call_control_give_up(answerer.plan.control);
	end_join(&answerer.end);
	assert_false(qv_call_control_untold(answerer.plan.control));
}

static void a_lost_answerer_is_told_that_the_caller_has_hung_up(void **state)
{
	(void)state;
	with_reconnection(60000);
	lose_both(FAILS_UNTIL_CANCELLED);
	assert_true(await(&caller.waits, 1));
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_int_equal(caller.end.result.end, QV_CALL_CANCELLED);
	assert_int_equal(answerer.end.result.end, QV_CALL_PEER_BYE);
	assert_regular(&answerer);
	assert_int_equal(answerer.end.result.resumed, 1);
	assert_int_equal(caller.released, caller.made + 1);
}

static void a_peer_that_has_given_up_is_told_nothing(void **state)
{
	(void)state;
	with_reconnection(60000);
	lose_both(FAILS_UNTIL_CANCELLED);
	assert_true(await(&caller.waits, 1));
	qv_call_control_give_up(caller.plan.control);
	end_join(&caller.end);
	assert_int_equal(caller.end.result.end, QV_CALL_CANCELLED);
	assert_int_equal(caller.made, 0);
	qv_call_control_give_up(answerer.plan.control);
	end_join(&answerer.end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWO_WAY(a_call_goes_on_when_its_connection_breaks),
		TWO_WAY(a_connection_may_break_while_keys_are_replaced),
		TWO_WAY(the_caller_tries_until_there_is_a_key),
		TWO_WAY(a_call_whose_peer_is_not_found_again_ends),
		TWO_WAY(a_call_without_reconnection_ends_with_its_connection),
		TWO_WAY(one_may_hang_up_while_the_peer_is_looked_for),
		TWO_WAY(a_program_may_be_stopped_while_the_peer_is_looked_for),
		TWO_WAY(a_caller_that_cannot_come_back_is_not_waited_for),
		TWO_WAY(an_answerer_that_does_not_wait_is_not_looked_for),
		TWO_WAY(a_session_may_take_over_while_the_old_one_lives),
		TWO_WAY(an_answerer_that_has_ended_the_call_is_not_looked_for),
		TWO_WAY(an_answerer_whose_program_is_gone_is_not_looked_for),
		TWO_WAY(a_lost_answerer_is_told_that_the_caller_has_hung_up),
		TWO_WAY(a_peer_that_has_given_up_is_told_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
