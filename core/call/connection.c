/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection_lost.h"
#include "connection_switch.h"
#include "connection_timers.h"

/* What the kernel may hold that it has not sent yet: sound waits behind no more than this. */
#define NOT_SENT_MAX 16384
/* Reads in a row before timers and writing get their turn. */
#define READS_MAX 64

static int64_t now_ns(void)
{
	return qv_clock_now(&qv_clock_monotonic);
}

/* Best effort: the link may be no TCP socket. */
void connection_tune_socket(int fd)
{
	int yes = 1, low = NOT_SENT_MAX;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof low);
}

static int or_default(int value, int fallback)
{
	return value > 0 ? value : fallback;
}

struct connection *connection_new(const struct qv_link *link, const struct qv_host *host,
				  const struct qv_call_limits *limits, struct qv_error *err)
{
	struct connection *c = calloc(1, sizeof *c);
	if (!c) {
		qv_fail(err, QV_E_NOMEM, "no memory for a connection");
		return NULL;
	}
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake_fd < 0) {
		qv_fail_errno(err, QV_E_IO, errno, "making an event descriptor");
		free(c);
		return NULL;
	}
	c->udp_fd = -1;
	c->link = c->wire.in_link = c->wire.out_link = *link;
	c->host = host;
	c->limits.hello_timeout_ms = or_default(limits->hello_timeout_ms, 5000);
	c->limits.peer_timeout_ms = or_default(limits->peer_timeout_ms, 10000);
	c->limits.bye_timeout_ms = or_default(limits->bye_timeout_ms, 2000);
	c->limits.ring_timeout_ms = or_default(limits->ring_timeout_ms, 60000);
	c->silence_ms = c->limits.peer_timeout_ms;
	c->end = QV_CALL_FAILED;
	connection_tune_socket(link->fd);
	return c;
}

void connection_free(struct connection *c)
{
	if (!c)
		return;
	close(c->wake_fd);
	free(c);
}

void connection_wake(struct connection *c)
{
	uint64_t one = 1;
	ssize_t written = write(c->wake_fd, &one, sizeof one);
	(void)written; /* full means that it is awake already */
}

static bool must_go(uint8_t type)
{
	return type != QV_RECORD_PING && type != QV_RECORD_PONG && type != QV_RECORD_STATS &&
	       type != QV_RECORD_RINGING && type != QV_RECORD_REFRESH;
}

static bool queue(struct connection *c, uint8_t type, uint8_t flags, const uint8_t *payload, size_t size)
{
	if (c->phase == PHASE_LOST)
		return false;
	size_t limit = must_go(type) ? CONTROL_SLOTS : CONTROL_SLOTS - CONTROL_SPARE;
	if (c->control_count >= limit || size > CONTROL_PAYLOAD)
		return false;
	struct control *control = &c->control[(c->control_first + c->control_count++) % CONTROL_SLOTS];
	control->type = type;
	control->flags = flags;
	control->size = size;
	if (size)
		memcpy(control->payload, payload, size);
	return true;
}

bool connection_send(struct connection *c, uint8_t type, const uint8_t *payload, size_t size)
{
	return queue(c, type, 0, payload, size);
}

bool connection_send_new(struct connection *c, uint8_t type, const uint8_t *payload, size_t size)
{
	return c->peer_minor >= (type > QV_RECORD_SWITCH ? 2 : 1) && queue(c, type, QV_RECORD_IGNORABLE, payload, size);
}

void connection_ring(struct connection *c)
{
	c->greet_by_ns = now_ns() + c->limits.ring_timeout_ms * QV_NS_PER_MS;
	c->next_ring_ns = now_ns();
}

void connection_opened(struct connection *c)
{
	c->phase = PHASE_OPEN;
	/* What was opened for the call took its time, in which nothing was read. */
	c->opened_ns = c->next_ping_ns = c->heard_ns = c->moved_ns = now_ns();
	c->next_second_ns = c->opened_ns + QV_NS_PER_SECOND;
}

static void begin_closing(struct connection *c, enum qv_call_end end)
{
	c->phase = PHASE_CLOSING;
	c->end = end;
	c->ended_ns = now_ns();
	c->close_by_ns = c->ended_ns + c->limits.bye_timeout_ms * QV_NS_PER_MS;
}

static void send_reason(struct connection *c, uint8_t type, unsigned code, const char *text)
{
	struct qv_reason reason = { .code = (uint16_t)code };
	uint8_t payload[2 + QV_REASON_TEXT_MAX];
	snprintf(reason.text, sizeof reason.text, "%s", text ? text : "");
	int size = qv_reason_encode(&reason, payload, sizeof payload, NULL);
	if (size > 0)
		connection_send(c, type, payload, (size_t)size);
}

void connection_bye(struct connection *c, enum qv_bye code, const char *text, enum qv_call_end end)
{
	if (c->phase == PHASE_CLOSING)
		return;
	if (c->opened_ns)
		c->class->second(c->side, true);
	send_reason(c, QV_RECORD_BYE, code, text);
	if (c->phase == PHASE_LOST) /* there is nobody to say it to */
		c->done = c->untold = true;
	begin_closing(c, end);
}

void connection_refuse(struct connection *c, enum qv_refusal code, const char *text, const struct qv_error *failure)
{
	send_reason(c, QV_RECORD_REFUSE, code, text);
	c->failure = *failure;
	begin_closing(c, QV_CALL_FAILED);
}

static enum qv_bye bye_for(enum qv_code code)
{
	if (code == QV_E_PROTOCOL)
		return QV_BYE_PROTOCOL;
	return code == QV_E_TIMEOUT ? QV_BYE_TIMEOUT : QV_BYE_FAILED;
}

/* A failure: told to the peer if the session still works. Once closing, only a broken stream changes anything. */
static void give_up(struct connection *c, const struct qv_error *err)
{
	bool closing = c->phase == PHASE_CLOSING;
	if (connection_lose(c, err))
		return;
	if (c->broken)
		c->done = true;
	if (closing)
		return;
	c->failure = *err;
	c->deaf = true;
	/* What exactly is wrong here is no business of the peer, except when it is the one who broke the rules. */
	connection_bye(c, bye_for(err->code), err->code == QV_E_PROTOCOL ? err->message : NULL, QV_CALL_FAILED);
}

static int peer_bye(struct connection *c, const struct qv_record *record, struct qv_error *err)
{
	struct qv_reason reason;
	if (qv_reason_decode(record->payload, record->size, &reason, err) != 0)
		return -1;
	c->peer_said_bye = true;
	c->peer_bye = reason;
	if (c->phase == PHASE_GREETING) {
		begin_closing(c, QV_CALL_FAILED);
		return qv_fail(&c->failure, QV_E_END, "the peer gave up before the call began%s%s",
			       reason.text[0] ? ": " : "", reason.text);
	}
	if (c->phase == PHASE_OPEN) {
		c->class->second(c->side, true);
		begin_closing(c, QV_CALL_PEER_BYE);
	}
	return 0;
}

static int answer_ping(struct connection *c, const struct qv_record *record, struct qv_error *err)
{
	struct qv_pong pong = { .received_ns = now_ns() };
	uint8_t payload[QV_PONG_SIZE];
	if (qv_ping_decode(record->payload, record->size, &pong.ping, err) != 0)
		return -1;
	pong.sent_ns = now_ns();
	qv_pong_encode(&pong, payload);
	connection_send(c, QV_RECORD_PONG, payload, sizeof payload);
	return 0;
}

static int take_pong(struct connection *c, const struct qv_record *record, struct qv_error *err)
{
	struct qv_pong pong;
	if (qv_pong_decode(record->payload, record->size, &pong, err) != 0)
		return -1;
	clock_offset_answer(&c->clocks, &pong, now_ns());
	return 0;
}

/* As long as the peer says so somebody is being asked; we have our own idea of how long that may go on. */
static int peer_rings(struct connection *c, const struct qv_record *record, struct qv_error *err)
{
	int64_t last = c->began_ns + c->limits.ring_timeout_ms * QV_NS_PER_MS;
	int64_t silent = now_ns() + c->limits.hello_timeout_ms * QV_NS_PER_MS;
	c->greet_by_ns = silent < last ? silent : last;
	return c->class->record(c->side, record, err);
}

static int dispatch(struct connection *c, const struct qv_record *record, struct qv_error *err)
{
	bool known = (record->type >= QV_RECORD_HELLO && record->type <= QV_RECORD_SWITCH) ||
		     record->type == QV_RECORD_TRANSPORT || record->type == QV_RECORD_ROSTER ||
		     record->type == QV_RECORD_PAD;
	bool greets =
		record->type <= QV_RECORD_REFUSE || record->type == QV_RECORD_BYE || record->type == QV_RECORD_RINGING;
	if (!known)
		return record->flags & QV_RECORD_IGNORABLE
			       ? 0
			       : qv_fail(err, QV_E_PROTOCOL, "the peer sent a record of type %u, unknown here",
					 record->type);
	if (c->phase == PHASE_CLOSING) {
		/* The peer may have sent this before it read our BYE; only its last words still matter. */
		if (record->type == QV_RECORD_BYE)
			return peer_bye(c, record, err);
		if (record->type == QV_RECORD_SWITCH)
			return connection_peer_switches(c, err);
		return record->type == QV_RECORD_STATS ? c->class->record(c->side, record, err) : 0;
	}
	if (greets != (c->phase == PHASE_GREETING) && record->type != QV_RECORD_BYE)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent a record of type %u %s the greeting", record->type,
			       greets ? "after" : "before");
	switch (record->type) {
	case QV_RECORD_PING:
		return answer_ping(c, record, err);
	case QV_RECORD_PONG:
		return take_pong(c, record, err);
	case QV_RECORD_BYE:
		return peer_bye(c, record, err);
	case QV_RECORD_RINGING:
		return peer_rings(c, record, err);
	case QV_RECORD_SWITCH:
		return connection_peer_switches(c, err);
	default:
		return c->class->record(c->side, record, err);
	}
}

/* The peer's half of the session is over, or broken. */
static int stream_ended(struct connection *c, struct qv_error *err)
{
	bool regular = err->code == QV_E_END;
	c->input_ended = true;
	if (c->phase == PHASE_CLOSING) {
		if (!regular)
			c->done = true;
		return 0;
	}
	c->broken = true;
	c->peer_closed = regular;
	if (regular)
		return qv_fail(err, QV_E_TRUNCATED, "the peer closed the session %s",
			       c->phase == PHASE_OPEN ? "without saying BYE" : "before the call began");
	return qv_error_prefix(err, "the call");
}

static int take_records(struct connection *c, struct qv_error *err)
{
	struct qv_record record;
	int found;
	if (c->deaf)
		c->wire.in_start = c->wire.in_end;
	while ((found = wire_next(&c->wire, &record, err)) == 1)
		if (dispatch(c, &record, err) != 0)
			return -1;
	return found;
}

static int receive(struct connection *c, struct qv_error *err)
{
	/* What was read before the call began. */
	if (take_records(c, err) != 0)
		return -1;
	for (int reads = 0; reads < READS_MAX && !c->input_ended; reads++) {
		int got = wire_read(&c->wire, &c->read_wants_write, err);
		if (got < 0)
			return stream_ended(c, err);
		if (got == 0)
			return 0;
		c->heard_ns = now_ns();
		if (take_records(c, err) != 0)
			return -1;
	}
	return 0;
}

static bool next_control(struct connection *c)
{
	if (c->control_count == 0)
		return false;
	const struct control *control = &c->control[c->control_first];
	memcpy(wire_payload(&c->wire), control->payload, control->size);
	wire_put(&c->wire, control->type, control->flags, 0, control->size);
	c->control_first = (c->control_first + 1) % CONTROL_SLOTS;
	c->control_count--;
	return true;
}

/* A side that has nothing more to send may answer by saying BYE. */
static bool next_record(struct connection *c)
{
	if (next_control(c))
		return true;
	return c->phase == PHASE_OPEN && c->class->fill && (c->class->fill(c->side) || next_control(c));
}

/* After the last record: close_notify. */
static int close_session(struct connection *c, struct qv_error *err)
{
	if (!c->shutdown_sent) {
		int io = c->wire.out_link.tls->shutdown(c->wire.out_link.session, err);
		if (io < 0) {
			c->broken = true;
			return -1;
		}
		c->want_write = io == QV_TLS_IO_WANT_WRITE;
		c->shutdown_sent = io == QV_TLS_IO_DONE;
	}
	if (c->shutdown_sent && c->input_ended)
		c->done = true;
	return 0;
}

static int transmit(struct connection *c, struct qv_error *err)
{
	c->want_write = false;
	while (!c->shutdown_sent) {
		if (wire_idle(&c->wire)) {
			int went = connection_go_over(c, err);
			if (went < 0) {
				c->broken = true;
				return -1;
			}
			if (went == 0)
				return 0;
			if (wire_idle(&c->wire) && !next_record(c))
				break;
		}
		uint64_t before = c->wire.bytes_out;
		int io = wire_flush(&c->wire, err);
		if (c->wire.bytes_out != before)
			c->moved_ns = now_ns();
		if (io < 0) {
			c->broken = true;
			return -1;
		}
		if (io != QV_TLS_IO_DONE) {
			c->want_write = io == QV_TLS_IO_WANT_WRITE;
			return 0;
		}
	}
	c->moved_ns = now_ns();
	return c->phase == PHASE_CLOSING ? close_session(c, err) : 0;
}

/* Writing failed: the peer may have said why before it went. */
static void last_words(struct connection *c, struct qv_error *err)
{
	struct qv_error reading = QV_ERROR_INIT;
	c->broken = false;
	if (c->phase != PHASE_CLOSING && receive(c, &reading) == 0 && c->phase == PHASE_CLOSING) {
		c->done = true;
		return;
	}
	c->broken = true;
	qv_error_prefix(err, "sending to the peer");
	give_up(c, err);
}

static void wait_for_events(struct connection *c, bool *woken, bool *cancelled)
{
	const struct qv_link *in = &c->wire.in_link, *out = &c->wire.out_link;
	bool lost = c->phase == PHASE_LOST; /* and with it both links */
	bool data = !lost && !c->input_ended && in->tls->pending(in->session);
	int64_t left = data ? 0 : connection_deadline(c) - now_ns();
	struct timespec wait = { .tv_sec = (time_t)(left / QV_NS_PER_SECOND),
				 .tv_nsec = (long)(left % QV_NS_PER_SECOND) };
	short write_events = c->want_write ? POLLOUT : 0;
	struct pollfd fds[5 + OLD_LINKS] = {
		{ .fd = c->wake_fd, .events = POLLIN },
		{ .fd = c->phase == PHASE_CLOSING ? -1 : c->host->cancel_fd, .events = POLLIN },
		{ .fd = in->fd,
		  .events = (short)((c->input_ended ? 0 : POLLIN) | (c->read_wants_write ? POLLOUT : 0)) },
		{ .fd = out->fd == in->fd ? -1 : out->fd, .events = write_events },
		{ .fd = c->phase == PHASE_OPEN || lost ? c->udp_fd : -1, .events = POLLIN },
	};
	if (out->fd == in->fd)
		fds[2].events |= write_events;
	for (int i = 2; i < 4; i++)
		if (fds[i].events == 0)
			fds[i].fd = -1;
	for (size_t i = 0; i < c->old_count; i++)
		fds[5 + i] = (struct pollfd){ .fd = c->old[i].link.fd, .events = POLLIN };
	if (left < 0)
		wait = (struct timespec){ 0 };
	(void)ppoll(fds, 5 + c->old_count, &wait, NULL); /* EINTR: the loop goes round */
	*woken = fds[0].revents != 0;
	*cancelled = fds[1].revents != 0;
}

static void step(struct connection *c, bool woken, bool cancelled)
{
	struct qv_error err = QV_ERROR_INIT;
	if (cancelled)
		connection_bye(c, QV_BYE_STOPPED, NULL, QV_CALL_CANCELLED);
	if (!c->done && c->phase != PHASE_LOST && receive(c, &err) != 0)
		give_up(c, &err);
	if (c->look_ns && now_ns() >= c->look_ns) {
		c->look_ns = 0;
		woken = true;
	}
	if (woken) {
		uint64_t count;
		ssize_t got = read(c->wake_fd, &count, sizeof count);
		(void)got;
		if (c->phase != PHASE_CLOSING && c->class->woken(c->side, &err) != 0)
			give_up(c, &err);
	}
	if (connection_run_timers(c, now_ns(), &err) != 0)
		give_up(c, &err);
	connection_read_old(c, now_ns());
	if ((c->phase == PHASE_OPEN || c->phase == PHASE_LOST) && c->udp_fd >= 0)
		c->udp_due_ns = c->class->datagrams(c->side, now_ns());
	if (!c->broken && !c->done && c->phase != PHASE_LOST && transmit(c, &err) != 0)
		last_words(c, &err);
}

int connection_run(struct connection *c, const struct side_class *class, struct side *side, struct qv_error *err)
{
	c->class = class;
	c->side = side;
	c->began_ns = c->heard_ns = c->moved_ns = now_ns();
	c->greet_by_ns = c->began_ns + c->limits.hello_timeout_ms * QV_NS_PER_MS;
	for (bool woken = false, cancelled = false;;) {
		step(c, woken, cancelled);
		if (c->done)
			break;
		wait_for_events(c, &woken, &cancelled);
	}
	connection_drop_old(c);
	if (c->failure.code == QV_OK)
		return 0;
	if (err)
		*err = c->failure;
	return -1;
}

int64_t connection_local_time(const struct connection *c, int64_t peer_ns)
{
	int64_t offset, rtt;
	return clock_offset_best(&c->clocks, &offset, &rtt) ? peer_ns - offset : -1;
}

double connection_rtt_ms(const struct connection *c)
{
	int64_t offset, rtt;
	return clock_offset_best(&c->clocks, &offset, &rtt) ? (double)rtt / 1e6 : -1;
}
