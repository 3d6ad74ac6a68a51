/* SPDX-License-Identifier: Apache-2.0 */
/* Whole calls in one process: both ends, over a socket pair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "parts.h"

static struct end sender, receiver;

static int setup(void **state)
{
	(void)state;
	int fds[2];
	parts_reset();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	end_init(&sender, fds[0]);
	end_init(&receiver, fds[1]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	end_clear(&sender);
	end_clear(&receiver);
	return 0;
}

static void start_both(void)
{
	end_start_receiver(&receiver);
	end_start_sender(&sender);
}

static void join_both(void)
{
	end_join(&sender);
	end_join(&receiver);
	/* Whatever happened, everything that was opened is closed again. */
	assert_int_equal(parts.sink_opens, parts.sink_closes);
	assert_int_equal(parts.source_opens, parts.source_closes);
	assert_true(parts.same_sink_thread);
}

static void assert_regular(const struct end *end, enum qv_call_end how)
{
	if (end->outcome != 0)
		fail_msg("failed: %s (%s)", end->err.message, qv_code_name(end->err.code));
	assert_int_equal(end->result.end, how);
}

static void a_file_is_sent_to_its_end(void **state)
{
	(void)state;
	parts.audio_lockstep = true;
	parts.video_frames = 60;
	parts.audio_blocks = 40;
	start_both();
	join_both();
	assert_regular(&sender, QV_CALL_SOURCES_ENDED);
	assert_regular(&receiver, QV_CALL_PEER_BYE);
	assert_int_equal(receiver.result.peer_bye.code, QV_BYE_ENDED);
	assert_string_equal(receiver.result.peer_program, "sender 1");
	assert_string_equal(sender.result.peer_program, "receiver 1");

	const struct qv_call_video_totals *sent = &sender.result.totals.video, *got = &receiver.result.totals.video;
	assert_int_equal(sent->captured, 60);
	assert_int_equal(sent->captured, sent->encoded + sent->skipped);
	assert_int_equal(sent->encoded, sent->sent + sent->dropped_outbox);
	assert_int_equal(got->received, sent->sent);
	assert_int_equal(got->lost, sent->dropped_outbox);
	assert_int_equal(got->received, got->decoded + got->dropped_inbox + got->damaged);
	assert_int_equal(got->bytes, got->received * parts.video_packet);
	assert_int_equal(got->shown, parts.shown);
	assert_true(got->shown > 0);
	/* The last frame is always shown, unless it was not even encoded. */
	assert_true(parts.shown_number[parts.shown - 1] == 59 || sent->skipped > 0);
	for (int i = 1; i < parts.shown; i++)
		assert_true(parts.shown_number[i] > parts.shown_number[i - 1]);

	/* The recording has every sample at its place. */
	assert_int_equal(sender.result.totals.audio.packets_sent, 40);
	assert_int_equal(parts.played, 40 * AUDIO_BLOCK);
	for (uint64_t i = 0; i < parts.played; i++)
		assert_int_equal(parts.samples[i], i % 32000 + 1);
	assert_int_equal(receiver.result.totals.audio.concealed, 0);
	assert_int_equal(receiver.result.totals.bytes_received, sender.result.totals.bytes_sent);
}

static void the_receivers_report_reaches_the_sender(void **state)
{
	(void)state;
	parts.audio_lockstep = true;
	start_both();
	join_both();
	assert_true(sender.result.report_valid);
	assert_int_equal(sender.result.report.video_received, receiver.result.totals.video.received);
	assert_int_equal(sender.result.report.audio_received, 20);
}

static void both_ends_measure_where_the_time_went(void **state)
{
	(void)state;
	parts.video_frames = 100;
	start_both();
	join_both();
	const struct qv_call_latency *latency = receiver.result.latency;
	assert_true(latency[QV_STAGE_TOTAL].count > 0);
	int64_t sum = 0;
	for (int i = 0; i < QV_STAGE_TOTAL; i++) {
		/* WAIT, DECODE and SHOW are also known before the clocks are. */
		assert_true(latency[i].count >= latency[QV_STAGE_TOTAL].count);
		if (latency[i].count == latency[QV_STAGE_TOTAL].count)
			sum += latency[i].mean_us;
	}
	assert_true(latency[QV_STAGE_TOTAL].median_us <= latency[QV_STAGE_TOTAL].p95_us);
	assert_true(latency[QV_STAGE_TOTAL].p95_us <= latency[QV_STAGE_TOTAL].max_us);
	assert_true(sum <= latency[QV_STAGE_TOTAL].mean_us + QV_STAGE_COUNT);
	assert_true(receiver.result.rtt_ms >= 0);
	assert_true(sender.result.latency[QV_STAGE_QUEUE].count == sender.result.totals.video.sent);
	/* Capture times arrive as times of this end's clock, which here is the same one. */
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	for (int i = 0; i < parts.shown; i++)
		assert_true(parts.shown_capture_ns[i] > now - 60 * QV_NS_PER_SECOND && parts.shown_capture_ns[i] < now);
}

static void a_gap_in_the_sound_is_filled_in_the_recording(void **state)
{
	(void)state;
	parts.audio_lockstep = true;
	sender.send.video_source = NULL;
	parts.audio_gap_at = 10;
	start_both();
	join_both();
	assert_regular(&sender, QV_CALL_SOURCES_ENDED);
	assert_int_equal(sender.result.totals.audio.missed, AUDIO_BLOCK);
	assert_int_equal(receiver.result.totals.audio.concealed, AUDIO_BLOCK);
	assert_int_equal(parts.played, 21 * AUDIO_BLOCK);
	for (uint64_t i = 0; i < parts.played; i++) {
		bool lost = i >= 10 * AUDIO_BLOCK && i < 11 * AUDIO_BLOCK;
		assert_int_equal(parts.samples[i], lost ? 0 : i % 32000 + 1);
	}
	assert_false(receiver.result.has_video);
}

static void a_paced_sink_hears_the_sound_in_order(void **state)
{
	(void)state;
	sender.send.video_source = NULL;
	receiver.receive.audio_sinks = &audio_paced_sink_role;
	parts.audio_blocks = 50;
	parts.audio_interval_ms = 10;
	start_both();
	join_both();
	assert_regular(&receiver, QV_CALL_PEER_BYE);
	const struct qv_call_audio_totals *got = &receiver.result.totals.audio;
	assert_int_equal(got->packets_received, 50);
	/* All that came was played, some of it shorter or longer. */
	uint64_t whole = got->concealed + (50 - got->dropped_inbox) * AUDIO_BLOCK;
	assert_in_range(got->played, whole * 9 / 10, whole * 11 / 10);
	/*
	 * Samples only go forward, or back by a period where sound is made longer; but for what was made up, and the fades
	 * from that.
	 */
	int furthest = 0;
	uint64_t back = 0;
	for (uint64_t i = 0; i < parts.played; i++) {
		back += parts.samples[i] <= furthest - 2 * AUDIO_BLOCK;
		if (parts.samples[i] > furthest && parts.samples[i] <= 50 * AUDIO_BLOCK)
			furthest = parts.samples[i];
	}
	assert_in_range(back, 0, 2 * got->concealed);
	assert_in_range(furthest, 49 * AUDIO_BLOCK, 50 * AUDIO_BLOCK);
}

static void a_sink_gets_no_endless_silence(void **state)
{
	(void)state;
	receiver.receive.audio_sinks = &audio_paced_sink_role;
	parts.video_frames = 150;
	parts.video_interval_ms = 10;
	parts.audio_interval_ms = 10;
	parts.audio_gone_after = 10;
	start_both();
	join_both();
	assert_regular(&sender, QV_CALL_SOURCES_ENDED);
	assert_int_equal(sender.result.audio_error.code, QV_E_GONE);
	/* Half a second after the last packet, and one block that the loop was about to write. */
	assert_in_range(receiver.result.totals.audio.concealed, 0, AUDIO_RATE / 2 + 2 * AUDIO_RATE / 50);
}

static void stopping_the_sender_ends_both(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	start_both();
	assert_true(parts_wait(&parts.shown, 5));
	end_cancel(&sender);
	join_both();
	assert_regular(&sender, QV_CALL_CANCELLED);
	assert_regular(&receiver, QV_CALL_PEER_BYE);
	assert_int_equal(receiver.result.peer_bye.code, QV_BYE_STOPPED);
}

static void stopping_the_receiver_ends_both(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	start_both();
	assert_true(parts_wait(&parts.shown, 5));
	end_cancel(&receiver);
	join_both();
	assert_regular(&receiver, QV_CALL_CANCELLED);
	assert_regular(&sender, QV_CALL_PEER_BYE);
	assert_int_equal(sender.result.peer_bye.code, QV_BYE_STOPPED);
}

static void closing_the_window_ends_both(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	parts.sink_closed_after = 4;
	start_both();
	join_both();
	assert_regular(&receiver, QV_CALL_WINDOW_CLOSED);
	assert_regular(&sender, QV_CALL_PEER_BYE);
	assert_int_equal(sender.result.peer_bye.code, QV_BYE_CLOSED);
}

static void a_window_that_blocks_stops_neither_network_nor_sound(void **state)
{
	(void)state;
	parts.audio_lockstep = true;
	parts.video_frames = 40;
	parts.audio_blocks = 40;
	parts.show_blocks = true;
	start_both();
	/* The sender comes to its regular end although nothing but the first picture has been shown. */
	end_join(&sender);
	assert_regular(&sender, QV_CALL_SOURCES_ENDED);
	parts_lock();
	assert_int_equal(parts.shown, 1);
	parts_unlock();
	parts_release();
	end_join(&receiver);
	assert_regular(&receiver, QV_CALL_PEER_BYE);
	assert_int_equal(parts.played, 40 * AUDIO_BLOCK);
	/* Newest wins: after the first came the last, unless that was not even encoded. */
	assert_in_range(parts.shown, 1, 2);
	assert_true(parts.shown_number[parts.shown - 1] == 39 || sender.result.totals.video.skipped > 0);
	assert_int_equal(receiver.result.totals.video.dropped_inbox,
			 receiver.result.totals.video.received - (uint64_t)parts.shown);
}

static void a_lost_camera_leaves_the_sound(void **state)
{
	(void)state;
	parts.audio_lockstep = true;
	parts.video_frames = NO_LIMIT;
	parts.video_gone_after = 5;
	parts.audio_blocks = 60;
	start_both();
	join_both();
	assert_regular(&sender, QV_CALL_SOURCES_ENDED);
	assert_int_equal(sender.result.video_error.code, QV_E_GONE);
	assert_non_null(strstr(sender.result.video_error.message, "counting"));
	assert_int_equal(parts.played, 60 * AUDIO_BLOCK);
}

static void without_any_source_left_the_call_fails(void **state)
{
	(void)state;
	parts.video_gone_after = parts.audio_gone_after = 5;
	start_both();
	join_both();
	assert_int_equal(sender.outcome, -1);
	assert_int_equal(sender.err.code, QV_E_GONE);
	assert_regular(&receiver, QV_CALL_PEER_BYE);
	assert_int_equal(receiver.result.peer_bye.code, QV_BYE_FAILED);
}

static void a_failed_display_leaves_the_sound(void **state)
{
	(void)state;
	parts.audio_lockstep = true;
	parts.sink_fails_open = true;
	start_both();
	join_both();
	assert_regular(&sender, QV_CALL_SOURCES_ENDED);
	assert_regular(&receiver, QV_CALL_PEER_BYE);
	assert_int_equal(receiver.result.video_error.code, QV_E_IO);
	assert_int_equal(parts.played, 20 * AUDIO_BLOCK);
}

static void without_any_sink_left_the_call_fails(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	parts.sink_fails_after = 3;
	parts.audio_sink_fails_after = 3;
	start_both();
	join_both();
	assert_int_equal(receiver.outcome, -1);
	assert_int_equal(receiver.err.code, QV_E_IO);
	assert_int_equal(receiver.result.audio_error.code, QV_E_GONE);
	assert_regular(&sender, QV_CALL_PEER_BYE);
	assert_int_equal(sender.result.peer_bye.code, QV_BYE_FAILED);
}

static void damaged_pictures_are_left_out(void **state)
{
	(void)state;
	parts.damaged_every = 1;
	start_both();
	join_both();
	assert_regular(&receiver, QV_CALL_PEER_BYE);
	const struct qv_call_video_totals *got = &receiver.result.totals.video;
	assert_true(got->damaged > 0);
	assert_int_equal(got->received, got->dropped_inbox + got->damaged);
	assert_int_equal(got->shown, 0);
	assert_int_equal(receiver.result.video_error.code, QV_OK);
}

static void pictures_that_build_on_each_other_all_arrive(void **state)
{
	(void)state;
	parts.video_inter_coded = true;
	parts.video_interval_ms = 1;
	parts.video_frames = 100;
	start_both();
	join_both();
	assert_regular(&sender, QV_CALL_SOURCES_ENDED);
	assert_int_equal(sender.result.totals.video.dropped_outbox, 0);
	assert_int_equal(receiver.result.totals.video.lost, 0);
}

static void a_busy_end_says_so(void **state)
{
	(void)state;
	struct qv_error err = QV_ERROR_INIT;
	end_start_sender(&sender);
	assert_int_equal(qv_call_refuse(&receiver.link, QV_REFUSE_BUSY, NULL, &receiver.host, &err), 0);
	end_join(&sender);
	assert_int_equal(sender.outcome, -1);
	assert_int_equal(sender.err.code, QV_E_BUSY);
	assert_int_equal(parts.source_opens, parts.source_closes);
	assert_false(sender.result.opened);
}

static void without_a_common_codec_the_call_is_refused(void **state)
{
	(void)state;
	receiver.receive.video_codec_count = receiver.receive.audio_codec_count = 0;
	start_both();
	join_both();
	assert_int_equal(sender.outcome, -1);
	assert_int_equal(sender.err.code, QV_E_UNSUPPORTED);
	assert_non_null(strstr(sender.err.message, "stamp, raw16"));
	assert_int_equal(receiver.outcome, -1);
	assert_int_equal(receiver.err.code, QV_E_UNSUPPORTED);
}

static void with_one_common_codec_the_call_goes_on(void **state)
{
	(void)state;
	parts.audio_lockstep = true;
	receiver.receive.video_codec_count = 0;
	start_both();
	join_both();
	assert_regular(&sender, QV_CALL_SOURCES_ENDED);
	assert_false(sender.result.has_video);
	assert_true(sender.result.has_audio);
	assert_int_equal(parts.played, 20 * AUDIO_BLOCK);
}

static void a_peer_that_dies_is_reported(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	plain_cut(receiver.link.session);
	start_both();
	assert_true(parts_wait(&parts.shown, 3));
	shutdown(sender.link.fd, SHUT_RDWR);
	join_both();
	assert_int_equal(receiver.outcome, -1);
	assert_int_equal(receiver.err.code, QV_E_TRUNCATED);
	assert_int_equal(sender.outcome, -1);
}

static void stopping_before_the_call_began(void **state)
{
	(void)state;
	receiver.receive.limits.bye_timeout_ms = 50; /* nobody is there to answer */
	end_start_receiver(&receiver);
	end_cancel(&receiver);
	end_join(&receiver);
	assert_regular(&receiver, QV_CALL_CANCELLED);
	assert_false(receiver.result.opened);
}

static void a_silent_caller_is_given_up(void **state)
{
	(void)state;
	receiver.receive.limits.hello_timeout_ms = 50;
	receiver.receive.limits.bye_timeout_ms = 50;
	end_start_receiver(&receiver);
	end_join(&receiver);
	assert_int_equal(receiver.outcome, -1);
	assert_int_equal(receiver.err.code, QV_E_TIMEOUT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_file_is_sent_to_its_end),
		CASE(the_receivers_report_reaches_the_sender),
		CASE(both_ends_measure_where_the_time_went),
		CASE(a_gap_in_the_sound_is_filled_in_the_recording),
		CASE(a_paced_sink_hears_the_sound_in_order),
		CASE(a_sink_gets_no_endless_silence),
		CASE(stopping_the_sender_ends_both),
		CASE(stopping_the_receiver_ends_both),
		CASE(closing_the_window_ends_both),
		CASE(a_window_that_blocks_stops_neither_network_nor_sound),
		CASE(a_lost_camera_leaves_the_sound),
		CASE(without_any_source_left_the_call_fails),
		CASE(a_failed_display_leaves_the_sound),
		CASE(without_any_sink_left_the_call_fails),
		CASE(damaged_pictures_are_left_out),
		CASE(pictures_that_build_on_each_other_all_arrive),
		CASE(a_busy_end_says_so),
		CASE(without_a_common_codec_the_call_is_refused),
		CASE(with_one_common_codec_the_call_goes_on),
		CASE(a_peer_that_dies_is_reported),
		CASE(stopping_before_the_call_began),
		CASE(a_silent_caller_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
