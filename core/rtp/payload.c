/* SPDX-License-Identifier: Apache-2.0 */
/* Units to payloads and back: what is the same for every format. */
#include "payload.h"

#include <stdlib.h>

#define PAYLOAD_MIN 64

static const struct rtp_payload *const formats[] = {
	[QV_RTP_JPEG] = &rtp_jpeg, [QV_RTP_VP8] = &rtp_vp8, [QV_RTP_VP9] = &rtp_vp9, [QV_RTP_OPUS] = &rtp_opus
};

static int check(const struct qv_rtp_payload_options *options, struct qv_error *err)
{
	if ((unsigned)options->format > QV_RTP_OPUS || options->layers > 3)
		return qv_fail(err, QV_E_INVALID, "there is no RTP payload format %d with %u layers",
			       (int)options->format, options->layers);
	return 0;
}

struct qv_rtp_packetiser *qv_rtp_packetiser_new(const struct qv_rtp_payload_options *options, struct qv_error *err)
{
	if (check(options, err) != 0)
		return NULL;
	if (options->payload_max < PAYLOAD_MIN || options->payload_max > QV_RTP_PACKET_MAX) {
		qv_fail(err, QV_E_INVALID, "RTP payloads of at most %zu bytes: give %d to %u", options->payload_max,
			PAYLOAD_MIN, QV_RTP_PACKET_MAX);
		return NULL;
	}
	struct qv_rtp_packetiser *packetiser = calloc(1, sizeof *packetiser);
	if (!packetiser) {
		qv_fail(err, QV_E_NOMEM, "no memory to packetise %s", formats[options->format]->name);
		return NULL;
	}
	packetiser->format = formats[options->format];
	packetiser->options = *options;
	packetiser->picture = UINT16_MAX;
	packetiser->base = packetiser->key_number = UINT8_MAX;
	return packetiser;
}

void qv_rtp_packetiser_free(struct qv_rtp_packetiser *packetiser)
{
	free(packetiser);
}

int qv_rtp_packetiser_begin(struct qv_rtp_packetiser *packetiser, const struct qv_rtp_unit *unit, struct qv_error *err)
{
	packetiser->unit.size = 0;
	if (unit->size == 0 || unit->size > QV_RTP_UNIT_MAX || unit->layer > 2 ||
	    unit->reference_count > QV_RTP_REFERENCES_MAX)
		return qv_fail(err, QV_E_INVALID, "%zu bytes of temporal layer %u are no %s unit for RTP", unit->size,
			       unit->layer, packetiser->format->name);
	packetiser->unit = *unit;
	packetiser->at = 0;
	if (packetiser->format->begin(packetiser, err) == 0)
		return 0;
	packetiser->unit.size = 0;
	return -1;
}

size_t qv_rtp_packetiser_next(struct qv_rtp_packetiser *packetiser, uint8_t *payload, bool *marker)
{
	struct writer out = { .bytes = payload, .room = packetiser->options.payload_max };
	*marker = false;
	if (packetiser->unit.size == 0)
		return 0;
	packetiser->format->next(packetiser, &out, marker);
	if (*marker || packetiser->format == &rtp_opus)
		packetiser->unit.size = 0;
	return out.used;
}

bool rtp_put_rest(struct qv_rtp_packetiser *packetiser, struct writer *out)
{
	size_t left = packetiser->unit.size - packetiser->at, room = out->room - out->used;
	size_t size = left < room ? left : room;
	put_bytes(out, packetiser->unit.data + packetiser->at, size);
	packetiser->at += size;
	return packetiser->at == packetiser->unit.size;
}

void rtp_count_picture(struct qv_rtp_packetiser *packetiser)
{
	packetiser->picture = (packetiser->picture + 1) & 0x7fff;
	if (packetiser->unit.layer == 0)
		packetiser->base++;
}

struct qv_rtp_depacketiser *qv_rtp_depacketiser_new(const struct qv_rtp_payload_options *options, struct qv_error *err)
{
	if (check(options, err) != 0)
		return NULL;
	struct qv_rtp_depacketiser *depacketiser = calloc(1, sizeof *depacketiser);
	if (!depacketiser) {
		qv_fail(err, QV_E_NOMEM, "no memory to depacketise %s", formats[options->format]->name);
		return NULL;
	}
	depacketiser->format = formats[options->format];
	depacketiser->options = *options;
	return depacketiser;
}

void qv_rtp_depacketiser_free(struct qv_rtp_depacketiser *depacketiser)
{
	if (depacketiser)
		free(depacketiser->bytes);
	free(depacketiser);
}

int rtp_append(struct qv_rtp_depacketiser *depacketiser, const uint8_t *bytes, size_t size, struct qv_error *err)
{
	if (size > QV_RTP_UNIT_MAX - depacketiser->used)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent a %s unit of more than %u bytes",
			       depacketiser->format->name, QV_RTP_UNIT_MAX);
	size_t needed = depacketiser->used + size;
	if (needed > depacketiser->room) {
		size_t room = needed * 2 + 4096;
		uint8_t *larger = realloc(depacketiser->bytes, room);
		if (!larger)
			return qv_fail(err, QV_E_NOMEM, "no memory for a %s unit of %zu bytes",
				       depacketiser->format->name, needed);
		depacketiser->bytes = larger;
		depacketiser->room = room;
	}
	if (size && bytes)
		memcpy(depacketiser->bytes + depacketiser->used, bytes, size);
	else if (size)
		memset(depacketiser->bytes + depacketiser->used, 0, size);
	depacketiser->used = needed;
	return 0;
}

static void give_up(struct qv_rtp_depacketiser *depacketiser)
{
	depacketiser->assembling = false;
	depacketiser->missing = true;
}

/* Notices packets that are missing before this one, and a unit that stopped before its end. */
static void follow(struct qv_rtp_depacketiser *depacketiser, const struct qv_rtp *packet)
{
	bool next = packet->sequence == (uint16_t)(depacketiser->sequence + 1);
	if (depacketiser->started && !next)
		give_up(depacketiser);
	if (depacketiser->assembling && packet->timestamp != depacketiser->timestamp)
		give_up(depacketiser);
	depacketiser->started = true;
	depacketiser->sequence = packet->sequence;
}

static int take(struct qv_rtp_depacketiser *depacketiser, const struct qv_rtp *packet, struct rtp_fragment *fragment,
		struct qv_error *err)
{
	if (fragment->begins) {
		if (depacketiser->assembling)
			give_up(depacketiser);
		depacketiser->used = 0;
		depacketiser->assembling = true;
		depacketiser->timestamp = packet->timestamp;
		const struct rtp_payload *format = depacketiser->format;
		if (format->start && format->start(depacketiser, err) != 0)
			return -1;
		depacketiser->head = depacketiser->used;
	}
	if (!depacketiser->assembling) {
		depacketiser->missing = true;
		return 0;
	}
	return rtp_append(depacketiser, fragment->in.bytes + fragment->in.at, fragment->in.size - fragment->in.at, err);
}

int qv_rtp_depacketiser_push(struct qv_rtp_depacketiser *depacketiser, const struct qv_rtp *packet,
			     struct qv_rtp_unit *unit, struct qv_error *err)
{
	follow(depacketiser, packet);
	if (packet->size == 0)
		return 0; /* padding that probes the path */
	struct rtp_fragment fragment = { .in = { .bytes = packet->payload, .size = packet->size } };
	const struct rtp_payload *format = depacketiser->format;
	if (format->read(depacketiser, packet, &fragment, err) != 0 ||
	    take(depacketiser, packet, &fragment, err) != 0) {
		give_up(depacketiser);
		return -1;
	}
	if (!depacketiser->assembling || !fragment.ends)
		return 0;
	depacketiser->assembling = false;
	if (format->finish && format->finish(depacketiser, err) != 0) {
		depacketiser->missing = true;
		return -1;
	}
	*unit = depacketiser->unit;
	unit->data = depacketiser->bytes;
	unit->size = depacketiser->used;
	unit->timestamp = packet->timestamp;
	unit->missing = depacketiser->missing;
	depacketiser->missing = false;
	return 1;
}
