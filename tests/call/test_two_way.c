/* SPDX-License-Identifier: Apache-2.0 */
/* Calls in which both ends send and receive and are steered; and calls with ends of version 1.0. */
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

#include <qvisio/audiocodec.h>
#include <qvisio/call_control.h>
#include <qvisio/videocodec.h>

#include "recorded_1_0.h"
#include "two_way.h"

static void both_ends_send_and_receive(void **state)
{
	(void)state;
	parts.video_frames = 40;
	parts.audio_blocks = 40;
	start(&answerer);
	start(&caller);
	join_both();
	assert_regular(&caller);
	assert_regular(&answerer);
	assert_all_arrived(&caller, &answerer);
	assert_all_arrived(&answerer, &caller);
	assert_int_equal(caller.end.result.totals.video.captured, 40);
	assert_int_equal(caller.end.result.totals.audio.packets_sent, 40);
	assert_true(caller.end.result.totals.video.shown > 0 && answerer.end.result.totals.video.shown > 0);
	assert_string_equal(caller.end.result.sent_video.codec, "stamp");
	/* Each end tells the other that its sources have ended. */
	assert_true(caller.last[QV_CALL_PEER_STATE].ended || answerer.last[QV_CALL_PEER_STATE].ended);
}

/* The codecs of the parts under another name, in front of those. */
static struct qv_videocodec_class other_video;
static struct qv_audiocodec_class other_audio;
static struct qv_role video_codecs[2], audio_codecs[2];

static void make_other_codecs(void)
{
	static const char *const names[] = { "other", NULL };
	other_video = *qv_videocodec_class(video_codec_role.class);
	other_video.wire_names = names;
	other_audio = *qv_audiocodec_class(audio_codec_role.class);
	other_audio.wire_name = "other16";
	video_codecs[0] = (struct qv_role){ .class = &other_video.head };
	video_codecs[1] = video_codec_role;
	audio_codecs[0] = (struct qv_role){ .class = &other_audio.head };
	audio_codecs[1] = audio_codec_role;
}

static void offer_both(struct qv_send_plan *plan)
{
	plan->video_codecs = video_codecs;
	plan->audio_codecs = audio_codecs;
	plan->video_codec_count = plan->audio_codec_count = 2;
}

static void take_both(struct qv_receive_plan *plan)
{
	plan->video_codecs = video_codecs;
	plan->audio_codecs = audio_codecs;
	plan->video_codec_count = plan->audio_codec_count = 2;
}

static void the_first_codec_that_both_know_is_taken(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = 40;
	make_other_codecs();
	offer_both(&caller.end.send);
	offer_both(&answerer.end.send);
	take_both(&caller.end.receive); /* the answerer decodes only the second of each */
	start(&answerer);
	start(&caller);
	join_both();
	assert_regular(&caller);
	assert_regular(&answerer);
	assert_string_equal(caller.end.result.sent_video.codec, "stamp");
	assert_string_equal(caller.end.result.sent_audio.codec, "raw16");
	assert_string_equal(answerer.end.result.sent_video.codec, "other");
	assert_string_equal(answerer.end.result.sent_audio.codec, "other16");
	assert_string_equal(caller.end.result.video.codec, "other");
	assert_all_arrived(&caller, &answerer);
	assert_all_arrived(&answerer, &caller);
	assert_true(caller.end.result.totals.video.shown > 0 && answerer.end.result.totals.video.shown > 0);
	assert_true(answerer.end.result.totals.audio.played > 0);
}

static void an_answerer_who_takes_nothing_is_heard(void **state)
{
	(void)state;
	answerer.plan.receive = NULL;
	start(&answerer);
	start(&caller);
	join_both();
	assert_regular(&caller);
	assert_regular(&answerer);
	assert_false(caller.end.result.sends_video);
	assert_all_arrived(&answerer, &caller);
}

static void a_caller_may_only_listen(void **state)
{
	(void)state;
	caller.plan.send = NULL;
	start(&answerer);
	start(&caller);
	join_both();
	assert_regular(&caller);
	assert_all_arrived(&answerer, &caller);
	assert_int_equal(caller.end.result.totals.video.sent, 0);
}

static void no_stream_is_offered_that_the_caller_does_not_take(void **state)
{
	(void)state;
	caller.end.receive.video_sink_count = 0;
	start(&answerer);
	start(&caller);
	join_both();
	assert_regular(&caller);
	assert_false(caller.end.result.has_video);
	assert_true(caller.end.result.has_audio);
	assert_false(answerer.end.result.sends_video);
	assert_all_arrived(&caller, &answerer);
}

static void a_call_rings_until_it_is_taken(void **state)
{
	(void)state;
	answerer.plan.ask = true;
	answerer.answers = false;
	start(&answerer);
	start(&caller);
	assert_true(await(&answerer.happened[QV_CALL_RINGING], 1));
	assert_true(await(&caller.happened[QV_CALL_RINGING], 2)); /* once a second */
	assert_int_equal(parts.sink_opens, 0);
	qv_call_control_answer(answerer.plan.control, true);
	join_both();
	assert_regular(&caller);
	assert_all_arrived(&caller, &answerer);
	assert_all_arrived(&answerer, &caller);
}

static void a_call_that_rings_can_be_declined(void **state)
{
	(void)state;
	answerer.plan.ask = answerer.answers = true;
	start(&answerer);
	start(&caller);
	join_both();
	assert_int_equal(caller.end.outcome, -1);
	assert_int_equal(caller.end.err.code, QV_E_DENIED);
	assert_non_null(strstr(caller.end.err.message, "declined"));
	assert_int_equal(answerer.end.outcome, -1);
	assert_int_equal(answerer.end.err.code, QV_E_DENIED);
}

static void a_call_that_nobody_answers_ends(void **state)
{
	(void)state;
	answerer.plan.ask = true;
	answerer.end.send.limits.ring_timeout_ms = 300;
	start(&answerer);
	start(&caller);
	join_both();
	assert_int_equal(answerer.end.err.code, QV_E_TIMEOUT);
	assert_int_equal(caller.end.outcome, -1);
}

static void hanging_up_ends_a_call_for_both(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	start(&answerer);
	start(&caller);
	assert_true(parts_wait(&parts.shown, 10));
	qv_call_control_hang_up(answerer.plan.control);
	join_both();
	assert_regular(&caller);
	assert_regular(&answerer);
	assert_int_equal(answerer.end.result.end, QV_CALL_CANCELLED);
	assert_int_equal(caller.end.result.end, QV_CALL_PEER_BYE);
}

static void a_roster_is_told_when_the_call_opens_and_when_it_changes(void **state)
{
	(void)state;
	struct qv_roster roster = { .count = 1, .sae = { "carol" } };
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	qv_call_control_roster(answerer.plan.control, &roster);
	start(&answerer);
	start(&caller);
	assert_true(await(&caller.happened[QV_CALL_ROSTER], 1));
	parts_lock();
	assert_memory_equal(&caller.roster, &roster, sizeof roster);
	parts_unlock();
	roster.count = 0;
	memset(roster.sae, 0, sizeof roster.sae);
	qv_call_control_roster(answerer.plan.control, &roster);
	assert_true(await(&caller.happened[QV_CALL_ROSTER], 2));
	parts_lock();
	assert_memory_equal(&caller.roster, &roster, sizeof roster);
	parts_unlock();
	assert_int_equal(atomic_load(&answerer.happened[QV_CALL_ROSTER]), 0);
	qv_call_control_hang_up(answerer.plan.control);
	join_both();
	assert_regular(&caller);
}

static void a_caller_may_hang_up_while_it_rings(void **state)
{
	(void)state;
	answerer.plan.ask = true;
	start(&answerer);
	start(&caller);
	assert_true(await(&caller.happened[QV_CALL_RINGING], 1));
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_int_equal(caller.end.result.end, QV_CALL_CANCELLED);
	assert_int_equal(answerer.end.outcome, -1);
}

static void a_muted_camera_and_microphone_send_nothing_of_it(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	qv_call_control_mute(caller.plan.control, QV_STREAM_AUDIO, true);
	qv_call_control_mute(caller.plan.control, QV_STREAM_VIDEO, true);
	answerer.plan.send = NULL;
	start(&answerer);
	start(&caller);
	assert_true(await(&answerer.happened[QV_CALL_PEER_STATE], 2));
	assert_true(answerer.last[QV_CALL_PEER_STATE].muted);
	assert_true(parts_wait(&parts.shown, 2));
	parts_lock();
	for (int i = 0; i < parts.shown; i++)
		assert_int_equal(parts.shown_number[i], 0x10101010); /* black, and not the number of the frame */
	for (uint64_t i = 0; i < parts.played; i++)
		assert_int_equal(parts.samples[i], 0);
	parts_unlock();
	qv_call_control_mute(caller.plan.control, QV_STREAM_VIDEO, false);
	assert_true(parts_wait(&parts.shown, parts.shown + 10));
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_int_not_equal(parts.shown_number[parts.shown - 1], 0x10101010);
}

static void an_unplugged_camera_comes_back(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	parts.video_gone_after = 10;
	caller.plan.keep_devices = true;
	answerer.plan.send = NULL;
	start(&answerer);
	start(&caller);
	assert_true(await(&caller.happened[QV_CALL_DEVICE_BACK], 2));
	assert_int_equal(caller.last[QV_CALL_DEVICE_BACK].kind, QV_STREAM_VIDEO);
	assert_true(parts_wait(&parts.produced_frames, 25));
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_regular(&caller);
	assert_int_equal(caller.end.result.video_error.code, QV_OK);
}

static void another_microphone_takes_over(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	answerer.plan.send = NULL;
	start(&answerer);
	start(&caller);
	assert_true(parts_wait(&parts.produced_blocks, 10));
	qv_call_control_source(caller.plan.control, QV_STREAM_AUDIO, &audio_source_role);
	assert_true(await(&caller.happened[QV_CALL_DEVICE_BACK], 1));
	int produced = parts.produced_blocks;
	assert_true(parts_wait(&parts.produced_blocks, produced + 10));
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_regular(&caller);
	assert_regular(&answerer);
	assert_int_equal(parts.source_opens, 3);
}

static void a_loudspeaker_that_comes_back_is_used_again(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	parts.audio_interval_ms = 10;
	parts.audio_sink_fails_after = 30;
	answerer.end.receive.audio_sinks = &audio_paced_sink_role;
	answerer.plan.keep_devices = true;
	answerer.plan.send = NULL;
	start(&answerer);
	start(&caller);
	assert_true(await(&answerer.happened[QV_CALL_DEVICE_GONE], 1));
	assert_int_equal(answerer.last[QV_CALL_DEVICE_GONE].kind, QV_STREAM_AUDIO);
	assert_true(await(&answerer.happened[QV_CALL_DEVICE_BACK], 2));
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_regular(&answerer);
	assert_int_equal(answerer.end.result.audio_error.code, QV_OK);
	assert_int_equal(parts.sink_opens, parts.sink_closes);
	/* Without it the sound went by as fast as with it. */
	assert_true(answerer.end.result.totals.audio.underruns < 30);
}

static void a_recording_that_fails_is_not_begun_again(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	parts.audio_interval_ms = 10;
	parts.audio_sink_fails_after = 10;
	answerer.end.receive.video_sink_count = 0;
	answerer.plan.keep_devices = true;
	answerer.plan.send = NULL;
	start(&answerer);
	start(&caller);
	join_both();
	assert_int_equal(answerer.end.result.audio_error.code, QV_E_GONE);
	assert_int_equal(atomic_load(&answerer.happened[QV_CALL_DEVICE_GONE]), 0);
	assert_int_equal(parts.sink_opens, 1);
}

static void another_loudspeaker_takes_over(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	parts.audio_interval_ms = 10;
	answerer.end.receive.audio_sinks = &audio_paced_sink_role;
	answerer.plan.send = NULL;
	start(&answerer);
	start(&caller);
	assert_true(parts_wait(&parts.produced_blocks, 10));
	int opened = parts.sink_opens;
	qv_call_control_audio_sink(answerer.plan.control, &audio_paced_sink_role);
	assert_true(await(&answerer.happened[QV_CALL_DEVICE_BACK], 1));
	assert_int_equal(parts.sink_opens, opened + 1);
	/* One that cannot be had leaves the other in its place. */
	qv_call_control_audio_sink(answerer.plan.control, &audio_absent_sink_role);
	assert_true(await(&answerer.happened[QV_CALL_DEVICE_GONE], 1));
	uint64_t played = parts.played;
	int produced = parts.produced_blocks;
	assert_true(parts_wait(&parts.produced_blocks, produced + 20));
	qv_call_control_hang_up(caller.plan.control);
	join_both();
	assert_regular(&answerer);
	assert_true(parts.played > played);
	assert_int_equal(parts.sink_opens, parts.sink_closes);
}

/* Plays a recording to one end, and reads what it writes until it has closed. The caller, who said BYE, closes first. */
static void replay(struct two_way *way, struct two_way *gone, const uint8_t *bytes, size_t size)
{
	uint8_t heard[4096];
	int fd = gone->end.link.fd;
	start(way);
	for (size_t at = 0; at < size;) {
		ssize_t put = send(fd, bytes + at, size - at, MSG_NOSIGNAL);
		if (put > 0)
			at += (size_t)put;
		else
			assert_int_equal(qv_wait_fd(fd, POLLOUT, 60000, -1, NULL), 1);
	}
	if (way->role == QV_CALL_ANSWERER)
		shutdown(fd, SHUT_WR);
	/* Until the end is silent for long, or has ended. */
	while (qv_wait_fd(fd, POLLIN, 60000, -1, NULL) == 1 && recv(fd, heard, sizeof heard, 0) > 0)
		;
	shutdown(fd, SHUT_WR);
	end_join(&way->end);
}

static void a_caller_of_version_1_0_is_received(void **state)
{
	(void)state;
	parts.video_frames = parts.audio_blocks = NO_LIMIT;
	replay(&answerer, &caller, caller_1_0, sizeof caller_1_0);
	assert_regular(&answerer);
	assert_int_equal(answerer.end.result.totals.video.received, 3);
	assert_int_equal(answerer.end.result.totals.audio.packets_received, 2);
	assert_int_equal(answerer.end.result.peer_bye.code, QV_BYE_ENDED);
	/* Nothing is sent to it: it would break the protocol of its day. */
	assert_false(answerer.end.result.sends_video);
	assert_int_equal(answerer.end.result.totals.video.sent, 0);
}

static void an_answerer_of_version_1_0_is_sent_to(void **state)
{
	(void)state;
	parts.video_frames = 3;
	parts.audio_blocks = 2;
	replay(&caller, &answerer, answerer_1_0, sizeof answerer_1_0);
	/* A slow machine may have a newer picture before the last one has left. */
	const struct qv_call_video_totals *video = &caller.end.result.totals.video;
	assert_true(video->sent > 0);
	assert_int_equal(video->sent + video->skipped + video->dropped_outbox, 3);
	assert_int_equal(caller.end.result.totals.video.received, 0);
	assert_true(caller.end.result.opened);
	assert_true(caller.end.result.report_valid);
	assert_false(caller.end.result.rekeyed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWO_WAY(both_ends_send_and_receive),
		TWO_WAY(the_first_codec_that_both_know_is_taken),
		TWO_WAY(an_answerer_who_takes_nothing_is_heard),
		TWO_WAY(a_caller_may_only_listen),
		TWO_WAY(no_stream_is_offered_that_the_caller_does_not_take),
		TWO_WAY(a_call_rings_until_it_is_taken),
		TWO_WAY(a_call_that_rings_can_be_declined),
		TWO_WAY(a_call_that_nobody_answers_ends),
		TWO_WAY(hanging_up_ends_a_call_for_both),
		TWO_WAY(a_caller_may_hang_up_while_it_rings),
		TWO_WAY(a_muted_camera_and_microphone_send_nothing_of_it),
		TWO_WAY(an_unplugged_camera_comes_back),
		TWO_WAY(another_microphone_takes_over),
		TWO_WAY(a_loudspeaker_that_comes_back_is_used_again),
		TWO_WAY(a_recording_that_fails_is_not_begun_again),
		TWO_WAY(another_loudspeaker_takes_over),
		TWO_WAY(a_roster_is_told_when_the_call_opens_and_when_it_changes),
		TWO_WAY(a_caller_of_version_1_0_is_received),
		TWO_WAY(an_answerer_of_version_1_0_is_sent_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
