/* SPDX-License-Identifier: Apache-2.0 */
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

struct two_way caller, answerer;

static void on_event(struct qv_call_observer *observer, const struct qv_call_event *event)
{
	struct two_way *way = (struct two_way *)(void *)observer;
	parts_lock();
	way->last[event->happening] = *event;
	if (event->happening == QV_CALL_LINK_LOST)
		snprintf(way->lost_text, sizeof way->lost_text, "%s", event->text);
	if (event->roster)
		way->roster = *event->roster;
	parts_unlock();
	atomic_fetch_add(&way->happened[event->happening], 1);
	parts_lock();
	parts_unlock(); /* whoever waits looks again */
	if (event->happening == QV_CALL_RINGING && way->role == QV_CALL_ANSWERER && way->answers)
		qv_call_control_answer(way->plan.control, way->takes);
}

bool await(atomic_int *counter, int value)
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
		qv_call_refuse(&attaching->link, QV_REFUSE_DENIED, NULL, &way->end.host, NULL);
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
	if (atomic_load(&way->fails) == FAILS_UNTIL_CANCELLED) {
		atomic_fetch_add(&way->waits, 1);
		parts_lock();
		parts_unlock();
		int waited = qv_wait_fd(-1, 0, 60000, host->cancel_fd, err);
		atomic_store(&way->fails, 0);
		return waited == 0 ? qv_fail(err, QV_E_TIMEOUT, "nobody has cancelled it") : -1;
	}
	if (atomic_load(&way->fails) == FAILS_UNHEARD)
		return qv_fail(err, QV_E_GONE, "connection refused");
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

int setup(void **state)
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

int teardown(void **state)
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

void with_renewal(int interval_ms)
{
	caller.plan.renewal = &caller.renewal;
	answerer.plan.renewal = &answerer.renewal;
	caller.renewal.renew = renew;
	caller.renewal.interval_ms = interval_ms;
}

void start(struct two_way *way)
{
	pthread_create(&way->end.thread, NULL, run, way);
}

void join_both(void)
{
	end_join(&caller.end);
	end_join(&answerer.end);
	assert_int_equal(parts.sink_opens, parts.sink_closes);
	assert_int_equal(parts.source_opens, parts.source_closes);
}

void assert_regular(const struct two_way *way)
{
	if (way->end.outcome != 0)
		fail_msg("failed: %s (%s)", way->end.err.message, qv_code_name(way->end.err.code));
}

void assert_all_arrived(const struct two_way *from, const struct two_way *to)
{
	const struct qv_call_totals *sent = &from->end.result.totals, *got = &to->end.result.totals;
	assert_true(from->end.result.sends_video && to->end.result.has_video);
	assert_int_equal(got->video.received, sent->video.sent);
	assert_int_equal(got->video.lost, sent->video.dropped_outbox);
	assert_int_equal(got->audio.packets_received, sent->audio.packets_sent);
	assert_int_equal(sent->video.captured, sent->video.encoded + sent->video.skipped);
}
