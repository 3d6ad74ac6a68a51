/* SPDX-License-Identifier: Apache-2.0 */
/* Calls in which both ends send and receive, are steered, and take fresh keys; and calls with ends of version 1.0. */
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

#include "parts.h"
#include "recorded_1_0.h"

/* One end, with all that may steer it. */
struct two_way {
	struct qv_call_observer observer;
	struct qv_call_renewal renewal;
	struct end end;
	enum qv_call_role role;
	struct qv_call_plan plan;
	struct two_way *other;
	struct qv_roster roster; /* of the last such event */
	atomic_int happened[QV_CALL_HAPPENINGS];
	struct qv_call_event last[QV_CALL_HAPPENINGS];
	atomic_int made, released, fails;
	struct qv_tls_session *newest; /* that it uses, or will; under parts_lock */
	bool answers, takes;           /* when it rings */
};

static struct two_way caller, answerer;

static void on_event(struct qv_call_observer *observer, const struct qv_call_event *event)
{
	struct two_way *way = (struct two_way *)(void *)observer;
	parts_lock();
	way->last[event->happening] = *event;
	if (event->roster)
		way->roster = *event->roster;
	parts_unlock();
	atomic_fetch_add(&way->happened[event->happening], 1);
	parts_lock();
	parts_unlock(); /* whoever waits looks again */
	if (event->happening == QV_CALL_RINGING && way->role == QV_CALL_ANSWERER && way->answers)
		qv_call_control_answer(way->plan.control, way->takes);
}

static bool await(atomic_int *counter, int value)
{
	struct timespec deadline;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 30;
	parts_lock();
	while (atomic_load(counter) < value && parts_await(&deadline))
		continue;
	parts_unlock();
	return atomic_load(counter) >= value;
}

static void release(struct qv_call_renewal *renewal, struct qv_link *link)
{
	struct two_way *way = (struct two_way *)(void *)((char *)renewal - offsetof(struct two_way, renewal));
	parts_lock();
	if (way->newest == link->session)
		way->newest = NULL;
	parts_unlock();
	if (link->session == way->end.link.session)
		way->end.link = (struct qv_link){ .fd = -1 };
	free(link->session);
	close(link->fd);
	atomic_fetch_add(&way->released, 1);
}

struct attaching {
	struct two_way *way;
	struct qv_link link;
};

/* What an answerer's program does with a new session. */
static void *attach(void *argument)
{
	struct attaching *attaching = argument;
	struct two_way *way = attaching->way;
	struct qv_call_security security = { .secured = QV_SECURED_QKD, .text = "a new key" };
	struct qv_error err = QV_ERROR_INIT;
	parts_lock();
	way->newest = attaching->link.session;
	parts_unlock();
	struct qv_greeting *greeting = qv_greeting_read(&attaching->link, &way->end.host, 5000, &err);
	if (!greeting || !qv_greeting_attaches(greeting) ||
	    qv_call_control_attach(way->plan.control, greeting, &attaching->link, &security, &err) != 0) {
		parts_lock();
		if (way->newest == attaching->link.session)
			way->newest = NULL;
		parts_unlock();
		free(attaching->link.session);
		close(attaching->link.fd);
	}
	qv_greeting_free(greeting);
	free(attaching);
	return NULL;
}

static int renew(struct qv_call_renewal *renewal, const struct qv_host *host, struct qv_link *link,
		 struct qv_call_security *security, struct qv_error *err)
{
	struct two_way *way = (struct two_way *)(void *)((char *)renewal - offsetof(struct two_way, renewal));
	int fds[2];
	pthread_t thread;
	(void)host;
	if (atomic_load(&way->fails))
		return qv_fail(err, QV_E_NO_KEY, "the KME has no key left");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
		return qv_fail(err, QV_E_IO, "socketpair");
	int number = atomic_fetch_add(&way->made, 1) + 1;
	struct attaching *attaching = malloc(sizeof *attaching);
	*attaching = (struct attaching){ way->other, { &plain_tls, plain_session(fds[1]), fds[1] } };
	*link = (struct qv_link){ &plain_tls, plain_session(fds[0]), fds[0] };
	if (way->renewal.reconnect_ms > 0) {
		plain_strict(attaching->link.session);
		plain_strict(link->session);
	}
	plain_number(attaching->link.session, number);
	plain_number(link->session, number);
	*security = (struct qv_call_security){ .secured = QV_SECURED_QKD, .text = "a new key" };
	snprintf(security->key_id, sizeof security->key_id, "key-%d", number);
	parts_lock();
	way->newest = link->session;
	parts_unlock();
	pthread_create(&thread, NULL, attach, attaching);
	pthread_detach(thread);
	return 0;
}

static void init(struct two_way *way, struct two_way *other, enum qv_call_role role, int fd)
{
	memset(way, 0, sizeof *way);
	end_init(&way->end, fd);
	way->other = other;
	way->role = role;
	way->observer.event = on_event;
	way->plan = (struct qv_call_plan){
		.send = &way->end.send,
		.receive = &way->end.receive,
		.control = qv_call_control_new(NULL),
	};
	way->renewal = (struct qv_call_renewal){ .release = release };
}

static int setup(void **state)
{
	(void)state;
	int fds[2];
	parts_reset();
	parts.video_packet = 64;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	init(&caller, &answerer, QV_CALL_CALLER, fds[0]);
	init(&answerer, &caller, QV_CALL_ANSWERER, fds[1]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	end_clear(&caller.end);
	end_clear(&answerer.end);
	qv_call_control_free(caller.plan.control);
	qv_call_control_free(answerer.plan.control);
	return 0;
}

static void *run(void *argument)
{
	struct two_way *way = argument;
	struct qv_link link = way->end.link;
	way->end.outcome = qv_call_run(&link, way->role, &way->plan, &way->end.host, &way->observer, &way->end.result,
				       &way->end.err);
	return NULL;
}

static void start(struct two_way *way)
{
	pthread_create(&way->end.thread, NULL, run, way);
}

static void join_both(void)
{
	end_join(&caller.end);
	end_join(&answerer.end);
	assert_int_equal(parts.sink_opens, parts.sink_closes);
	assert_int_equal(parts.source_opens, parts.source_closes);
}

static void assert_regular(const struct two_way *way)
{
	if (way->end.outcome != 0)
		fail_msg("failed: %s (%s)", way->end.err.message, qv_code_name(way->end.err.code));
}

static void assert_all_arrived(const struct two_way *from, const struct two_way *to)
{
	const struct qv_call_totals *sent = &from->end.result.totals, *got = &to->end.result.totals;
	assert_true(from->end.result.sends_video && to->end.result.has_video);
	assert_int_equal(got->video.received, sent->video.sent);
	assert_int_equal(got->video.lost, sent->video.dropped_outbox);
	assert_int_equal(got->audio.packets_received, sent->audio.packets_sent);
	assert_int_equal(sent->video.captured, sent->video.encoded + sent->video.skipped);
}

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

static void with_renewal(int interval_ms)
{
	caller.plan.renewal = &caller.renewal;
	answerer.plan.renewal = &answerer.renewal;
	caller.renewal.renew = renew;
	caller.renewal.interval_ms = interval_ms;
}

static void keys_are_replaced_without_a_lost_frame(void **state)
{
	(void)state;
	const char *wanted = getenv("QV_REKEYINGS");
	int count = wanted ? (int)strtol(wanted, NULL, 10) : 200;
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
	/* Whatever was sent before BYE was received, once and in order (a gap would be counted as lost). */
	const struct qv_call_totals *sent = &caller.end.result.totals, *got = &answerer.end.result.totals;
	assert_int_equal(got->video.lost, sent->video.dropped_outbox);
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

static void with_reconnection(int ms)
{
	with_renewal(0);
	caller.renewal.reconnect_ms = answerer.renewal.reconnect_ms = ms;
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

static void the_caller_tries_until_there_is_a_key(void **state)
{
	(void)state;
	with_reconnection(20000);
	atomic_store(&caller.fails, 1);
	break_link(&caller);
	assert_true(await(&caller.happened[QV_CALL_LINK_LOST], 1));
	assert_true(await(&answerer.happened[QV_CALL_LINK_LOST], 1));
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
	assert_non_null(strstr(caller.end.err.message, "not found again"));
	assert_int_equal(answerer.end.outcome, -1);
	assert_non_null(strstr(answerer.end.err.message, "not found again"));
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

static void one_may_hang_up_while_the_peer_is_looked_for(void **state)
{
	(void)state;
	with_reconnection(20000);
	atomic_store(&caller.fails, 1);
	break_link(&caller);
	assert_true(await(&caller.happened[QV_CALL_LINK_LOST], 1));
	assert_true(await(&answerer.happened[QV_CALL_LINK_LOST], 1));
	qv_call_control_hang_up(caller.plan.control);
	qv_call_control_hang_up(answerer.plan.control);
	join_both();
	assert_int_equal(caller.end.result.end, QV_CALL_CANCELLED);
	assert_int_equal(answerer.end.result.end, QV_CALL_CANCELLED);
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
	}
	if (way->role == QV_CALL_ANSWERER)
		shutdown(fd, SHUT_WR);
	while (recv(fd, heard, sizeof heard, 0) != 0)
		qv_wait_fd(fd, POLLIN, 1000, -1, NULL);
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
	assert_int_equal(caller.end.result.totals.video.sent + caller.end.result.totals.video.skipped, 3);
	assert_int_equal(caller.end.result.totals.video.received, 0);
	assert_true(caller.end.result.opened);
	assert_true(caller.end.result.report_valid);
	assert_false(caller.end.result.rekeyed);
}

int main(void)
{
#define TWO_WAY(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
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
		TWO_WAY(keys_are_replaced_without_a_lost_frame),
		TWO_WAY(keys_are_replaced_after_so_many_bytes),
		TWO_WAY(an_answerer_can_ask_for_a_new_key),
		TWO_WAY(without_a_key_the_call_goes_on_and_says_so),
		TWO_WAY(without_a_key_the_call_ends_where_the_policy_says_so),
		TWO_WAY(a_stranger_cannot_attach),
		TWO_WAY(a_stranger_cannot_resume_a_call),
		TWO_WAY(a_request_to_resume_may_not_be_short),
		TWO_WAY(a_call_goes_on_when_its_connection_breaks),
		TWO_WAY(a_connection_may_break_while_keys_are_replaced),
		TWO_WAY(the_caller_tries_until_there_is_a_key),
		TWO_WAY(a_call_whose_peer_is_not_found_again_ends),
		TWO_WAY(a_call_without_reconnection_ends_with_its_connection),
		TWO_WAY(one_may_hang_up_while_the_peer_is_looked_for),
		TWO_WAY(a_roster_is_told_when_the_call_opens_and_when_it_changes),
		TWO_WAY(a_caller_of_version_1_0_is_received),
		TWO_WAY(an_answerer_of_version_1_0_is_sent_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
