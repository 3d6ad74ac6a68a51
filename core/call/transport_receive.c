/* SPDX-License-Identifier: Apache-2.0 */
/* From the network to the halves of the call. Whatever is not authentic changes nothing. */
#include "transport.h"

#define BATCHES_MAX 8 /* before others get their turn */

static void deliver(struct transport *transport, enum qv_stream_kind kind)
{
	struct rtp_in *in = &transport->in[kind];
	in->unit.captured_ns = connection_local_time(transport->media->connection, in->unit.unit.capture_ns);
	incoming_unit(transport->incoming, kind, &in->unit);
}

static void drain(struct transport *transport, enum qv_stream_kind kind, int64_t now)
{
	while (rtp_in_next(&transport->in[kind], now))
		deliver(transport, kind);
}

static void take_rtp(struct transport *transport, const uint8_t *bytes, size_t size, int64_t now)
{
	struct qv_rtp packet, original;
	if (qv_rtp_read(&packet, bytes, size, &unit_extensions, NULL) != 0)
		return;
	if (packet.has_transport) {
		qv_rtp_arrivals_note(transport->arrivals, packet.transport, now);
		if (transport->feedback_ns == 0)
			transport->feedback_ns = now;
	}
	for (int kind = QV_STREAM_VIDEO; kind <= QV_STREAM_AUDIO; kind++) {
		struct rtp_in *in = &transport->in[kind];
		if (transport->receives[kind] && packet.ssrc == in->stream.repair_ssrc &&
		    packet.type == RTP_TYPE_REPAIR) {
			rtp_in_repair(in, &packet, now);
			drain(transport, (enum qv_stream_kind)kind, now);
			return;
		}
		bool again = packet.ssrc == in->stream.again_ssrc;
		if (!transport->receives[kind] || (packet.ssrc != in->stream.ssrc && !again))
			continue;
		if (again && (packet.type != RTP_TYPE_AGAIN || qv_rtp_original(&packet, &original, NULL) != 0))
			return;
		if (again)
			packet = original;
		else if (packet.type != in->stream.type)
			return;
		packet.ssrc = in->stream.ssrc;
		if (rtp_in_put(in, &packet, again, now))
			deliver(transport, (enum qv_stream_kind)kind);
		drain(transport, (enum qv_stream_kind)kind, now);
		return;
	}
}

static void take(struct transport *transport, struct udp_datagram *datagram, int64_t now)
{
	uint32_t generation;
	size_t size = datagram->size;
	bool rtcp = qv_rtp_is_rtcp(datagram->bytes, size);
	if (size == 0)
		return;
	int authentic =
		rtcp ? transport->class->unprotect_rtcp(transport->srtp, datagram->bytes, &size, &generation, NULL)
		     : transport->class->unprotect(transport->srtp, datagram->bytes, &size, &generation, NULL);
	if (authentic != 1)
		return;
	if (udp_latch(&transport->udp, datagram))
		qv_log_info(transport->media->host->log, "the peer's media come from another address now");
	if (rtcp)
		transport_take_rtcp(transport, datagram->bytes, size, now);
	else
		take_rtp(transport, datagram->bytes, size, now);
}

void transport_receive(struct transport *transport, int64_t now)
{
	for (int batch = 0; batch < BATCHES_MAX; batch++) {
		int got = udp_receive(&transport->udp);
		for (int i = 0; i < got; i++)
			take(transport, &transport->udp.in[i], now);
		if (got < UDP_BATCH)
			break;
	}
	for (int kind = QV_STREAM_VIDEO; kind <= QV_STREAM_AUDIO; kind++)
		if (transport->receives[kind])
			drain(transport, (enum qv_stream_kind)kind, now);
}
