/* SPDX-License-Identifier: Apache-2.0 */
/* A call outlives its connection: the caller makes another session with a new key, and both go on in that at once. */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "connection_lost.h"
#include "side.h"

/* A peer of which nothing is heard for so long is looked for by another connection. */
#define SILENCE_MS 6000
#define RETRY_MS   1000
/* A peer whose host has said so often, and for so long, that nobody listens there, has left with its calls. */
#define REFUSALS   3
#define REFUSED_MS 2000
/* So long a peer that is lost is tried to be told that the call is over. */
#define FAREWELL_MS       3000
#define FAREWELL_RETRY_MS 300

uint32_t reconnect_word(const struct side *side)
{
	const struct qv_call_renewal *plan = side->plan->renewal;
	bool able = plan && plan->reconnect_ms > 0 && (side->role == QV_CALL_ANSWERER || plan->renew) &&
		    side->first.tls->export_key;
	return able ? (uint32_t)plan->reconnect_ms : 0;
}

static bool possible(const struct side *side)
{
	return side->peer_resumes && side->media.connection->peer_minor >= 2 && reconnect_word(side) > 0;
}

void reconnect_offer(struct side *side)
{
	struct connection *c = side->media.connection;
	bool can = possible(side);
	c->silence_ms = can && c->limits.peer_timeout_ms > SILENCE_MS ? SILENCE_MS : c->limits.peer_timeout_ms;
	if (side->role != QV_CALL_ANSWERER)
		return;
	bool proven = c->wire.bytes_in > side->resumed_bytes;
	side->resumed_bytes = c->wire.bytes_in;
	control_open_resumption(side->control, can ? attach_token(&c->link) : NULL, proven);
}

static void tell(struct side *side, enum qv_call_happening happening, const char *text)
{
	rekeying_show(side);
	struct qv_call_event event = { .happening = happening, .text = text, .security = &side->shown };
	side_tell(side, &event);
}

int reconnect_lost(struct side *side, const struct qv_error *why)
{
	if (!possible(side) || (side->role == QV_CALL_CALLER && !renewer_lost(&side->renewer)))
		return 0;
	side->losing = true;
	side->tries = 0;
	side->refused = 0;
	side->retry_ns = 0;
	qv_log_warning(side->media.host->log, "the connection is lost, and the peer is looked for: %s", why->message);
	tell(side, QV_CALL_LINK_LOST, why->message);
	side->losing = false;
	return side->plan->renewal->reconnect_ms;
}

/* What was on its way went with the old session; and what the peer knows of us may be out of date. */
static void begin_again(struct side *side)
{
	if (side->out) {
		side->out->picture.active = side->out->sound.active = false;
		side->out->want_key = !side->out->video_elsewhere;
		atomic_fetch_add(&side->control->switches.refresh, 1);
	}
	side->told_ended = false;
	side->tell_all = true;
	control_tell_roster_again(side->control);
}

static void go_on(struct side *side, const struct qv_link *link, const struct qv_call_security *security,
		  uint32_t generation)
{
	connection_resume(side->media.connection, link);
	side->current = *link;
	side->security = *security;
	side->no_key[0] = '\0';
	side->result->resumed++;
	renewer_resumed(&side->renewer);
	begin_again(side);
	otp_resume(&side->otp);
	ways_resume(side, link, generation);
	rekeying_offer(side);
	renewer_keyed(&side->renewer);
	side->media.connection->look_ns = renewer_next(&side->renewer);
	qv_log_info(side->media.host->log, "the connection is back, with a fresh key");
	tell(side, QV_CALL_LINK_BACK, NULL);
}

/* The caller may have noticed before us that the old connection is dead. */
static int answer(struct side *side, struct qv_error *err)
{
	struct connection *c = side->media.connection;
	struct qv_error why = QV_ERROR_INIT;
	struct qv_call_security security;
	struct qv_link link;
	uint32_t generation;
	if (!control_take_resumed(side->control, &link, &security, &generation))
		return 0;
	qv_fail(&why, QV_E_GONE, "the peer has made another connection");
	if (c->phase == PHASE_OPEN)
		connection_abandon(c, &why);
	if (c->phase != PHASE_LOST) {
		side->plan->renewal->release(side->plan->renewal, &link);
		return 0;
	}
	(void)err;
	go_on(side, &link, &security, generation);
	return 0;
}

/* A program that is started anew has none of the calls that it had: there is nothing to wait for. */
static bool has_left(struct side *side, const struct qv_error *why, int64_t now)
{
	if (why->code != QV_E_GONE)
		side->refused = 0;
	else if (side->refused++ == 0)
		side->refused_ns = now;
	return side->refused >= REFUSALS && now - side->refused_ns >= REFUSED_MS * QV_NS_PER_MS;
}

static int search(struct side *side, struct qv_error *err)
{
	struct connection *c = side->media.connection;
	struct renewer *renewer = &side->renewer;
	struct qv_call_security security;
	struct qv_error why = QV_ERROR_INIT;
	struct qv_link link;
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	int got = renewer_take(renewer, &link, &security, &why);
	if (got > 0 && renewer->request.resumes) {
		go_on(side, &link, &security, renewer->request.generation);
		return 0;
	}
	if (got > 0) /* made to be gone over to from the session that is lost */
		side->plan->renewal->release(side->plan->renewal, &link);
	if (got < 0 && renewer->disowned)
		return qv_fail(err, c->lost_why.code, "%s; and %s", c->lost_why.message, why.message);
	if (got < 0 && has_left(side, &why, now))
		return qv_fail(err, c->lost_why.code, "%s; and the peer's program is gone: %s", c->lost_why.message,
			       why.message);
	if (got < 0) {
		qv_log_info(side->media.host->log, "the peer is still looked for: %s", why.message);
		side->retry_ns = now + RETRY_MS * QV_NS_PER_MS;
	}
	if (!renewer->running && now >= side->retry_ns) {
		uint32_t generation = ways_generation(side);
		if (!renewer_resume(renewer, generation ? generation + ++side->tries : 0)) {
			*err = renewer->failure;
			return -1;
		}
	}
	c->look_ns = renewer->running ? 0 : side->retry_ns;
	return 0;
}

int reconnect_look(struct side *side, struct qv_error *err)
{
	if (side->role == QV_CALL_ANSWERER)
		return answer(side, err);
	return side->media.connection->phase == PHASE_LOST ? search(side, err) : 0;
}

/* Raised by the host, or when the time is over. */
static int stop_after(struct stop *stop, int cancel_fd, int ms, int *timer, struct qv_error *err)
{
	struct epoll_event readable = { .events = EPOLLIN };
	struct itimerspec time = { .it_value = { ms / 1000, ms % 1000 * QV_NS_PER_MS } };
	if (stop_init(stop, cancel_fd, err) != 0)
		return -1;
	*timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (*timer >= 0 && timerfd_settime(*timer, 0, &time, NULL) == 0 &&
	    epoll_ctl(stop->poll_fd, EPOLL_CTL_ADD, *timer, &readable) == 0)
		return 0;
	qv_fail_errno(err, QV_E_IO, errno, "making a timer");
	if (*timer >= 0)
		close(*timer);
	stop_clear(stop);
	return -1;
}

/* Again and again until the peer is reached, has said that it has no such call, or the time is over. */
static int reach(struct side *side, const struct qv_host *host, struct qv_link *link, struct qv_error *err)
{
	for (;;) {
		uint32_t generation = ways_generation(side);
		if (renewer_reach(&side->renewer, host, generation ? generation + ++side->tries : 0, link, err) == 0)
			return 0;
		if (err->code == QV_E_GONE || qv_wait_fd(-1, 0, FAREWELL_RETRY_MS, host->cancel_fd, NULL) < 0)
			return -1;
	}
}

static int tell_farewell(struct side *side, const struct qv_host *host, struct qv_error *err)
{
	struct qv_link link;
	if (reach(side, host, &link, err) != 0)
		return -1;
	int status = attach_leave(&link, host, FAREWELL_MS, err);
	side->plan->renewal->release(side->plan->renewal, &link);
	return status;
}

void reconnect_farewell(struct side *side)
{
	struct qv_host host = side->renewer.host.host;
	struct qv_error why = QV_ERROR_INIT;
	struct stop stop;
	int timer;
	if (side->role != QV_CALL_CALLER || side->given_up || !side->renewer.lost_token)
		return;
	int status = stop_after(&stop, side->media.host->cancel_fd, FAREWELL_MS, &timer, &why);
	host.cancel_fd = stop.poll_fd;
	if (status == 0) {
		status = tell_farewell(side, &host, &why);
		close(timer);
		stop_clear(&stop);
	}
	if (status != 0 && why.code != QV_E_GONE)
		qv_log_info(side->media.host->log, "the lost peer was not told that the call is over: %s", why.message);
}
