/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG in RTP: RFC 2435. Quantisation tables always go in band (Q 255). */
#include "payload.h"

#define IN_BAND       255
#define STATIC_TABLES 128 /* from here on, tables are sent in band and may be left out where Q is as before */
#define RESTART_TYPES 64

static int begin(struct qv_rtp_packetiser *packetiser, struct qv_error *err)
{
	return jpeg_parts_read(&packetiser->jpeg, packetiser->unit.data, packetiser->unit.size, err);
}

static void next(struct qv_rtp_packetiser *packetiser, struct writer *out, bool *marker)
{
	const struct jpeg_parts *jpeg = &packetiser->jpeg;
	/* The first payload must hold all tables: where that leaves no room for data, it carries none. */
	put_number(out, packetiser->at, 4); /* type-specific 0, then an offset of 24 bits */
	put_number(out, jpeg->type, 1);
	put_number(out, IN_BAND, 1);
	put_number(out, (unsigned)(jpeg->width + 7) / 8, 1);
	put_number(out, (unsigned)(jpeg->height + 7) / 8, 1);
	if (jpeg->interval) {
		put_number(out, jpeg->interval, 2);
		put_number(out, 0xffff, 2); /* F, L, and the count of a whole frame that is reassembled first */
	}
	if (packetiser->at == 0) {
		put_number(out, JPEG_TABLES, 4); /* MBZ 0, precision 0, length */
		put_bytes(out, jpeg->tables, JPEG_TABLES);
	}
	size_t left = jpeg->scan_size - packetiser->at, room = out->room - out->used;
	size_t size = left < room ? left : room;
	put_bytes(out, jpeg->scan + packetiser->at, size);
	packetiser->at += size;
	*marker = packetiser->at == jpeg->scan_size;
}

static int read_tables(struct jpeg_parts *jpeg, unsigned quality, struct reader *in, struct qv_error *err)
{
	get_number(in, 1);
	unsigned precision = (unsigned)get_number(in, 1);
	size_t length = (size_t)get_number(in, 2);
	if (length == 0 && quality != IN_BAND && jpeg->quality == quality)
		return 0;
	const uint8_t *tables = get_bytes(in, length);
	if (!tables || length == 0)
		return qv_fail(err, QV_E_PROTOCOL, "a JPEG payload with Q %u without its quantisation tables", quality);
	if (precision || (length != JPEG_TABLES && length != JPEG_TABLES / 2))
		return qv_fail(err, QV_E_UNSUPPORTED,
			       "a JPEG payload with %zu bytes of quantisation tables, where 128 of 8 bits are read",
			       length);
	for (size_t i = 0; i < length; i++)
		if (tables[i] == 0)
			return qv_fail(err, QV_E_PROTOCOL, "a quantisation table with a 0 in it");
	memcpy(jpeg->tables, tables, length);
	if (length < JPEG_TABLES)
		memcpy(jpeg->tables + length, tables, length);
	jpeg->quality = (uint8_t)quality;
	return 0;
}

/* `announced` where it is what RFC 2435 rounds up to `sent`. */
static int real_side(int sent, int announced)
{
	return announced > 0 && (announced + 7) / 8 * 8 == sent ? announced : sent;
}

static int start(struct qv_rtp_depacketiser *depacketiser, struct qv_error *err)
{
	uint8_t head[JPEG_HEAD_MAX];
	return rtp_append(depacketiser, head, jpeg_head_write(&depacketiser->jpeg, head), err);
}

static int read_header(struct qv_rtp_depacketiser *depacketiser, const struct qv_rtp *packet,
		       struct rtp_fragment *fragment, struct qv_error *err)
{
	struct reader *in = &fragment->in;
	struct jpeg_parts *jpeg = &depacketiser->jpeg;
	get_number(in, 1);
	size_t offset = (size_t)get_number(in, 3);
	unsigned type = (unsigned)get_number(in, 1), quality = (unsigned)get_number(in, 1);
	int width = 8 * (int)get_number(in, 1), height = 8 * (int)get_number(in, 1);
	unsigned interval = type & RESTART_TYPES ? (unsigned)get_number(in, 2) : 0;
	if (type & RESTART_TYPES)
		get_number(in, 2);
	if (in->underflow || width == 0 || height == 0)
		return qv_fail(err, QV_E_PROTOCOL, "a JPEG payload of %zu bytes for a picture of %dx%d", packet->size,
			       width, height);
	if ((type & ~(unsigned)RESTART_TYPES) > 1)
		return qv_fail(err, QV_E_UNSUPPORTED, "a JPEG payload of type %u; 0, 1, 64 and 65 are read", type);
	fragment->begins = offset == 0;
	fragment->ends = packet->marker;
	if (!fragment->begins) {
		if (depacketiser->assembling && offset != depacketiser->used - depacketiser->head)
			return qv_fail(err, QV_E_PROTOCOL, "a JPEG fragment does not begin where the last one ended");
		return 0;
	}
	if (quality < STATIC_TABLES)
		return qv_fail(err, QV_E_UNSUPPORTED, "a JPEG payload with Q %u: only tables in band are read",
			       quality);
	jpeg->width = real_side(width, depacketiser->options.width);
	jpeg->height = real_side(height, depacketiser->options.height);
	jpeg->interval = (uint16_t)interval;
	jpeg->type = (uint8_t)type;
	depacketiser->unit = (struct qv_rtp_unit){ .key = true, .width = jpeg->width, .height = jpeg->height };
	return read_tables(jpeg, quality, in, err);
}

static int finish(struct qv_rtp_depacketiser *depacketiser, struct qv_error *err)
{
	static const uint8_t end[2] = { 0xff, 0xd9 };
	size_t used = depacketiser->used;
	bool ended = memcmp(depacketiser->bytes + used - 2, end, 2) == 0;
	return ended ? 0 : rtp_append(depacketiser, end, 2, err);
}

const struct rtp_payload rtp_jpeg = {
	.name = "JPEG", .begin = begin, .next = next, .read = read_header, .start = start, .finish = finish
};
