/* SPDX-License-Identifier: Apache-2.0 */
/* RTCP of a call: probes that are reports too, feedback, and what is asked for. */
#include "transport.h"

#include <string.h>

#include "board.h"
#include "control.h"

#define FEEDBACK_NS    (50 * QV_NS_PER_MS)
#define PEER_SILENT_NS (2 * QV_NS_PER_SECOND)
#define RTT_UNKNOWN_NS (100 * QV_NS_PER_MS)
#define LOSSY          0.05 /* from this share lost on, what is sent again is sent twice, unless packets queue */
#define QUEUE_SMALL_NS (15 * QV_NS_PER_MS)
#define RTCP_ROOM      (RTP_DATAGRAM_MAX - QV_SRTP_OVERHEAD)

static int64_t rtt(const struct transport *transport)
{
	return transport->path.rtt_ns ? transport->path.rtt_ns : RTT_UNKNOWN_NS;
}

void transport_put_rtcp(struct transport *transport, const uint8_t *bytes, size_t size)
{
	if (size == 0)
		return;
	struct udp_datagram *datagram = udp_next(&transport->udp);
	memcpy(datagram->bytes, bytes, size);
	datagram->size = size;
	if (transport->class->protect_rtcp(transport->srtp, datagram->bytes, &datagram->size, NULL) != 0)
		datagram->size = 0;
}

/* What came of the peer, its probes first: by this block it knows that they pass. */
static void fill_blocks(struct transport *transport, int64_t now, struct qv_rtcp *report)
{
	if (transport->peer_ntp_at && now - transport->peer_ntp_at < PEER_SILENT_NS)
		report->reports[report->report_count++] = (struct qv_rtcp_report){
			.ssrc = RTP_SSRC_SESSION,
			.last_sr = (uint32_t)(transport->peer_ntp >> 16),
			.since_sr = (uint32_t)((now - transport->peer_ntp_at) * 65536 / QV_NS_PER_SECOND),
		};
	for (int kind = QV_STREAM_VIDEO; kind <= QV_STREAM_AUDIO; kind++)
		if (transport->receives[kind] &&
		    qv_rtp_receiver_report(transport->in[kind].receiver, now, &report->reports[report->report_count]))
			report->report_count++;
}

void transport_report(struct transport *transport, int64_t now)
{
	uint8_t bytes[RTCP_ROOM];
	struct qv_rtcp_writer writer = { .bytes = bytes, .room = sizeof bytes };
	struct qv_rtcp report = { .kind = QV_RTCP_SR, .sender = RTP_SSRC_SESSION, .ntp = ntp_of(now) };
	fill_blocks(transport, now, &report);
	qv_rtcp_put_report(&writer, &report);
	qv_rtcp_put_cname(&writer, RTP_SSRC_SESSION, transport->cname);
	for (int kind = QV_STREAM_VIDEO; kind <= QV_STREAM_AUDIO; kind++)
		if (transport->sends[kind] && rtp_out_report(&transport->out[kind], now, &report))
			qv_rtcp_put_report(&writer, &report);
	transport_put_rtcp(transport, bytes, writer.used);
}

/* APP of this name and subtype. */
#define OWN_NAME  0x51564953u /* QVIS */
#define OWN_FATES 1

static void put_fates(struct transport *transport)
{
	uint8_t bytes[RTCP_ROOM], data[FATES_SIZE];
	struct qv_rtcp_writer writer = { .bytes = bytes, .room = sizeof bytes };
	struct fates fates = board_fates(transport->media->board);
	fates_put(&fates, data);
	transport->fates_told = fates.newest;
	if (fates.any && qv_rtcp_put_app(&writer, RTP_SSRC_SESSION, OWN_FATES, OWN_NAME, data, sizeof data))
		transport_put_rtcp(transport, bytes, writer.used);
}

void transport_tell_fates(struct transport *transport)
{
	put_fates(transport);
	udp_flush(&transport->udp);
}

void transport_feedback(struct transport *transport, int64_t now)
{
	uint8_t bytes[RTCP_ROOM];
	transport->feedback_ns = 0; /* until the next packet comes */
	if (transport->receives[QV_STREAM_VIDEO] &&
	    board_fates(transport->media->board).newest != transport->fates_told)
		put_fates(transport);
	for (int datagrams = 0; datagrams < 8; datagrams++) {
		struct qv_rtcp_writer writer = { .bytes = bytes, .room = sizeof bytes };
		if (!qv_rtp_arrivals_put(transport->arrivals, &writer, RTP_SSRC_SESSION, RTP_SSRC_SESSION))
			return;
		transport_put_rtcp(transport, bytes, writer.used);
		transport->feedback_ns = now + FEEDBACK_NS;
	}
}

void transport_nack(struct transport *transport, int64_t now)
{
	uint8_t bytes[RTCP_ROOM];
	struct qv_rtcp_writer writer = { .bytes = bytes, .room = sizeof bytes };
	uint16_t missing[QV_RTCP_NACKS_MAX];
	for (int kind = QV_STREAM_VIDEO; kind <= QV_STREAM_AUDIO; kind++) {
		if (!transport->receives[kind])
			continue;
		struct rtp_in *in = &transport->in[kind];
		size_t count = qv_rtp_receiver_nacks(in->receiver, now, rtt(transport), missing);
		if (count > 0)
			qv_rtcp_put_nacks(&writer, RTP_SSRC_SESSION, in->stream.ssrc, missing, count);
	}
	/* Twice: one that is lost costs a round trip. What is asked for twice in one is given once. */
	transport_put_rtcp(transport, bytes, writer.used);
	transport_put_rtcp(transport, bytes, writer.used);
}

void transport_ask_key(struct transport *transport)
{
	uint8_t bytes[RTCP_ROOM];
	struct qv_rtcp_writer writer = { .bytes = bytes, .room = sizeof bytes };
	qv_rtcp_put_pli(&writer, RTP_SSRC_SESSION, transport->in[QV_STREAM_VIDEO].stream.ssrc);
	transport_put_rtcp(transport, bytes, writer.used);
	udp_flush(&transport->udp);
}

void transport_bye(struct transport *transport)
{
	uint8_t bytes[RTCP_ROOM];
	struct qv_rtcp_writer writer = { .bytes = bytes, .room = sizeof bytes };
	struct qv_rtcp report = { .kind = QV_RTCP_RR, .sender = RTP_SSRC_SESSION };
	if (!transport->running)
		return;
	qv_rtcp_put_report(&writer, &report);
	qv_rtcp_put_cname(&writer, RTP_SSRC_SESSION, transport->cname);
	qv_rtcp_put_bye(&writer, RTP_SSRC_SESSION);
	transport_put_rtcp(transport, bytes, writer.used);
	udp_flush(&transport->udp);
	transport->running = false;
}

static void take_report(struct transport *transport, const struct qv_rtcp *packet, int64_t now)
{
	if (packet->kind == QV_RTCP_SR && packet->sender == RTP_SSRC_SESSION && packet->ntp != transport->peer_ntp) {
		transport->peer_ntp = packet->ntp;
		transport->peer_ntp_at = now;
	}
	for (int kind = QV_STREAM_VIDEO; kind <= QV_STREAM_AUDIO && packet->kind == QV_RTCP_SR; kind++)
		if (transport->receives[kind] && transport->in[kind].stream.ssrc == packet->sender)
			qv_rtp_receiver_take_sr(transport->in[kind].receiver, packet, now);
	for (unsigned i = 0; i < packet->report_count; i++) {
		const struct qv_rtcp_report *report = &packet->reports[i];
		if (report->ssrc != RTP_SSRC_SESSION || report->last_sr == 0 || report->last_sr == transport->answered)
			continue;
		transport->answered = report->last_sr;
		uint32_t age = (uint32_t)(ntp_of(now) >> 16) - report->last_sr;
		int64_t sent = now - (int64_t)((uint64_t)age * QV_NS_PER_SECOND >> 16);
		path_answered(&transport->path, sent, qv_rtp_round_trip_ns(report, ntp_of(now)), now);
		for (int kind = QV_STREAM_VIDEO; kind <= QV_STREAM_AUDIO; kind++)
			if (transport->receives[kind])
				rtp_in_set_rtt(&transport->in[kind], transport->path.rtt_ns);
	}
}

static void take_nack(struct transport *transport, const struct qv_rtcp *packet, int64_t now)
{
	uint16_t sequences[QV_RTCP_NACKS_MAX];
	struct qv_rtp_congestion_state state;
	size_t count = qv_rtcp_read_nacks(packet, sequences);
	qv_rtp_congestion_state(transport->congestion, &state);
	int copies = state.loss > LOSSY && state.queue_ns < QUEUE_SMALL_NS ? 2 : 1;
	for (int kind = QV_STREAM_VIDEO; kind <= QV_STREAM_AUDIO && transport->path.up; kind++)
		if (transport->sends[kind] && transport->out[kind].stream.ssrc == packet->media)
			rtp_out_again(&transport->out[kind], sequences, count, transport->pacer, now, rtt(transport),
				      copies);
}

static void take_feedback(struct transport *transport, const struct qv_rtcp *packet, int64_t now)
{
	struct qv_rtcp_feedback feedback;
	if (qv_rtcp_read_feedback(packet, &feedback, NULL) != 0 || feedback.count == 0)
		return;
	qv_rtp_congestion_feedback(transport->congestion, &feedback, now);
	uint16_t told = (uint16_t)(feedback.base + feedback.count);
	if (qv_rtp_sequence_diff(told, transport->told_number) > 0 &&
	    qv_rtp_sequence_diff(transport->number, told) >= 0)
		transport->told_number = told;
}

static void take_fates(struct transport *transport, const struct qv_rtcp *packet)
{
	struct fate fates[FATES_PICTURES];
	const struct rtp_out *out = &transport->out[QV_STREAM_VIDEO];
	if (packet->name != OWN_NAME || packet->subtype != OWN_FATES || packet->control_size < FATES_SIZE || !out->any)
		return;
	size_t count = fates_take(&transport->fates, packet->control, out->unit, fates);
	board_put_fates(transport->media->board, fates, count);
}

void transport_take_rtcp(struct transport *transport, const uint8_t *bytes, size_t size, int64_t now)
{
	struct qv_rtcp_reader reader = { .bytes = bytes, .size = size };
	struct qv_rtcp packet;
	while (qv_rtcp_read(&reader, &packet, NULL) == 1) {
		switch (packet.kind) {
		case QV_RTCP_SR:
		case QV_RTCP_RR:
			take_report(transport, &packet, now);
			break;
		case QV_RTCP_NACK:
			take_nack(transport, &packet, now);
			break;
		case QV_RTCP_PLI:
			if (transport->sends[QV_STREAM_VIDEO] &&
			    packet.media == transport->out[QV_STREAM_VIDEO].stream.ssrc)
				atomic_fetch_add(&transport->media->control->switches.refresh, 1);
			break;
		case QV_RTCP_APP:
			take_fates(transport, &packet);
			break;
		case QV_RTCP_FEEDBACK:
			take_feedback(transport, &packet, now);
			break;
		default:
			break;
		}
	}
}
