/* SPDX-License-Identifier: Apache-2.0 */
/* Fresh keys during a call. */
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

static void keys_are_replaced_without_a_lost_frame(void **state)
{
	(void)state;
	const char *wanted = getenv("QV_REKEYINGS");
	int count = wanted ? (int)strtol(wanted, NULL, 10) : 1000;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	parts.video_packet = 30000;
	with_renewal(1);
	start(&answerer);
	start(&caller);
	assert_true(await(&caller.happened[QV_CALL_REKEYED], count));
	assert_string_not_equal(caller.last[QV_CALL_REKEYED].security->text, "");
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_regular(&caller);
	assert_regular(&answerer);
	/* Whatever was sent before BYE was received, once and in order. A gap would be counted as lost, but for pictures that
	 * the sender gave up behind the last that it sent. */
	const struct qv_call_totals *sent = &caller.end.result.totals, *got = &answerer.end.result.totals;
	assert_true(got->video.lost <= sent->video.dropped_outbox);
	assert_true(got->video.received >= sent->video.sent);
	assert_int_equal(got->audio.packets_received, sent->audio.packets_sent);
	assert_int_equal(got->video.damaged, 0);
	assert_true(caller.end.result.rekeyed >= (uint64_t)count);
	assert_true(answerer.end.result.rekeyed >= (uint64_t)count - 1);
	assert_int_equal(caller.end.result.rekey_failures, 0);
	/* Every session was released, the last one too. */
	assert_int_equal(caller.released, caller.made + 1);
}

static void keys_are_replaced_after_so_many_bytes(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	with_renewal(0);
	caller.renewal.bytes = 20000;
	start(&answerer);
	start(&caller);
	assert_true(await(&caller.happened[QV_CALL_REKEYED], 3));
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_regular(&answerer);
	assert_true(caller.end.result.totals.bytes_sent + caller.end.result.totals.bytes_received >= 60000);
}

static void an_answerer_can_ask_for_a_new_key(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	with_renewal(0);
	start(&answerer);
	start(&caller);
	assert_true(parts_wait(&parts.shown, 5));
	qv_call_control_renew(answerer.plan.control);
	assert_true(await(&answerer.happened[QV_CALL_REKEYED], 1));
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_int_equal(answerer.end.result.rekeyed, 1);
}

static void without_a_key_the_call_goes_on_and_says_so(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	with_renewal(20);
	caller.renewal.retry_ms = 20;
	start(&answerer);
	start(&caller);
	assert_true(await(&caller.happened[QV_CALL_REKEYED], 3));
	atomic_store(&caller.fails, 1);
	assert_true(await(&caller.happened[QV_CALL_REKEY_FAILED], 3));
	int shown = parts.shown, rekeyed = atomic_load(&caller.happened[QV_CALL_REKEYED]);
	assert_true(parts_wait(&parts.shown, shown + 5));
	atomic_store(&caller.fails, 0);
	assert_true(await(&caller.happened[QV_CALL_REKEYED], rekeyed + 2));
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_regular(&caller);
	assert_true(caller.end.result.rekey_failures >= 3);
}

static void without_a_key_the_call_ends_where_the_policy_says_so(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	with_renewal(20);
	caller.renewal.end_without = true;
	atomic_store(&caller.fails, 1);
	start(&answerer);
	start(&caller);
	join_both();
	assert_int_equal(caller.end.outcome, -1);
	assert_int_equal(caller.end.err.code, QV_E_NO_KEY);
	assert_non_null(strstr(caller.end.err.message, "no key left"));
	assert_int_equal(answerer.end.result.end, QV_CALL_PEER_BYE);
}

static void try_to_attach(uint8_t flags, size_t size)
{
	int fds[2];
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	with_renewal(0);
	answerer.renewal.reconnect_ms = 20000;
	start(&answerer);
	start(&caller);
	assert_true(parts_wait(&parts.shown, 5));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	struct qv_link link = { &plain_tls, plain_session(fds[1]), fds[1] };
	uint8_t bytes[QV_RECORD_HEADER + QV_ATTACH_RESUME_SIZE], token[QV_ATTACH_TOKEN] = "guessed";
	qv_record_put_header(bytes, QV_RECORD_ATTACH, flags, 0, size);
	qv_attach_encode_resume(token, 2, bytes + QV_RECORD_HEADER);
	assert_int_equal(send(fds[0], bytes, QV_RECORD_HEADER + size, 0), QV_RECORD_HEADER + size);
	struct qv_error err = QV_ERROR_INIT;
	struct qv_call_security security = { .secured = QV_SECURED_QKD };
	struct qv_greeting *greeting = qv_greeting_read(&link, &answerer.end.host, 5000, &err);
	assert_non_null(greeting);
	assert_true(qv_greeting_attaches(greeting));
	assert_int_equal(qv_call_control_attach(answerer.plan.control, greeting, &link, &security, &err), -1);
	assert_int_equal(err.code, size < QV_ATTACH_RESUME_SIZE && flags ? QV_E_PROTOCOL : QV_E_DENIED);
	qv_greeting_free(greeting);
	free(link.session);
	close(fds[0]);
	close(fds[1]);
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_regular(&caller);
	assert_int_equal(answerer.end.result.rekeyed + answerer.end.result.resumed, 0);
	assert_int_equal(answerer.happened[QV_CALL_LINK_LOST], 0);
}

static void a_stranger_cannot_attach(void **state)
{
	(void)state;
	try_to_attach(0, QV_ATTACH_SIZE);
}

static void a_stranger_cannot_resume_a_call(void **state)
{
	(void)state;
	try_to_attach(QV_RECORD_GIVES_UP, QV_ATTACH_RESUME_SIZE);
}

static void a_request_to_resume_may_not_be_short(void **state)
{
	(void)state;
	try_to_attach(QV_RECORD_GIVES_UP, QV_ATTACH_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWO_WAY(keys_are_replaced_without_a_lost_frame),
		TWO_WAY(keys_are_replaced_after_so_many_bytes),
		TWO_WAY(an_answerer_can_ask_for_a_new_key),
		TWO_WAY(without_a_key_the_call_goes_on_and_says_so),
		TWO_WAY(without_a_key_the_call_ends_where_the_policy_says_so),
		TWO_WAY(a_stranger_cannot_attach),
		TWO_WAY(a_stranger_cannot_resume_a_call),
		TWO_WAY(a_request_to_resume_may_not_be_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
