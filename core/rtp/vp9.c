/* SPDX-License-Identifier: Apache-2.0 */
/* VP9 in RTP: RFC 9628 section 4.2. One spatial layer is written; of several, the layer frames are put together. */
#include "payload.h"

enum { BIT_I = 0x80, BIT_P = 0x40, BIT_L = 0x20, BIT_F = 0x10, BIT_B = 8, BIT_E = 4, BIT_V = 2, BIT_Z = 1 };

/* The pictures of one group: temporal layer, and how far back the one is that each refers to. */
struct group_picture {
	uint8_t layer, up, back;
};
static const struct group_picture groups[3][4] = {
	{ { 0, 0, 1 } },
	{ { 0, 0, 2 }, { 1, 1, 1 } },
	{ { 0, 0, 4 }, { 2, 1, 1 }, { 1, 1, 2 }, { 2, 0, 1 } },
};
static const unsigned group_size[3] = { 1, 2, 4 };

static unsigned layers_of(const struct qv_rtp_packetiser *packetiser)
{
	return packetiser->options.layers ? packetiser->options.layers : 1;
}

static int begin(struct qv_rtp_packetiser *packetiser, struct qv_error *err)
{
	const struct qv_rtp_unit *unit = &packetiser->unit;
	/* frame_marker of the uncompressed header, VP9 bitstream specification section 6.2 */
	if (unit->data[0] >> 6 != 2)
		return qv_fail(err, QV_E_INVALID, "%zu bytes are no VP9 frame", unit->size);
	if (unit->key && (unit->width < 1 || unit->width > 65535 || unit->height < 1 || unit->height > 65535))
		return qv_fail(err, QV_E_INVALID, "a VP9 key picture of %dx%d", unit->width, unit->height);
	for (unsigned i = 0; i < unit->reference_count; i++)
		if (unit->references[i] < 1 || unit->references[i] > 127)
			return qv_fail(err, QV_E_INVALID, "a VP9 picture that refers %u pictures back",
				       unit->references[i]);
	rtp_count_picture(packetiser);
	return 0;
}

static void put_structure(const struct qv_rtp_packetiser *packetiser, struct writer *out)
{
	unsigned layers = layers_of(packetiser);
	put_number(out, packetiser->options.flexible ? 0x10 : 0x18, 1); /* one spatial layer, Y, G */
	put_number(out, (uint64_t)packetiser->unit.width, 2);
	put_number(out, (uint64_t)packetiser->unit.height, 2);
	if (packetiser->options.flexible)
		return;
	put_number(out, group_size[layers - 1], 1);
	for (unsigned i = 0; i < group_size[layers - 1]; i++) {
		const struct group_picture *picture = &groups[layers - 1][i];
		put_number(out, (unsigned)picture->layer << 5 | (unsigned)picture->up << 4 | 1u << 2, 1);
		put_number(out, picture->back, 1);
	}
}

static void put_references(const struct qv_rtp_unit *unit, struct writer *out)
{
	static const uint8_t before[1] = { 1 };
	unsigned count = unit->reference_count ? unit->reference_count : 1;
	const uint8_t *back = unit->reference_count ? unit->references : before;
	for (unsigned i = 0; i < count; i++)
		put_number(out, (unsigned)back[i] << 1 | (i + 1 < count), 1);
}

static void next(struct qv_rtp_packetiser *packetiser, struct writer *out, bool *marker)
{
	const struct qv_rtp_unit *unit = &packetiser->unit;
	bool first = packetiser->at == 0, layered = layers_of(packetiser) > 1, flexible = packetiser->options.flexible;
	bool structure = first && unit->key;
	put_number(out,
		   BIT_I | (unit->key ? 0 : BIT_P) | (layered ? BIT_L : 0) | (flexible ? BIT_F : 0) |
			   (first ? BIT_B : 0) | (structure ? BIT_V : 0),
		   1);
	put_number(out, 0x8000u | packetiser->picture, 2);
	if (layered)
		put_number(out, (unsigned)unit->layer << 5 | (unit->sync ? 0x10u : 0u), 1);
	if (layered && !flexible)
		put_number(out, packetiser->base, 1);
	if (flexible && !unit->key)
		put_references(unit, out);
	if (structure)
		put_structure(packetiser, out);
	*marker = rtp_put_rest(packetiser, out);
	if (*marker)
		out->bytes[0] |= BIT_E;
}

static void read_structure(struct reader *in, struct qv_rtp_unit *unit)
{
	unsigned first = (unsigned)get_number(in, 1), spatial = (first >> 5) + 1;
	for (unsigned i = 0; first & 0x10 && i < spatial; i++) {
		unit->width = (int)get_number(in, 2);
		unit->height = (int)get_number(in, 2);
	}
	unsigned pictures = first & 8 ? (unsigned)get_number(in, 1) : 0;
	for (unsigned i = 0; i < pictures && !in->underflow; i++)
		get_bytes(in, ((unsigned)get_number(in, 1) >> 2) & 3);
}

static int read_references(struct reader *in, struct qv_rtp_unit *unit)
{
	for (unsigned more = 1; more && !in->underflow;) {
		unsigned byte = (unsigned)get_number(in, 1);
		more = byte & 1;
		if (unit->reference_count == QV_RTP_REFERENCES_MAX || byte >> 1 == 0)
			return -1;
		unit->references[unit->reference_count++] = (uint8_t)(byte >> 1);
	}
	return 0;
}

static int read_descriptor(struct qv_rtp_depacketiser *depacketiser, const struct qv_rtp *packet,
			   struct rtp_fragment *fragment, struct qv_error *err)
{
	struct reader *in = &fragment->in;
	struct qv_rtp_unit unit = { 0 };
	unsigned first = (unsigned)get_number(in, 1), layer = 0;
	if (first & BIT_I) {
		unit.picture = (uint16_t)get_number(in, 1);
		if (unit.picture & 0x80)
			unit.picture = (uint16_t)((unit.picture & 0x7f) << 8 | get_number(in, 1));
	}
	if (first & BIT_L) {
		layer = (unsigned)get_number(in, 1);
		unit.layer = (uint8_t)(layer >> 5);
		unit.sync = layer & 0x10;
		if (!(first & BIT_F))
			get_number(in, 1);
	}
	if ((first & BIT_F) && (first & BIT_P) && read_references(in, &unit) != 0)
		return qv_fail(err, QV_E_PROTOCOL, "a VP9 payload refers to itself or to more than %d pictures",
			       QV_RTP_REFERENCES_MAX);
	if (first & BIT_V)
		read_structure(in, &unit);
	if (in->underflow || in->at == in->size)
		return qv_fail(err, QV_E_PROTOCOL, "a VP9 payload of %zu bytes ends in its descriptor", packet->size);
	unsigned spatial = layer >> 1 & 7;
	fragment->begins = (first & BIT_B) && (spatial == 0 || !depacketiser->assembling);
	fragment->ends = packet->marker;
	unit.key = !(first & BIT_P) && !(layer >> 1 & 7 && layer & 1);
	if (fragment->begins)
		depacketiser->unit = unit;
	return 0;
}

const struct rtp_payload rtp_vp9 = { .name = "VP9", .begin = begin, .next = next, .read = read_descriptor };
