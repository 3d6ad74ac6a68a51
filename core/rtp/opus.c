/* SPDX-License-Identifier: Apache-2.0 */
/* Opus in RTP: RFC 7587 section 4.2, one packet a payload; what a packet may be is RFC 6716 section 3. */
#include "payload.h"

#define FRAME_MAX    1275 /* bytes of a frame, RFC 6716 section 3.4 R2 */
#define DURATION_MAX 5760 /* samples at 48 kHz in a packet: 120 ms, R5 */

/* Samples at 48 kHz of one frame, by the configuration number of the TOC byte (table 2). */
static int frame_duration(unsigned toc)
{
	unsigned config = toc >> 3;
	static const int silk[] = { 480, 960, 1920, 2880 };
	if (config < 12)
		return silk[config & 3];
	if (config < 16)
		return config & 1 ? 960 : 480;
	return 120 << (config & 3);
}

/* A frame length of one or two bytes, section 3.2.1. */
static size_t get_length(struct reader *in)
{
	size_t length = (size_t)get_number(in, 1);
	return length < 252 ? length : length + 4 * (size_t)get_number(in, 1);
}

/* The frames of code 3, section 3.2.5; 0 if they are not well-formed. */
static int count_frames(struct reader *in)
{
	unsigned byte = (unsigned)get_number(in, 1), count = byte & 63;
	size_t padding = 0;
	for (bool more = byte & 0x40; more && !in->underflow;) {
		unsigned step = (unsigned)get_number(in, 1);
		more = step == 255;
		padding += more ? 254 : step;
	}
	if (in->underflow || count == 0 || padding > in->size - in->at)
		return 0;
	in->size -= padding;
	if (byte & 0x80) {
		size_t sum = 0;
		for (unsigned i = 1; i < count && !in->underflow; i++) {
			size_t length = get_length(in);
			sum += length;
			if (length > FRAME_MAX)
				return 0;
		}
		size_t left = in->size - in->at;
		return !in->underflow && sum <= left && left - sum <= FRAME_MAX ? (int)count : 0;
	}
	size_t left = in->size - in->at;
	return left % count == 0 && left / count <= FRAME_MAX ? (int)count : 0;
}

int qv_rtp_opus_duration(const uint8_t *bytes, size_t size, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	unsigned toc = (unsigned)get_number(&in, 1);
	size_t left = size - in.at, first;
	int frames = 0;
	switch (toc & 3) {
	case 0:
		frames = left <= FRAME_MAX ? 1 : 0;
		break;
	case 1:
		frames = left % 2 == 0 && left / 2 <= FRAME_MAX ? 2 : 0;
		break;
	case 2:
		first = get_length(&in);
		left = in.size - in.at;
		frames = first <= FRAME_MAX && first <= left && left - first <= FRAME_MAX ? 2 : 0;
		break;
	default:
		frames = count_frames(&in);
	}
	int duration = frames * frame_duration(toc);
	if (in.underflow || frames == 0 || duration > DURATION_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "%zu bytes are no Opus packet", size);
	return duration;
}

static int begin(struct qv_rtp_packetiser *packetiser, struct qv_error *err)
{
	const struct qv_rtp_unit *unit = &packetiser->unit;
	if (unit->size > packetiser->options.payload_max)
		return qv_fail(err, QV_E_INVALID, "an Opus packet of %zu bytes is over %zu, and RTP does not cut them",
			       unit->size, packetiser->options.payload_max);
	struct qv_error why = QV_ERROR_INIT;
	if (qv_rtp_opus_duration(unit->data, unit->size, &why) < 0)
		return qv_fail(err, QV_E_INVALID, "%s", why.message);
	return 0;
}

/* The marker is of the sender: it tells the start of a talkspurt (RFC 7587 section 4.1). */
static void next(struct qv_rtp_packetiser *packetiser, struct writer *out, bool *marker)
{
	rtp_put_rest(packetiser, out);
	*marker = packetiser->unit.key;
}

static int read_packet(struct qv_rtp_depacketiser *depacketiser, const struct qv_rtp *packet,
		       struct rtp_fragment *fragment, struct qv_error *err)
{
	fragment->begins = fragment->ends = true;
	depacketiser->unit = (struct qv_rtp_unit){ .key = true };
	return qv_rtp_opus_duration(packet->payload, packet->size, err) < 0 ? -1 : 0;
}

const struct rtp_payload rtp_opus = { .name = "Opus", .begin = begin, .next = next, .read = read_packet };
