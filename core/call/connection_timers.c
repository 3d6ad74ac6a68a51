/* SPDX-License-Identifier: Apache-2.0 */
#include "connection_timers.h"

#include "connection_lost.h"

/* The first pings follow each other quickly, so that the clock offset is known with the first pictures. */
#define QUICK_PINGS       4
#define QUICK_INTERVAL_NS (25 * QV_NS_PER_MS)

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t silence_deadline(const struct connection *c)
{
	return sooner(c->heard_ns, c->moved_ns) + c->silence_ms * QV_NS_PER_MS;
}

int64_t connection_deadline(const struct connection *c)
{
	switch (c->phase) {
	case PHASE_GREETING:
		return c->next_ring_ns ? sooner(c->greet_by_ns, c->next_ring_ns) : c->greet_by_ns;
	case PHASE_OPEN:
		return sooner(sooner(c->look_ns ? c->look_ns : INT64_MAX, c->udp_fd >= 0 ? c->udp_due_ns : INT64_MAX),
			      sooner(silence_deadline(c), sooner(c->next_ping_ns, c->next_second_ns)));
	case PHASE_LOST:
		return sooner(sooner(c->look_ns ? c->look_ns : INT64_MAX, c->udp_fd >= 0 ? c->udp_due_ns : INT64_MAX),
			      sooner(c->lost_by_ns, c->next_second_ns));
	case PHASE_CLOSING:
		break;
	}
	return c->close_by_ns;
}

static void ping(struct connection *c, int64_t now)
{
	uint8_t payload[QV_PING_SIZE];
	/* Only one that goes out is noted, so that an answer can be expected for each. */
	if (c->control_count < CONTROL_SLOTS - CONTROL_SPARE) {
		struct qv_ping asked = clock_offset_ask(&c->clocks, now);
		qv_ping_encode(&asked, payload);
		connection_send(c, QV_RECORD_PING, payload, sizeof payload);
	}
	c->next_ping_ns = now + (++c->pings <= QUICK_PINGS ? QUICK_INTERVAL_NS : QV_NS_PER_SECOND);
}

static int check_silence(struct connection *c, int64_t now, struct qv_error *err)
{
	if (now < silence_deadline(c))
		return 0;
	c->silent = true;
	if (c->heard_ns <= c->moved_ns)
		return qv_fail(err, QV_E_TIMEOUT, "nothing came from the peer for %d ms", c->silence_ms);
	return qv_fail(err, QV_E_TIMEOUT, "the peer took nothing for %d ms", c->silence_ms);
}

int connection_run_timers(struct connection *c, int64_t now, struct qv_error *err)
{
	if (c->phase == PHASE_GREETING && now >= c->greet_by_ns)
		return c->peer_minor
			       ? qv_fail(err, QV_E_TIMEOUT, "nobody answered within %d ms", c->limits.ring_timeout_ms)
			       : qv_fail(err, QV_E_TIMEOUT, "the peer did not greet within %d ms",
					 c->limits.hello_timeout_ms);
	if (c->phase == PHASE_GREETING && c->next_ring_ns && now >= c->next_ring_ns) {
		connection_send_new(c, QV_RECORD_RINGING, NULL, 0);
		c->next_ring_ns = now + QV_NS_PER_SECOND;
	}
	if (c->phase == PHASE_CLOSING && now >= c->close_by_ns)
		c->done = true;
	if (c->phase != PHASE_OPEN && c->phase != PHASE_LOST)
		return 0;
	if (c->phase == PHASE_OPEN && now >= c->next_ping_ns)
		ping(c, now);
	if (now >= c->next_second_ns) {
		c->next_second_ns += QV_NS_PER_SECOND;
		if (c->next_second_ns < now) /* the machine slept: no burst of late reports */
			c->next_second_ns = now + QV_NS_PER_SECOND;
		c->class->second(c->side, false);
	}
	return c->phase == PHASE_LOST ? connection_check_lost(c, now, err) : check_silence(c, now, err);
}
