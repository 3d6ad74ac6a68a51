/* SPDX-License-Identifier: Apache-2.0 */
/* RTP headers: RFC 3550 section 5.1, extensions in the forms of RFC 8285 sections 4.2 and 4.3. */
#include <qvisio/rtp.h>

#include "../session/bytes.h"

#define ONE_BYTE_FORM 0xbede
#define TWO_BYTE_FORM 0x1000 /* the lowest 4 bits are the application's */

static void take_private(struct qv_rtp_private *extension, const uint8_t *value, size_t size)
{
	/* A packet may have it twice: the last one counts, and nothing of the first. */
	*extension = (struct qv_rtp_private){ .size = (uint8_t)size };
	memcpy(extension->bytes, value, size);
}

static void take_extension(struct qv_rtp *packet, const struct qv_rtp_extensions *ids, unsigned id,
			   const uint8_t *value, size_t size)
{
	struct reader in = { .bytes = value, .size = size };
	if (id == ids->transport && size == 2) {
		packet->transport = (uint16_t)get_number(&in, 2);
		packet->has_transport = true;
	}
	/* The long form of absolute capture time has a clock offset behind the time. */
	if (id == ids->capture && (size == 8 || size == 16)) {
		packet->capture = get_number(&in, 8);
		packet->has_capture = true;
	}
	if (id == ids->unit && size >= 1 && size <= QV_RTP_PRIVATE_MAX)
		take_private(&packet->unit, value, size);
	if (id == ids->prediction && size >= 1 && size <= QV_RTP_PRIVATE_MAX)
		take_private(&packet->prediction, value, size);
}

static bool take_extensions(struct qv_rtp *packet, const struct qv_rtp_extensions *ids, unsigned form,
			    struct reader *in)
{
	bool one_byte = form == ONE_BYTE_FORM;
	if (!one_byte && (form & 0xfff0) != TWO_BYTE_FORM)
		return true;
	while (in->at < in->size) {
		unsigned id = (unsigned)get_number(in, 1);
		size_t size;
		if (id == 0)
			continue;
		if (one_byte) {
			size = (id & 15) + 1;
			id >>= 4;
			if (id == 15)
				return true;
		} else {
			size = (size_t)get_number(in, 1);
		}
		const uint8_t *value = get_bytes(in, size);
		if (in->underflow)
			return false;
		if (id)
			take_extension(packet, ids, id, value, size);
	}
	return true;
}

int qv_rtp_read(struct qv_rtp *packet, const uint8_t *bytes, size_t size, const struct qv_rtp_extensions *ids,
		struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	*packet = (struct qv_rtp){ 0 };
	unsigned first = (unsigned)get_number(&in, 1), second = (unsigned)get_number(&in, 1);
	packet->sequence = (uint16_t)get_number(&in, 2);
	packet->timestamp = (uint32_t)get_number(&in, 4);
	packet->ssrc = (uint32_t)get_number(&in, 4);
	get_bytes(&in, 4 * (size_t)(first & 15));
	if (in.underflow || first >> 6 != 2)
		return qv_fail(err, QV_E_PROTOCOL, "a datagram of %zu bytes is not an RTP packet of version 2", size);
	packet->marker = second >> 7;
	packet->type = second & 127;
	if (first & 0x10) {
		unsigned form = (unsigned)get_number(&in, 2);
		size_t length = 4 * (size_t)get_number(&in, 2);
		struct reader extensions = { .bytes = get_bytes(&in, length), .size = length };
		if (in.underflow || !take_extensions(packet, ids, form, &extensions))
			return qv_fail(err, QV_E_PROTOCOL, "header extensions overrun an RTP packet of %zu bytes",
				       size);
	}
	packet->payload = bytes + in.at;
	packet->size = size - in.at;
	if (first & 0x20) {
		size_t padding = packet->size ? bytes[size - 1] : 0;
		if (padding == 0 || padding > packet->size)
			return qv_fail(err, QV_E_PROTOCOL, "the padding of an RTP packet of %zu bytes is %zu", size,
				       padding);
		packet->size -= padding;
	}
	return 0;
}

static void put_private(const struct qv_rtp_private *extension, unsigned id, struct writer *out)
{
	if (!extension->size || !id)
		return;
	put_number(out, id << 4 | (extension->size - 1u), 1);
	put_bytes(out, extension->bytes, extension->size);
}

static size_t private_size(const struct qv_rtp_private *extension, unsigned id)
{
	return extension->size && id ? 1u + extension->size : 0;
}

static size_t extensions_size(const struct qv_rtp *packet, const struct qv_rtp_extensions *ids)
{
	return (packet->has_transport && ids->transport ? 3u : 0u) + (packet->has_capture && ids->capture ? 9u : 0u) +
	       private_size(&packet->unit, ids->unit) + private_size(&packet->prediction, ids->prediction);
}

static void put_extensions(const struct qv_rtp *packet, const struct qv_rtp_extensions *ids, struct writer *out)
{
	size_t used = extensions_size(packet, ids), words = (used + 3) / 4;
	put_number(out, ONE_BYTE_FORM, 2);
	put_number(out, words, 2);
	if (packet->has_transport && ids->transport) {
		put_number(out, (unsigned)ids->transport << 4 | 1, 1);
		put_number(out, packet->transport, 2);
	}
	if (packet->has_capture && ids->capture) {
		put_number(out, (unsigned)ids->capture << 4 | 7, 1);
		put_number(out, packet->capture, 8);
	}
	put_private(&packet->unit, ids->unit, out);
	put_private(&packet->prediction, ids->prediction, out);
	put_number(out, 0, 4 * words - used);
}

static bool can_write(const struct qv_rtp *packet, const struct qv_rtp_extensions *ids)
{
	return packet->type <= 127 && ids->transport <= 14 && ids->capture <= 14 && ids->unit <= 14 &&
	       ids->prediction <= 14 && packet->unit.size <= QV_RTP_PRIVATE_MAX &&
	       packet->prediction.size <= QV_RTP_PRIVATE_MAX;
}

int qv_rtp_write(const struct qv_rtp *packet, const struct qv_rtp_extensions *ids, uint8_t *bytes, size_t room,
		 struct qv_error *err)
{
	struct writer out = { .bytes = bytes, .room = room };
	bool extended = extensions_size(packet, ids) > 0;
	if (!can_write(packet, ids))
		return qv_fail(err, QV_E_INVALID, "payload type %u or its header extensions cannot be written",
			       packet->type);
	put_number(&out, 0x80u | (packet->padding ? 0x20u : 0u) | (extended ? 0x10u : 0u), 1);
	put_number(&out, (packet->marker ? 0x80u : 0u) | packet->type, 1);
	put_number(&out, packet->sequence, 2);
	put_number(&out, packet->timestamp, 4);
	put_number(&out, packet->ssrc, 4);
	if (extended)
		put_extensions(packet, ids, &out);
	put_bytes(&out, packet->payload, packet->size);
	for (unsigned i = 1; i <= packet->padding; i++)
		put_number(&out, i == packet->padding ? i : 0, 1);
	if (out.overflow || out.used > INT32_MAX)
		return qv_fail(err, QV_E_INVALID, "an RTP packet with %zu bytes of payload does not fit %zu bytes",
			       packet->size, room);
	return (int)out.used;
}

bool qv_rtp_is_rtcp(const uint8_t *bytes, size_t size)
{
	return size >= 2 && bytes[0] >> 6 == 2 && bytes[1] >= 192 && bytes[1] <= 223;
}
