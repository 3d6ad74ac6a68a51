/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp_out.h"

#include <string.h>

#include <qvisio/clock.h>

#include "unit_extension.h"

#define HISTORY_PICTURES 2048
#define HISTORY_SOUND    128
#define GROUP            10 /* packets that repair packets are of */
#define DESCRIPTOR       8  /* bytes of a payload that are no data, about */

int rtp_out_open(struct rtp_out *out, const struct rtp_stream *stream, enum qv_rtp_class class, struct qv_error *err)
{
	*out = (struct rtp_out){ .stream = *stream, .class = class };
	out->history = qv_rtp_history_new(class == QV_RTP_SOUND ? HISTORY_SOUND : HISTORY_PICTURES, err);
	if (!out->history)
		return -1;
	if (stream->l16)
		return 0;
	if (class == QV_RTP_PICTURE && !(out->protector = qv_rtp_protector_new(&unit_extensions, err)))
		return -1;
	out->packetiser = qv_rtp_packetiser_new(&stream->payload, err);
	return out->packetiser ? 0 : -1;
}

void rtp_out_close(struct rtp_out *out)
{
	qv_rtp_packetiser_free(out->packetiser);
	qv_rtp_history_free(out->history);
	qv_rtp_protector_free(out->protector);
	*out = (struct rtp_out){ 0 };
}

static uint32_t timestamp_of(const struct rtp_out *out, const struct qv_unit *unit)
{
	const struct rtp_stream *stream = &out->stream;
	if (out->class == QV_RTP_SOUND)
		return (uint32_t)(unit->position * stream->clock / (uint64_t)stream->rate);
	return (uint32_t)((uint64_t)unit->capture_ns / 100 * stream->clock / (QV_NS_PER_SECOND / 100));
}

static int put(struct qv_rtp_pacer *pacer, enum qv_rtp_class class, const struct qv_rtp *packet, int64_t now,
	       struct qv_error *err)
{
	uint8_t bytes[QV_RTP_PACKET_MAX];
	int size = qv_rtp_write(packet, &unit_extensions, bytes, sizeof bytes, err);
	return size < 0 ? -1 : qv_rtp_pacer_put(pacer, class, bytes, (size_t)size, now, err);
}

/* Repair packets follow the last of a group at once. What there is no room for goes without. */
static void protect(struct rtp_out *out, const struct qv_rtp *packet, struct qv_rtp_pacer *pacer, int64_t now)
{
	struct qv_rtp_protector *protector = out->protector;
	struct qv_rtp repair;
	if (qv_rtp_protector_add(protector, packet, NULL) != 0 ||
	    (!packet->marker && qv_rtp_protector_count(protector) < out->group))
		return;
	unsigned repairs = redundancy_repairs(&out->redundancy, qv_rtp_protector_count(protector));
	for (unsigned i = 0; i < repairs && qv_rtp_protector_repair(protector, i, &repair, NULL) == 0; i++) {
		repair.type = RTP_TYPE_REPAIR;
		repair.ssrc = out->stream.repair_ssrc;
		repair.sequence = out->repair_sequence;
		repair.has_transport = true;
		if (put(pacer, out->class, &repair, now, NULL) != 0)
			break;
		out->repair_sequence++;
	}
	qv_rtp_protector_begin(protector);
}

/* Only what is sealed is kept to be sent again, so that no byte of a pad serves twice. */
static int seal(struct rtp_out *out, const struct qv_unit *unit, struct qv_rtp *packet, uint8_t *sealed,
		struct qv_error *err)
{
	struct qv_unit bound = sound_pads_payload(unit);
	if (packet->size > RTP_PAYLOAD_MAX - QV_PAD_OVERHEAD)
		return qv_fail(err, QV_E_UNSUPPORTED, "a payload of %zu bytes is too large for its one-time pad",
			       packet->size);
	if (sound_pads_seal(out->pads, &bound, packet->payload, packet->size, sealed, err) != 0)
		return -1;
	packet->payload = sealed;
	packet->size += QV_PAD_OVERHEAD;
	return 0;
}

static int send(struct rtp_out *out, const struct qv_unit *unit, struct qv_rtp *packet, struct qv_rtp_pacer *pacer,
		int64_t now, struct qv_error *err)
{
	const uint8_t *plain = packet->payload;
	uint8_t sealed[RTP_PAYLOAD_MAX];
	if (out->pads && seal(out, unit, packet, sealed, err) != 0)
		return -1;
	packet->type = out->stream.type;
	packet->ssrc = out->stream.ssrc;
	packet->has_transport = true; /* the number is given when it leaves */
	packet->sequence = out->sequence;
	if (put(pacer, out->class, packet, now, err) != 0) {
		packet->payload = plain;
		return -1;
	}
	out->sequence++;
	out->packets++;
	out->octets += (uint32_t)packet->size;
	/* Without memory for it, it cannot be sent again; that is all. */
	(void)qv_rtp_history_keep(out->history, packet, NULL);
	if (out->group > 0)
		protect(out, packet, pacer, now);
	packet->unit.size = packet->prediction.size = 0;
	packet->has_capture = false;
	packet->payload = plain;
	return 0;
}

/* Each packet is a unit of its own: one that is lost takes no others with it. */
static int send_samples(struct rtp_out *out, const struct unit_buffer *unit, struct qv_rtp_pacer *pacer, int64_t now,
			struct qv_error *err)
{
	size_t frame = 2 * (size_t)out->stream.channels, most = rtp_l16_room(out->stream.channels, out->pads != NULL);
	struct unit_buffer piece = *unit;
	uint8_t samples[RTP_L16_BYTES_MAX];
	if (unit->size % frame != 0)
		return qv_fail(err, QV_E_INVALID, "%zu bytes are no samples of %d channels", unit->size,
			       out->stream.channels);
	for (size_t at = 0; at < unit->size;) {
		size_t size = unit->size - at < most ? unit->size - at : most;
		struct qv_rtp packet = { .payload = samples, .size = size, .marker = at == 0 && !out->any };
		for (size_t i = 0; i < size; i += 2) {
			samples[i] = unit->data[at + i + 1];
			samples[i + 1] = unit->data[at + i];
		}
		piece.unit.position = unit->unit.position + at / frame;
		piece.unit.capture_ns =
			unit->unit.capture_ns + (int64_t)(at / frame) * QV_NS_PER_SECOND / out->stream.rate;
		packet.timestamp = timestamp_of(out, &piece.unit);
		unit_extension_put(&piece, &packet);
		if (send(out, &piece.unit, &packet, pacer, now, err) != 0)
			return -1;
		at += size;
	}
	return 0;
}

/* All groups of a picture are of about one size. */
static void begin_groups(struct rtp_out *out, size_t size)
{
	if (!out->protector)
		return;
	size_t packets = (size + RTP_PAYLOAD_MAX - DESCRIPTOR - 1) / (RTP_PAYLOAD_MAX - DESCRIPTOR);
	size_t groups = (packets + GROUP - 1) / GROUP;
	unsigned group = (unsigned)((packets + groups - 1) / groups);
	qv_rtp_protector_begin(out->protector);
	redundancy_group(&out->redundancy, group);
	out->group = redundancy_repairs(&out->redundancy, group) > 0 ? group : 0;
}

static int send_payloads(struct rtp_out *out, const struct unit_buffer *unit, struct qv_rtp_pacer *pacer, int64_t now,
			 struct qv_error *err)
{
	const struct prediction *prediction = &unit->prediction;
	struct qv_rtp_unit whole = { .data = unit->data,
				     .size = unit->size,
				     .key = unit->key,
				     .sync = prediction->sync,
				     .layer = prediction->layer,
				     .width = out->stream.payload.width,
				     .height = out->stream.payload.height };
	for (unsigned i = 0; i < prediction->references && i < QV_RTP_REFERENCES_MAX && !unit->key; i++)
		if (prediction->reference[i] <= 127)
			whole.references[whole.reference_count++] = (uint8_t)prediction->reference[i];
	if (out->class == QV_RTP_SOUND)
		whole.key = !out->any; /* the marker tells the start of a talkspurt */
	if (qv_rtp_packetiser_begin(out->packetiser, &whole, err) != 0)
		return -1;
	uint8_t payload[QV_RTP_PACKET_MAX];
	struct qv_rtp packet = { .timestamp = timestamp_of(out, &unit->unit), .payload = payload };
	unit_extension_put(unit, &packet);
	begin_groups(out, unit->size);
	while ((packet.size = qv_rtp_packetiser_next(out->packetiser, payload, &packet.marker)) > 0)
		if (send(out, &unit->unit, &packet, pacer, now, err) != 0)
			return -1;
	return 0;
}

int rtp_out_unit(struct rtp_out *out, const struct unit_buffer *unit, struct qv_rtp_pacer *pacer, int64_t now,
		 struct qv_error *err)
{
	int status =
		out->stream.l16 ? send_samples(out, unit, pacer, now, err) : send_payloads(out, unit, pacer, now, err);
	if (status != 0)
		return -1;
	out->any = true;
	out->timestamp = timestamp_of(out, &unit->unit);
	out->capture_ns = unit->unit.capture_ns;
	out->unit = unit->unit.sequence;
	return 0;
}

void rtp_out_again(struct rtp_out *out, const uint16_t *sequences, size_t count, struct qv_rtp_pacer *pacer,
		   int64_t now, int64_t rtt_ns, int copies)
{
	for (size_t i = 0; i < count; i++) {
		struct qv_rtp packet;
		uint16_t back = (uint16_t)(out->sequence - sequences[i]);
		if (back > out->packets - out->forgotten ||
		    !qv_rtp_history_again(out->history, sequences[i], now, rtt_ns, &packet))
			continue;
		packet.type = RTP_TYPE_AGAIN;
		packet.ssrc = out->stream.again_ssrc;
		packet.has_transport = true;
		for (int copy = 0; copy < copies; copy++) {
			packet.sequence = out->again_sequence;
			if (put(pacer, QV_RTP_AGAIN, &packet, now, NULL) != 0)
				return;
			out->again_sequence++;
		}
	}
}

void rtp_out_forget(struct rtp_out *out)
{
	out->forgotten = out->packets;
}

size_t rtp_out_filler(struct rtp_out *out, uint8_t *bytes)
{
	struct qv_rtp packet = { .type = RTP_TYPE_AGAIN,
				 .ssrc = out->stream.again_ssrc,
				 .sequence = out->again_sequence++,
				 .timestamp = out->timestamp,
				 .has_transport = true,
				 .padding = UINT8_MAX };
	return (size_t)qv_rtp_write(&packet, &unit_extensions, bytes, QV_RTP_PACKET_MAX, NULL);
}

bool rtp_out_report(const struct rtp_out *out, int64_t now, struct qv_rtcp *report)
{
	if (!out->any)
		return false;
	int64_t since = now - out->capture_ns;
	*report =
		(struct qv_rtcp){ .kind = QV_RTCP_SR,
				  .sender = out->stream.ssrc,
				  .ntp = ntp_of(now),
				  .timestamp = out->timestamp + (uint32_t)(since / 1000 * out->stream.clock / 1000000),
				  .packets = out->packets,
				  .octets = out->octets };
	return true;
}
