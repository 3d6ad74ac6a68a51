/* SPDX-License-Identifier: Apache-2.0 */
#include "connection_switch.h"

#include <string.h>

/* A peer may take so long to end a session that it has gone over from. */
#define OLD_LINK_MS 5000

static void release_old(struct connection *c, size_t index)
{
	c->class->release(c->side, &c->old[index].link);
	memmove(&c->old[index], &c->old[index + 1], (--c->old_count - index) * sizeof c->old[0]);
}

/* Both directions are in the new session. */
static int finish(struct connection *c, struct qv_error *err)
{
	if (!c->in_switched || !c->out_switched)
		return 0;
	if (c->old_count == OLD_LINKS)
		release_old(c, 0);
	c->old[c->old_count++] = (struct old_link){
		.link = c->link,
		.close_by_ns = qv_clock_now(&qv_clock_monotonic) + OLD_LINK_MS * QV_NS_PER_MS,
	};
	c->link = c->next;
	c->has_next = c->in_switched = c->out_switched = false;
	return c->class->switched(c->side, err);
}

bool connection_switch(struct connection *c, const struct qv_link *next)
{
	if (c->has_next || c->phase != PHASE_OPEN)
		return false;
	c->next = *next;
	c->has_next = true;
	c->switching = SWITCH_DUE;
	return true;
}

int connection_peer_switches(struct connection *c, struct qv_error *err)
{
	if (!c->has_next)
		c->has_next = c->class->next_link && c->class->next_link(c->side, &c->next);
	if (!c->has_next || c->in_switched)
		return qv_fail(err, QV_E_PROTOCOL, "the peer goes over to a session that there is not");
	if (c->wire.in_start != c->wire.in_end)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent more after it went over to another session");
	c->wire.in_link = c->next;
	c->in_switched = true;
	if (!c->out_switched && c->switching == SWITCH_NONE && c->phase == PHASE_OPEN)
		c->switching = SWITCH_DUE;
	return finish(c, err);
}

int connection_go_over(struct connection *c, struct qv_error *err)
{
	if (c->switching == SWITCH_DUE && c->phase == PHASE_OPEN) {
		wire_put(&c->wire, QV_RECORD_SWITCH, 0, 0, 0);
		c->switching = SWITCH_WRITING;
		return 1;
	}
	if (c->switching != SWITCH_WRITING)
		return 1;
	int io = c->wire.out_link.tls->shutdown(c->wire.out_link.session, err);
	if (io < 0)
		return -1;
	if (io != QV_TLS_IO_DONE) {
		c->want_write = io == QV_TLS_IO_WANT_WRITE;
		return 0;
	}
	c->wire.out_link = c->next;
	c->switching = SWITCH_NONE;
	c->out_switched = true;
	connection_tune_socket(c->next.fd);
	return finish(c, err) == 0 ? 1 : -1;
}

/* True: nothing more will come. What a peer sends there after SWITCH is of no interest. */
static bool at_end(const struct qv_link *link)
{
	uint8_t bytes[1024];
	size_t got;
	for (int reads = 0; reads < 16; reads++) {
		int io = link->tls->read(link->session, bytes, sizeof bytes, &got, NULL);
		if (io != QV_TLS_IO_DONE)
			return io < 0;
	}
	return false;
}

void connection_read_old(struct connection *c, int64_t now)
{
	for (size_t i = c->old_count; i-- > 0;)
		if (now >= c->old[i].close_by_ns || at_end(&c->old[i].link))
			release_old(c, i);
}

void connection_drop_old(struct connection *c)
{
	while (c->old_count > 0)
		release_old(c, c->old_count - 1);
}
