/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/rtcp.h>

#include "rtcp.h"

static void put_block(struct writer *out, const struct qv_rtcp_report *report)
{
	put_number(out, report->ssrc, 4);
	put_number(out, report->fraction, 1);
	put_number(out, (uint32_t)report->lost & 0xffffff, 3);
	put_number(out, report->highest, 4);
	put_number(out, report->jitter, 4);
	put_number(out, report->last_sr, 4);
	put_number(out, report->since_sr, 4);
}

bool qv_rtcp_put_report(struct qv_rtcp_writer *writer, const struct qv_rtcp *packet)
{
	if (packet->report_count > QV_RTCP_REPORTS_MAX)
		return false;
	struct writer out = rtcp_begin(writer, packet->report_count, packet->kind == QV_RTCP_SR ? PT_SR : PT_RR);
	put_number(&out, packet->sender, 4);
	if (packet->kind == QV_RTCP_SR) {
		put_number(&out, packet->ntp, 8);
		put_number(&out, packet->timestamp, 4);
		put_number(&out, packet->packets, 4);
		put_number(&out, packet->octets, 4);
	}
	for (unsigned i = 0; i < packet->report_count; i++)
		put_block(&out, &packet->reports[i]);
	return rtcp_end(writer, &out);
}

bool qv_rtcp_put_cname(struct qv_rtcp_writer *writer, uint32_t sender, const char *cname)
{
	size_t size = strnlen(cname, QV_RTCP_CNAME_MAX + 1);
	if (size > QV_RTCP_CNAME_MAX)
		return false;
	struct writer out = rtcp_begin(writer, 1, PT_SDES);
	put_number(&out, sender, 4);
	put_number(&out, SDES_CNAME, 1);
	put_number(&out, size, 1);
	put_bytes(&out, cname, size);
	put_number(&out, 0, 1);
	return rtcp_end(writer, &out);
}

bool qv_rtcp_put_bye(struct qv_rtcp_writer *writer, uint32_t sender)
{
	struct writer out = rtcp_begin(writer, 1, PT_BYE);
	put_number(&out, sender, 4);
	return rtcp_end(writer, &out);
}

bool qv_rtcp_put_app(struct qv_rtcp_writer *writer, uint32_t sender, unsigned subtype, uint32_t name,
		     const uint8_t *data, size_t size)
{
	struct writer out = rtcp_begin(writer, subtype & 31, PT_APP);
	put_number(&out, sender, 4);
	put_number(&out, name, 4);
	put_bytes(&out, data, size);
	return size % 4 == 0 && rtcp_end(writer, &out);
}

bool qv_rtcp_put_pli(struct qv_rtcp_writer *writer, uint32_t sender, uint32_t media)
{
	struct writer out = rtcp_begin(writer, FMT_PLI, PT_PSFB);
	put_number(&out, sender, 4);
	put_number(&out, media, 4);
	return rtcp_end(writer, &out);
}

bool qv_rtcp_put_nacks(struct qv_rtcp_writer *writer, uint32_t sender, uint32_t media, const uint16_t *sequences,
		       size_t count)
{
	if (count == 0 || count > QV_RTCP_NACKS_MAX)
		return false;
	struct writer out = rtcp_begin(writer, FMT_NACK, PT_RTPFB);
	put_number(&out, sender, 4);
	put_number(&out, media, 4);
	for (size_t i = 0; i < count;) {
		uint16_t first = sequences[i++];
		unsigned more = 0;
		for (; i < count; i++) {
			unsigned ahead = (uint16_t)(sequences[i] - first);
			if (ahead == 0 || ahead > 16)
				break;
			more |= 1u << (ahead - 1);
		}
		put_number(&out, first, 2);
		put_number(&out, more, 2);
	}
	return rtcp_end(writer, &out);
}
