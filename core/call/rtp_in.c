/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp_in.h"

#include <string.h>

#include <qvisio/clock.h>

#define HOLD_MIN_NS (100 * QV_NS_PER_MS)
#define HOLD_MAX_NS (500 * QV_NS_PER_MS)

int rtp_in_open(struct rtp_in *in, const struct rtp_stream *stream, bool sound, struct qv_error *err)
{
	struct qv_rtp_receiver_options options = { .clock = stream->clock, .hold_ns = HOLD_MIN_NS, .nack = true };
	*in = (struct rtp_in){ .stream = *stream, .sound = sound };
	in->receiver = qv_rtp_receiver_new(&options, err);
	if (!in->receiver)
		return -1;
	if (stream->l16)
		return 0;
	in->depacketiser = qv_rtp_depacketiser_new(&stream->payload, err);
	return in->depacketiser ? 0 : -1;
}

void rtp_in_close(struct rtp_in *in)
{
	qv_rtp_receiver_free(in->receiver);
	qv_rtp_depacketiser_free(in->depacketiser);
	qv_rtp_rebuilder_free(in->rebuilder);
	unit_buffer_free(&in->unit);
	*in = (struct rtp_in){ 0 };
}

void rtp_in_set_rtt(struct rtp_in *in, int64_t rtt_ns)
{
	int64_t hold = 2 * rtt_ns + 50 * QV_NS_PER_MS;
	qv_rtp_receiver_set_hold(in->receiver, hold < HOLD_MIN_NS   ? HOLD_MIN_NS
					       : hold > HOLD_MAX_NS ? HOLD_MAX_NS
								    : hold);
}

static int fill(struct rtp_in *in, const uint8_t *data, size_t size, int64_t now)
{
	struct unit_buffer *unit = &in->unit;
	if (size < 1 || size > (in->sound ? QV_AUDIO_UNIT_MAX : QV_PACKET_MAX) ||
	    unit_buffer_reserve(unit, size, NULL) != 0)
		return 0;
	memcpy(unit->data, data, size);
	unit->unit.size = (uint32_t)size;
	unit->size = size;
	unit->ready_ns = now;
	return 1;
}

/* Pictures: the extensions come with the first packet of a unit, which is complete with its last. */
static int take_picture(struct rtp_in *in, const struct qv_rtp *packet, int64_t now)
{
	struct qv_rtp_unit unit;
	if (packet->unit.size) {
		in->has_head = unit_extension_take(packet, &in->counters, &in->unit);
		in->head_timestamp = packet->timestamp;
	}
	if (qv_rtp_depacketiser_push(in->depacketiser, packet, &unit, NULL) != 1)
		return 0;
	bool known = in->has_head && in->head_timestamp == unit.timestamp;
	in->has_head = false;
	in->unit.key = unit.key;
	return known ? fill(in, unit.data, unit.size, now) : 0;
}

static int take_opus(struct rtp_in *in, const struct qv_rtp *packet, int64_t now)
{
	int duration = qv_rtp_opus_duration(packet->payload, packet->size, NULL);
	if (duration < 0)
		return 0;
	in->unit.key = true;
	in->unit.unit.frames = (uint32_t)((int64_t)duration * in->stream.rate / QV_RTP_OPUS_CLOCK);
	return in->unit.unit.frames ? fill(in, packet->payload, packet->size, now) : 0;
}

static int take_samples(struct rtp_in *in, const struct qv_rtp *packet, int64_t now)
{
	size_t frame = 2 * (size_t)in->stream.channels;
	if (packet->size % frame != 0 || !fill(in, packet->payload, packet->size, now))
		return 0;
	for (size_t i = 0; i < packet->size; i += 2) {
		in->unit.data[i] = packet->payload[i + 1];
		in->unit.data[i + 1] = packet->payload[i];
	}
	in->unit.key = true;
	in->unit.unit.frames = (uint32_t)(packet->size / frame);
	return 1;
}

/* What does not open is as good as lost: SRTP has passed it, so only a peer, or who has broken SRTP, can have made it. */
static bool open_payload(struct rtp_in *in, struct qv_rtp *packet, uint8_t plain[QV_RTP_PACKET_MAX])
{
	struct qv_unit bound = sound_pads_payload(&in->unit.unit);
	if (packet->size > QV_RTP_PACKET_MAX)
		return false;
	int size = sound_pads_open(in->pads, &bound, packet->payload, packet->size, plain, NULL);
	packet->payload = plain;
	packet->size = size > 0 ? (size_t)size : 0;
	return size > 0;
}

static int take_sound(struct rtp_in *in, const struct qv_rtp *packet, int64_t now)
{
	struct unit_counters counters = in->counters;
	struct qv_rtp clear = *packet;
	uint8_t plain[QV_RTP_PACKET_MAX];
	if (!unit_extension_take(packet, &counters, &in->unit) || (in->pads && !open_payload(in, &clear, plain)))
		return 0;
	in->counters = counters;
	return in->stream.l16 ? take_samples(in, &clear, now) : take_opus(in, &clear, now);
}

static void rebuild(struct rtp_in *in, int64_t now)
{
	struct qv_rtp packet;
	while (qv_rtp_rebuilder_next(in->rebuilder, &packet))
		if (packet.type == in->stream.type && packet.ssrc == in->stream.ssrc && packet.size > 0 &&
		    qv_rtp_receiver_put(in->receiver, &packet, true, now, NULL) == 1)
			in->rebuilt++;
}

void rtp_in_repair(struct rtp_in *in, const struct qv_rtp *repair, int64_t now)
{
	uint16_t last;
	if (in->sound || (!in->rebuilder && !(in->rebuilder = qv_rtp_rebuilder_new(&unit_extensions, NULL))) ||
	    qv_rtp_rebuilder_take(in->rebuilder, repair, &last, NULL) != 0)
		return;
	/* The last packets of a picture are missed at once, not when the next one comes. */
	qv_rtp_receiver_expect(in->receiver, last, now);
	rebuild(in, now);
}

int rtp_in_put(struct rtp_in *in, const struct qv_rtp *packet, bool again, int64_t now)
{
	if (packet->size == 0 && again)
		return 0;
	if (qv_rtp_receiver_put(in->receiver, packet, again, now, NULL) != 1)
		return 0;
	in->resent += again;
	if (in->rebuilder) {
		qv_rtp_rebuilder_note(in->rebuilder, packet);
		rebuild(in, now);
	}
	if (!in->sound)
		return 0;
	return take_sound(in, packet, now);
}

int rtp_in_next(struct rtp_in *in, int64_t now)
{
	struct qv_rtp packet;
	while (qv_rtp_receiver_next(in->receiver, now, &packet))
		if (!in->sound && take_picture(in, &packet, now))
			return 1;
	return 0;
}
