/* SPDX-License-Identifier: Apache-2.0 */
/* VP8 in RTP: RFC 7741 section 4; the frame header is that of RFC 6386 section 9.1. */
#include "payload.h"

static bool is_key(const uint8_t *data, size_t size)
{
	return size >= 10 && !(data[0] & 1) && data[3] == 0x9d && data[4] == 0x01 && data[5] == 0x2a;
}

static int begin(struct qv_rtp_packetiser *packetiser, struct qv_error *err)
{
	struct qv_rtp_unit *unit = &packetiser->unit;
	if (unit->size < 3 || (!(unit->data[0] & 1) && !is_key(unit->data, unit->size)))
		return qv_fail(err, QV_E_INVALID, "%zu bytes are no VP8 frame", unit->size);
	unit->key = is_key(unit->data, unit->size);
	rtp_count_picture(packetiser);
	if (unit->layer == 0)
		packetiser->key_number = (packetiser->key_number + 1) & 31;
	return 0;
}

static void next(struct qv_rtp_packetiser *packetiser, struct writer *out, bool *marker)
{
	const struct qv_rtp_unit *unit = &packetiser->unit;
	bool layered = packetiser->options.layers > 1;
	/* X, then S on the first packet; one fragment is as good as another, so PID stays 0 */
	put_number(out, 0x80u | (packetiser->at == 0 ? 0x10u : 0u) | (unit->layer ? 0x20u : 0u), 1);
	put_number(out, layered ? 0xf0 : 0x80, 1);
	put_number(out, 0x8000u | packetiser->picture, 2);
	if (layered) {
		put_number(out, packetiser->base, 1);
		put_number(out, (unsigned)unit->layer << 6 | (unit->sync ? 0x20u : 0u) | packetiser->key_number, 1);
	}
	*marker = rtp_put_rest(packetiser, out);
}

static void read_extended(struct reader *in, struct qv_rtp_unit *unit)
{
	unsigned has = (unsigned)get_number(in, 1);
	if (has & 0x80) {
		unit->picture = (uint16_t)get_number(in, 1);
		if (unit->picture & 0x80)
			unit->picture = (uint16_t)((unit->picture & 0x7f) << 8 | get_number(in, 1));
	}
	if (has & 0x40)
		get_number(in, 1);
	if (has & 0x30) {
		unsigned temporal = (unsigned)get_number(in, 1);
		if (has & 0x20) {
			unit->layer = (uint8_t)(temporal >> 6);
			unit->sync = temporal & 0x20;
		}
	}
}

static int read_descriptor(struct qv_rtp_depacketiser *depacketiser, const struct qv_rtp *packet,
			   struct rtp_fragment *fragment, struct qv_error *err)
{
	struct reader *in = &fragment->in;
	struct qv_rtp_unit unit = { 0 };
	unsigned first = (unsigned)get_number(in, 1);
	if (first & 0x80)
		read_extended(in, &unit);
	if (in->underflow || in->at == in->size)
		return qv_fail(err, QV_E_PROTOCOL, "a VP8 payload of %zu bytes ends in its descriptor", packet->size);
	const uint8_t *data = in->bytes + in->at;
	/* Several partitions of one frame may each have S; PID tells the first. */
	fragment->begins = (first & 0x10) && (first & 7) == 0;
	fragment->ends = packet->marker;
	if (!fragment->begins)
		return 0;
	unit.key = is_key(data, in->size - in->at);
	if (unit.key) {
		unit.width = (data[7] & 0x3f) << 8 | data[6];
		unit.height = (data[9] & 0x3f) << 8 | data[8];
	} else if (!(data[0] & 1)) {
		return qv_fail(err, QV_E_PROTOCOL, "a VP8 key frame begins without its start code");
	}
	depacketiser->unit = unit;
	return 0;
}

const struct rtp_payload rtp_vp8 = { .name = "VP8", .begin = begin, .next = next, .read = read_descriptor };
