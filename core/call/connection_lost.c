/* SPDX-License-Identifier: Apache-2.0 */
#include "connection_lost.h"

#include "connection_switch.h"

static void release(struct connection *c, struct qv_link *link)
{
	if (link->session)
		c->class->release(c->side, link);
	*link = (struct qv_link){ .fd = -1 };
}

/* What was half sent or half received has no end any more; nor has a session that the call was about to go over to. */
static void drop_session(struct connection *c)
{
	struct wire *wire = &c->wire;
	connection_drop_old(c);
	if (c->has_next)
		release(c, &c->next);
	release(c, &c->link);
	wire->in_link = wire->out_link = c->link;
	wire->in_start = wire->in_end = wire->out_at = wire->out_size = 0;
	c->has_next = c->in_switched = c->out_switched = false;
	c->switching = SWITCH_NONE;
	c->control_count = 0;
	c->want_write = c->read_wants_write = c->shutdown_sent = c->input_ended = c->broken = c->silent = false;
}

bool connection_abandon(struct connection *c, const struct qv_error *why)
{
	if (c->phase != PHASE_OPEN || c->deaf || !c->class->lost)
		return false;
	int wait_ms = c->class->lost(c->side, why);
	if (wait_ms <= 0)
		return false;
	drop_session(c);
	c->phase = PHASE_LOST;
	c->lost_why = *why;
	c->lost_ns = qv_clock_now(&qv_clock_monotonic);
	c->lost_by_ns = c->lost_ns + wait_ms * QV_NS_PER_MS;
	connection_wake(c);
	return true;
}

bool connection_lose(struct connection *c, const struct qv_error *why)
{
	return ((c->broken && !c->peer_closed) || c->silent) && connection_abandon(c, why);
}

void connection_resume(struct connection *c, const struct qv_link *link)
{
	c->link = c->wire.in_link = c->wire.out_link = *link;
	c->phase = PHASE_OPEN;
	c->heard_ns = c->moved_ns = c->next_ping_ns = qv_clock_now(&qv_clock_monotonic);
	connection_tune_socket(link->fd);
}

int connection_check_lost(const struct connection *c, int64_t now, struct qv_error *err)
{
	if (now < c->lost_by_ns)
		return 0;
	return qv_fail(err, c->lost_why.code, "%s; and the peer was not found again within %lld ms",
		       c->lost_why.message, (long long)((c->lost_by_ns - c->lost_ns) / QV_NS_PER_MS));
}
