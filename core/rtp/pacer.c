/* SPDX-License-Identifier: Apache-2.0 */
/* Spreads packets out in time: a budget that grows with the rate, and goes into debt by one packet. */
#include <qvisio/rtp_flow.h>

#include <stdlib.h>
#include <string.h>

#include <qvisio/clock.h>

#define BURST_NS (20 * QV_NS_PER_MS) /* of budget that idle time saves up: most of a usual picture goes out at once */

struct waiting {
	struct waiting *next;
	size_t size;
	uint8_t bytes[];
};

struct queue {
	struct waiting *first, **last;
};

struct qv_rtp_pacer {
	struct queue queues[QV_RTP_CLASSES];
	size_t bytes, room, overhead;
	int64_t rate;    /* bit/s */
	int64_t free_at; /* when what was sent is paid for */
	int64_t probe_rate;
	size_t probe_left; /* bytes of a probe that are still to leave */
};

struct qv_rtp_pacer *qv_rtp_pacer_new(size_t bytes, size_t overhead, struct qv_error *err)
{
	struct qv_rtp_pacer *pacer = calloc(1, sizeof *pacer);
	if (!pacer) {
		qv_fail(err, QV_E_NOMEM, "no memory for a pacer");
		return NULL;
	}
	pacer->room = bytes;
	pacer->overhead = overhead;
	pacer->rate = 1000000;
	for (int i = 0; i < QV_RTP_CLASSES; i++)
		pacer->queues[i].last = &pacer->queues[i].first;
	return pacer;
}

static struct waiting *take(struct qv_rtp_pacer *pacer, struct queue *queue)
{
	struct waiting *packet = queue->first;
	queue->first = packet->next;
	if (!queue->first)
		queue->last = &queue->first;
	pacer->bytes -= packet->size;
	return packet;
}

void qv_rtp_pacer_free(struct qv_rtp_pacer *pacer)
{
	for (int i = 0; pacer && i < QV_RTP_CLASSES; i++)
		while (pacer->queues[i].first)
			free(take(pacer, &pacer->queues[i]));
	free(pacer);
}

void qv_rtp_pacer_set_rate(struct qv_rtp_pacer *pacer, int64_t bits_per_second)
{
	pacer->rate = bits_per_second > 1000 ? bits_per_second : 1000;
}

int qv_rtp_pacer_put(struct qv_rtp_pacer *pacer, enum qv_rtp_class class, const uint8_t *bytes, size_t size,
		     int64_t now, struct qv_error *err)
{
	(void)now;
	if (size > QV_RTP_PACKET_MAX)
		return qv_fail(err, QV_E_INVALID, "a packet of %zu bytes is over %u", size, QV_RTP_PACKET_MAX);
	if (pacer->bytes + size > pacer->room)
		return qv_fail(err, QV_E_BUSY, "%zu bytes wait to be sent already", pacer->bytes);
	struct waiting *packet = malloc(sizeof *packet + size);
	if (!packet)
		return qv_fail(err, QV_E_NOMEM, "no memory for a packet of %zu bytes", size);
	packet->next = NULL;
	packet->size = size;
	memcpy(packet->bytes, bytes, size);
	struct queue *queue = &pacer->queues[class];
	*queue->last = packet;
	queue->last = &packet->next;
	pacer->bytes += size;
	return 0;
}

void qv_rtp_pacer_probe(struct qv_rtp_pacer *pacer, int64_t bits_per_second, size_t bytes, int64_t now)
{
	pacer->probe_rate = bits_per_second > 1000 ? bits_per_second : 1000;
	pacer->probe_left = bytes;
	pacer->free_at = now;
}

static bool is_empty(const struct qv_rtp_pacer *pacer)
{
	for (int i = 0; i < QV_RTP_CLASSES; i++)
		if (pacer->queues[i].first)
			return false;
	return true;
}

bool qv_rtp_pacer_wants_filler(const struct qv_rtp_pacer *pacer, int64_t now)
{
	return pacer->probe_left > 0 && now >= pacer->free_at && is_empty(pacer);
}

static void pay(struct qv_rtp_pacer *pacer, size_t size, int64_t now)
{
	bool probe = pacer->probe_left > 0;
	size_t whole = size + pacer->overhead;
	if (!probe && pacer->free_at < now - BURST_NS)
		pacer->free_at = now - BURST_NS;
	pacer->free_at += (int64_t)whole * 8 * QV_NS_PER_SECOND / (probe ? pacer->probe_rate : pacer->rate);
	pacer->probe_left = size < pacer->probe_left ? pacer->probe_left - size : 0;
}

void qv_rtp_pacer_filled(struct qv_rtp_pacer *pacer, size_t size, int64_t now)
{
	pay(pacer, size, now);
}

int qv_rtp_pacer_next(struct qv_rtp_pacer *pacer, int64_t now, uint8_t *bytes, size_t *size, enum qv_rtp_class *class)
{
	for (int i = 0; i < QV_RTP_CLASSES; i++) {
		if (!pacer->queues[i].first)
			continue;
		if (i != QV_RTP_SOUND && now < pacer->free_at)
			return 0;
		struct waiting *packet = take(pacer, &pacer->queues[i]);
		memcpy(bytes, packet->bytes, packet->size);
		*size = packet->size;
		*class = (enum qv_rtp_class)i;
		pay(pacer, packet->size, now);
		free(packet);
		return 1;
	}
	return 0;
}

int64_t qv_rtp_pacer_due(const struct qv_rtp_pacer *pacer, int64_t now)
{
	if (pacer->queues[QV_RTP_SOUND].first)
		return now;
	if (pacer->probe_left == 0 && is_empty(pacer))
		return QV_RTP_NEVER;
	return pacer->free_at > now ? pacer->free_at : now;
}

size_t qv_rtp_pacer_bytes(const struct qv_rtp_pacer *pacer)
{
	return pacer->bytes;
}
