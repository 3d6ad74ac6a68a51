/* SPDX-License-Identifier: Apache-2.0 */
/* VIDEO and AUDIO: access units in pieces, so that sound can go between the pieces of a picture. */
#include <qvisio/session.h>

#include "bytes.h"

size_t qv_fragment_put_header(uint8_t bytes[QV_FRAGMENT_HEADER_MAX], const struct qv_unit *unit, uint32_t offset)
{
	struct writer out = { .bytes = bytes, .room = QV_FRAGMENT_HEADER_MAX };
	put_number(&out, unit->sequence, 8);
	put_number(&out, offset, 4);
	if (offset > 0)
		return out.used;
	put_number(&out, unit->size, 4);
	put_number(&out, (uint64_t)unit->capture_ns, 8);
	put_number(&out, unit->capture_us, 4);
	put_number(&out, unit->encode_us, 4);
	put_number(&out, unit->queue_us, 4);
	put_number(&out, unit->position, 8);
	put_number(&out, unit->frames, 4);
	return out.used;
}

static int check_first(uint8_t type, const struct qv_unit *unit, struct qv_error *err)
{
	uint32_t limit = type == QV_RECORD_AUDIO ? QV_AUDIO_UNIT_MAX : QV_PACKET_MAX;
	if (unit->size < 1 || unit->size > limit)
		return qv_fail(err, QV_E_PROTOCOL, "the peer announces an access unit of %u bytes, outside 1 to %u",
			       unit->size, limit);
	if (type == QV_RECORD_AUDIO && (unit->frames < 1 || unit->frames > 192000))
		return qv_fail(err, QV_E_PROTOCOL, "the peer announces a sound block of %u samples", unit->frames);
	return 0;
}

int qv_fragment_decode(uint8_t type, const uint8_t *bytes, size_t size, struct qv_fragment *fragment,
		       struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	struct qv_unit *unit = &fragment->unit;
	*fragment = (struct qv_fragment){ 0 };
	unit->sequence = get_number(&in, 8);
	fragment->offset = (uint32_t)get_number(&in, 4);
	if (!in.underflow && fragment->offset == 0) {
		unit->size = (uint32_t)get_number(&in, 4);
		unit->capture_ns = get_time(&in);
		unit->capture_us = (uint32_t)get_number(&in, 4);
		unit->encode_us = (uint32_t)get_number(&in, 4);
		unit->queue_us = (uint32_t)get_number(&in, 4);
		unit->position = get_number(&in, 8);
		unit->frames = (uint32_t)get_number(&in, 4);
	}
	if (in.underflow || in.at == in.size)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent a malformed or empty piece of an access unit");
	/* Years of sound; below that, times computed from positions cannot overflow. */
	if (unit->position >> 44)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent an impossible position in its stream");
	if (fragment->offset == 0 && check_first(type, unit, err) != 0)
		return -1;
	fragment->data = bytes + in.at;
	fragment->size = size - in.at;
	return 0;
}
