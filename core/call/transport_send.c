/* SPDX-License-Identifier: Apache-2.0 */
/* From the outbox by way of the pacer to the network. */
#include "transport.h"

#include <string.h>

#include "control.h"
#include "otp.h"

#define TRANSPORT_AT 17 /* where the transport-wide number stands in a packet that unit_extensions were written to */
#define QUEUE_MS     10 /* of pictures that may wait in the pacer when the next one joins them */

static void emit(struct transport *transport, const uint8_t *bytes, size_t size, int64_t now)
{
	struct udp_datagram *datagram = udp_next(&transport->udp);
	struct qv_error why = QV_ERROR_INIT;
	memcpy(datagram->bytes, bytes, size);
	datagram->bytes[TRANSPORT_AT] = (uint8_t)(transport->number >> 8);
	datagram->bytes[TRANSPORT_AT + 1] = (uint8_t)transport->number;
	datagram->size = size;
	if (transport->class->protect(transport->srtp, datagram->bytes, &datagram->size, &why) != 0) {
		datagram->size = 0; /* nothing leaves unprotected */
		if (!transport->warned)
			qv_log_warning(transport->media->host->log, "a packet could not be protected: %s", why.message);
		transport->warned = true;
		return;
	}
	qv_rtp_congestion_sent(transport->congestion, transport->number, datagram->size + TRANSPORT_HEADERS, now);
	transport->number++;
	transport->sent_ns = now;
}

/* One that cannot go as RTP takes the stream, and so do all that follow. */
static void give_back(struct transport *transport, enum qv_stream_kind kind, const struct qv_error *why)
{
	struct outgoing *out = transport->outgoing;
	struct flight *flight = kind == QV_STREAM_VIDEO ? &out->picture : &out->sound;
	qv_log_warning(transport->media->host->log, "%s goes in the session, as it cannot go over UDP: %s",
		       kind == QV_STREAM_VIDEO ? "video" : "sound", why->message);
	transport->sends[kind] = false;
	*(kind == QV_STREAM_VIDEO ? &out->video_elsewhere : &out->audio_elsewhere) = false;
	connection_wake(transport->media->connection);
	if (kind == QV_STREAM_AUDIO && !otp_seal(transport->media->otp, &transport->held)) {
		ledger_add(out->media.ledger, &out->media.ledger->totals.audio.dropped_outbox, 1);
		return;
	}
	unit_buffer_swap(&transport->held, &flight->buffer);
	flight->at = 0;
	flight->active = true;
}

/* Without a pad it does not go out at all. */
static void leave_out(struct transport *transport)
{
	struct ledger *ledger = transport->outgoing->media.ledger;
	ledger_add(ledger, &ledger->totals.audio.dropped_outbox, 1);
	otp_note_starved(transport->media->otp);
}

static void send_held(struct transport *transport, enum qv_stream_kind kind, int64_t now)
{
	struct outgoing *out = transport->outgoing;
	struct qv_error why = QV_ERROR_INIT;
	outgoing_leaves(out, kind, &transport->held, now);
	if (rtp_out_unit(&transport->out[kind], &transport->held, transport->pacer, now, &why) == 0)
		outgoing_left(out, kind, transport->held.size, now);
	else if (why.code == QV_E_NO_KEY)
		leave_out(transport);
	else if (why.code == QV_E_BUSY || why.code == QV_E_NOMEM)
		atomic_fetch_add(&transport->media->control->switches.refresh, 1);
	else
		give_back(transport, kind, &why);
}

static bool has_room(const struct transport *transport)
{
	struct qv_rtp_congestion_state state;
	qv_rtp_congestion_state(transport->congestion, &state);
	return (int64_t)qv_rtp_pacer_bytes(transport->pacer) * 8 <= state.pace * QUEUE_MS / 1000;
}

/* What the pacer would let go until then. */
static void empty_pacer(struct transport *transport, int64_t until, int64_t now)
{
	uint8_t bytes[QV_RTP_PACKET_MAX];
	enum qv_rtp_class class;
	size_t size;
	while (qv_rtp_pacer_next(transport->pacer, until, bytes, &size, &class))
		emit(transport, bytes, size, now);
}

/* Of no meaning to the peer but by when they arrive: padding in the stream of what is sent again. */
static void emit_filler(struct transport *transport, int64_t now)
{
	struct rtp_out *out = &transport->out[QV_STREAM_VIDEO];
	uint8_t bytes[QV_RTP_PACKET_MAX];
	while (qv_rtp_pacer_wants_filler(transport->pacer, now)) {
		size_t size = rtp_out_filler(out, bytes);
		emit(transport, bytes, size, now);
		qv_rtp_pacer_filled(transport->pacer, size, now);
	}
}

static void probe_rate(struct transport *transport, int64_t now)
{
	const struct share_wish *wish = &transport->outgoing->picture_wish;
	struct qv_rtp_probe probe;
	if (!wish->present || !wish->adaptive || !transport->path.up || !transport->sends[QV_STREAM_VIDEO])
		return;
	if (qv_rtp_congestion_probe(transport->congestion, &probe, now))
		qv_rtp_pacer_probe(transport->pacer, probe.rate, probe.bytes, now);
	emit_filler(transport, now);
}

void transport_hurry(struct transport *transport, int64_t now)
{
	transport_receive(transport, now);
	qv_rtp_pacer_set_rate(transport->pacer, INT64_C(1) << 40);
	empty_pacer(transport, INT64_MAX / 2, now);
	udp_flush(&transport->udp);
}

void transport_send(struct transport *transport, int64_t now)
{
	struct qv_rtp_congestion_state state;
	struct outgoing *out = transport->outgoing;
	if (!out)
		return;
	qv_rtp_congestion_state(transport->congestion, &state);
	qv_rtp_pacer_set_rate(transport->pacer, state.pace);
	while (out->audio_elsewhere && outbox_take_audio(out->outbox, &transport->held))
		send_held(transport, QV_STREAM_AUDIO, now);
	while (out->video_elsewhere && has_room(transport) && outbox_take_video(out->outbox, &transport->held))
		send_held(transport, QV_STREAM_VIDEO, now);
	empty_pacer(transport, now, now);
	probe_rate(transport, now);
}
