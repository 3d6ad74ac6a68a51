/* SPDX-License-Identifier: Apache-2.0 */
#include "rtcp.h"

static void read_report(struct reader *in, struct qv_rtcp_report *report)
{
	report->ssrc = (uint32_t)get_number(in, 4);
	report->fraction = (uint8_t)get_number(in, 1);
	uint32_t lost = (uint32_t)get_number(in, 3);
	report->lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost;
	report->highest = (uint32_t)get_number(in, 4);
	report->jitter = (uint32_t)get_number(in, 4);
	report->last_sr = (uint32_t)get_number(in, 4);
	report->since_sr = (uint32_t)get_number(in, 4);
}

static void read_reports(struct reader *in, struct qv_rtcp *packet, unsigned count)
{
	packet->sender = (uint32_t)get_number(in, 4);
	if (packet->kind == QV_RTCP_SR) {
		packet->ntp = get_number(in, 8);
		packet->timestamp = (uint32_t)get_number(in, 4);
		packet->packets = (uint32_t)get_number(in, 4);
		packet->octets = (uint32_t)get_number(in, 4);
	}
	packet->report_count = count;
	for (unsigned i = 0; i < count; i++)
		read_report(in, &packet->reports[i]);
}

/* The first chunk; the other ones describe sources that are mixed in, which there are not. */
static void read_sdes(struct reader *in, struct qv_rtcp *packet, unsigned count)
{
	if (count == 0)
		return;
	packet->sender = (uint32_t)get_number(in, 4);
	for (;;) {
		unsigned item = (unsigned)get_number(in, 1);
		if (item == 0 || in->underflow)
			return;
		size_t size = (size_t)get_number(in, 1);
		const uint8_t *text = get_bytes(in, size);
		if (text && item == SDES_CNAME) {
			memcpy(packet->cname, text, size);
			packet->cname[size] = 0;
		}
	}
}

static void read_feedback_packet(struct reader *in, struct qv_rtcp *packet)
{
	packet->sender = (uint32_t)get_number(in, 4);
	packet->media = (uint32_t)get_number(in, 4);
	packet->control = in->bytes + in->at;
	packet->control_size = in->size - in->at;
}

static void read_application(struct reader *in, struct qv_rtcp *packet, unsigned subtype)
{
	packet->sender = (uint32_t)get_number(in, 4);
	packet->subtype = subtype;
	packet->name = (uint32_t)get_number(in, 4);
	packet->control = in->bytes + in->at;
	packet->control_size = in->size - in->at;
}

static enum qv_rtcp_kind kind_of(unsigned type, unsigned format)
{
	switch (type) {
	case PT_SR:
		return QV_RTCP_SR;
	case PT_RR:
		return QV_RTCP_RR;
	case PT_SDES:
		return QV_RTCP_SDES;
	case PT_BYE:
		return QV_RTCP_BYE;
	case PT_APP:
		return QV_RTCP_APP;
	case PT_RTPFB:
		return format == FMT_NACK ? QV_RTCP_NACK : format == FMT_FEEDBACK ? QV_RTCP_FEEDBACK : QV_RTCP_OTHER;
	case PT_PSFB:
		return format == FMT_PLI ? QV_RTCP_PLI : QV_RTCP_OTHER;
	default:
		return QV_RTCP_OTHER;
	}
}

static void read_body(struct reader *in, struct qv_rtcp *packet, unsigned count)
{
	switch (packet->kind) {
	case QV_RTCP_SR:
	case QV_RTCP_RR:
		read_reports(in, packet, count);
		break;
	case QV_RTCP_SDES:
		read_sdes(in, packet, count);
		break;
	case QV_RTCP_BYE:
		packet->sender = count ? (uint32_t)get_number(in, 4) : 0;
		break;
	case QV_RTCP_APP:
		read_application(in, packet, count);
		break;
	case QV_RTCP_NACK:
	case QV_RTCP_PLI:
	case QV_RTCP_FEEDBACK:
		read_feedback_packet(in, packet);
		break;
	default:
		break;
	}
}

int qv_rtcp_read(struct qv_rtcp_reader *reader, struct qv_rtcp *packet, struct qv_error *err)
{
	struct reader in = { .bytes = reader->bytes, .size = reader->size, .at = reader->at };
	*packet = (struct qv_rtcp){ 0 };
	if (in.at == in.size)
		return 0;
	unsigned first = (unsigned)get_number(&in, 1), type = (unsigned)get_number(&in, 1);
	size_t size = 4 * (size_t)get_number(&in, 2);
	struct reader body = { .bytes = get_bytes(&in, size), .size = size };
	if (in.underflow || first >> 6 != 2)
		return qv_fail(err, QV_E_PROTOCOL, "a datagram of %zu bytes is not made of RTCP packets of version 2",
			       reader->size);
	if (first & 0x20) {
		/* RFC 3550 asks for a multiple of 4; libwebrtc sends what its feedback needs. */
		size_t padding = size ? body.bytes[size - 1] : 0;
		if (padding == 0 || padding > size)
			return qv_fail(err, QV_E_PROTOCOL, "the padding of an RTCP packet of %zu bytes is %zu", size,
				       padding);
		body.size -= padding;
	}
	packet->kind = kind_of(type, first & 31);
	read_body(&body, packet, first & 31);
	if (body.underflow)
		return qv_fail(err, QV_E_PROTOCOL, "an RTCP packet of type %u ends early", type);
	reader->at = in.at;
	return 1;
}

size_t qv_rtcp_read_nacks(const struct qv_rtcp *packet, uint16_t sequences[QV_RTCP_NACKS_MAX])
{
	struct reader in = { .bytes = packet->control, .size = packet->control_size };
	size_t count = 0;
	while (packet->kind == QV_RTCP_NACK && in.size - in.at >= 4) {
		uint16_t first = (uint16_t)get_number(&in, 2);
		uint32_t wanted = (uint32_t)get_number(&in, 2) << 1 | 1;
		for (unsigned i = 0; i <= 16 && count < QV_RTCP_NACKS_MAX; i++)
			if (wanted & 1u << i)
				sequences[count++] = (uint16_t)(first + i);
	}
	return count;
}
