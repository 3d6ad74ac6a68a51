/* SPDX-License-Identifier: Apache-2.0 */
/* Over what the media go: UDP where it passes, else the session; and what is told of it. */
#include <stdio.h>

#include "side.h"

#define REFRESH_NS (300 * QV_NS_PER_MS) /* between two requests for a picture */
#define REPAIR_NS  (500 * QV_NS_PER_MS) /* after which a repair has not come, and a key picture is asked for */

static void open_way(struct side *side, uint16_t port, bool repairs)
{
	struct connection *c = side->media.connection;
	struct qv_error why = QV_ERROR_INIT;
	side->way_known = !side->transport || port == 0;
	if (!side->transport)
		return;
	side->transport->repairs = repairs;
	if (port != 0 && transport_start(side->transport, &c->link, port, side->out, side->in, &why) == 0) {
		c->udp_fd = side->transport->udp.fd;
		return;
	}
	if (port != 0)
		qv_log_warning(side->media.host->log, "media go in the session, not over UDP: %s", why.message);
	transport_free(side->transport);
	side->transport = NULL;
	side->way_known = true;
}

void ways_start(struct side *side, uint16_t port, bool repairs)
{
	open_way(side, port, repairs);
	if (!side->transport || !side->transport->held_until)
		atomic_store(&side->control->switches.held, false);
}

static void tell_peer(struct side *side, const char *text)
{
	struct qv_transport_state state = { .transport = side->way };
	uint8_t payload[1 + QV_REASON_TEXT_MAX];
	snprintf(state.text, sizeof state.text, "%s", text);
	int size = qv_transport_encode(&state, payload, sizeof payload, NULL);
	if (size > 0)
		connection_send_new(side->media.connection, QV_RECORD_TRANSPORT, payload, (size_t)size);
}

/* Both ends learn in words what has become of the media. */
static void tell_way(struct side *side, enum qv_transport way)
{
	const char *text = way == QV_TRANSPORT_SRTP         ? "UDP passes both ways: media go over SRTP"
			   : side->way == QV_TRANSPORT_SRTP ? "UDP does not pass any more: media go in the TLS session"
							    : "UDP does not pass: media go in the TLS session";
	side->way = way;
	side->way_known = true;
	tell_peer(side, text);
	if (way == QV_TRANSPORT_SRTP)
		qv_log_info(side->media.host->log, "%s", text);
	else
		qv_log_warning(side->media.host->log, "%s", text);
	struct qv_call_event event = { .happening = QV_CALL_TRANSPORT, .transport = way, .text = text };
	side_tell(side, &event);
	rekeying_show(side);
}

/* Keys that are older than those of the session are not gone on with. */
static void stop(struct side *side, const struct qv_error *why)
{
	qv_log_warning(side->media.host->log, "media go in the session, as UDP has no new keys: %s", why->message);
	transport_bye(side->transport);
	transport_stop(side->transport);
	side->media.connection->udp_fd = -1;
	if (side->way == QV_TRANSPORT_SRTP)
		tell_way(side, QV_TRANSPORT_STREAM);
}

void ways_add_keys(struct side *side, const struct qv_link *link)
{
	struct qv_error why = QV_ERROR_INIT;
	if (side->transport && side->transport->running && transport_add_keys(side->transport, link, &why) != 0)
		stop(side, &why);
}

void ways_use_keys(struct side *side)
{
	if (side->transport && side->transport->running)
		transport_use_keys(side->transport, qv_clock_now(&qv_clock_monotonic));
}

uint32_t ways_generation(const struct side *side)
{
	return side->transport && side->transport->running ? side->transport->generation : 0;
}

void ways_resume(struct side *side, const struct qv_link *link, uint32_t generation)
{
	struct transport *transport = side->transport;
	struct qv_error why = QV_ERROR_INIT;
	if (!transport || !transport->running)
		return;
	if (transport_resume(transport, link, generation, &why) != 0) {
		stop(side, &why);
		return;
	}
	side->media.connection->udp_fd = transport->udp.fd;
	if (side->way_known)
		tell_peer(side, "the connection is back");
}

/* An encoder that learns what is lost repairs it with what the peer has; one that does not, within a time, makes a key. */
static bool await_repair(struct side *side, int64_t now)
{
	if (side->repair_ns == 0 || now - side->refresh_ns > REPAIR_NS)
		side->repair_ns = now;
	return now - side->repair_ns < REPAIR_NS;
}

void ways_ask_for_key(struct side *side)
{
	struct connection *c = side->media.connection;
	int64_t now = qv_clock_now(&qv_clock_monotonic);
	uint8_t payload[QV_REFRESH_SIZE];
	if (!side->in || !side->in->has_video || c->phase != PHASE_OPEN || now < side->refresh_ns)
		return;
	int need = atomic_exchange(&side->board.need, QV_NEED_NOTHING);
	if (need == QV_NEED_NOTHING)
		return;
	bool datagrams = transport_up(side->transport) && side->transport->receives[QV_STREAM_VIDEO];
	qv_refresh_encode(side->in->video_format.stream, payload);
	if (datagrams && need == QV_NEED_REPAIR && await_repair(side, now))
		transport_tell_fates(side->transport);
	else if (datagrams)
		transport_ask_key(side->transport);
	else
		connection_send_new(c, QV_RECORD_REFRESH, payload, sizeof payload);
	side->refresh_ns = now + REFRESH_NS;
}

int64_t ways_datagrams(struct side *side, int64_t now)
{
	struct connection *c = side->media.connection;
	struct transport *transport = side->transport;
	enum path_change change = transport_step(transport, now);
	c->udp_bytes_in = transport->udp.bytes_in;
	c->udp_bytes_out = transport->udp.bytes_out;
	ways_ask_for_key(side);
	if (change != PATH_SAME)
		tell_way(side, change == PATH_UP ? QV_TRANSPORT_SRTP : QV_TRANSPORT_STREAM);
	return transport_due(transport, now);
}

void ways_last(struct side *side)
{
	if (side->transport && side->transport->running)
		transport_hurry(side->transport, qv_clock_now(&qv_clock_monotonic));
}

void ways_totals(const struct side *side, struct qv_call_totals *totals)
{
	for (int kind = 0; side->transport && kind < TRANSPORT_KINDS; kind++) {
		totals->rebuilt += side->transport->in[kind].rebuilt;
		totals->resent += side->transport->in[kind].resent;
	}
}

void ways_stats(const struct side *side, struct qv_call_stats *stats)
{
	struct qv_rtp_congestion_state state;
	stats->transport = side->way;
	stats->peer_transport = side->peer_way;
	if (!transport_up(side->transport))
		return;
	qv_rtp_congestion_state(side->transport->congestion, &state);
	stats->rate_target = state.target;
	stats->loss = state.loss;
	stats->redundancy = redundancy_part(&side->transport->out[QV_STREAM_VIDEO].redundancy);
}

int ways_take(struct side *side, const struct qv_record *record, struct qv_error *err)
{
	struct qv_transport_state state;
	if (qv_transport_decode(record->payload, record->size, &state, err) != 0)
		return -1;
	side->peer_way = state.transport;
	struct qv_call_event event = {
		.happening = QV_CALL_TRANSPORT, .of_peer = true, .transport = state.transport, .text = state.text
	};
	side_tell(side, &event);
	return 0;
}
