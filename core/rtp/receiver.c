/* SPDX-License-Identifier: Apache-2.0 */
/* One stream at its receiver: order, gaps, and what is asked for. */
#include <qvisio/rtp_flow.h>

#include <stdlib.h>
#include <string.h>

#include <qvisio/clock.h>

#include "reception.h"

#define SLOTS        QV_RTP_RECEIVER_PACKETS
#define NACKS        8
#define NACK_WAIT_NS (10 * QV_NS_PER_MS) /* for packets that are only out of order */
#define NACK_GAP_NS  (20 * QV_NS_PER_MS)
#define KEY_GAP_NS   (200 * QV_NS_PER_MS)
#define AHEAD        64 /* packets that the stream may be said to have gone on by */

/* A packet that came (bytes), or one that is missing. */
struct slot {
	bool known, missing;
	unsigned asked;
	int64_t since, ask_at; /* missing since; when to ask next */
	uint8_t *bytes;
	struct qv_rtp packet;
};

struct qv_rtp_receiver {
	struct qv_rtp_receiver_options options;
	struct reception reception;
	struct slot slots[SLOTS];
	bool started;
	uint16_t next;    /* to hand out */
	uint16_t highest; /* that came */
	bool want_key;
	int64_t key_asked;
	struct qv_rtp_receiver_stats stats;
	uint8_t *out; /* bytes of the packet handed out last */
};

struct qv_rtp_receiver *qv_rtp_receiver_new(const struct qv_rtp_receiver_options *options, struct qv_error *err)
{
	struct qv_rtp_receiver *receiver = NULL;
	if (options->clock == 0 || options->hold_ns < 0)
		qv_fail(err, QV_E_INVALID, "a receiver of RTP with a clock of %u Hz", options->clock);
	else if (!(receiver = calloc(1, sizeof *receiver)))
		qv_fail(err, QV_E_NOMEM, "no memory for a receiver of RTP");
	else {
		receiver->options = *options;
		reception_start(&receiver->reception, options->clock);
		receiver->key_asked = INT64_MIN / 2;
	}
	return receiver;
}

static struct slot *slot_of(struct qv_rtp_receiver *receiver, uint16_t sequence)
{
	return &receiver->slots[sequence % SLOTS];
}

static void clear(struct slot *slot)
{
	free(slot->bytes);
	*slot = (struct slot){ 0 };
}

void qv_rtp_receiver_free(struct qv_rtp_receiver *receiver)
{
	for (size_t i = 0; receiver && i < SLOTS; i++)
		free(receiver->slots[i].bytes);
	if (receiver)
		free(receiver->out);
	free(receiver);
}

void qv_rtp_receiver_set_hold(struct qv_rtp_receiver *receiver, int64_t hold_ns)
{
	receiver->options.hold_ns = hold_ns > 0 ? hold_ns : 0;
}

static void restart(struct qv_rtp_receiver *receiver, uint16_t sequence)
{
	for (size_t i = 0; i < SLOTS; i++)
		clear(&receiver->slots[i]);
	receiver->started = true;
	receiver->next = sequence;
	receiver->highest = (uint16_t)(sequence - 1);
}

static void give_up(struct qv_rtp_receiver *receiver)
{
	struct slot *slot = slot_of(receiver, receiver->next++);
	if (slot->missing)
		receiver->stats.lost++;
	clear(slot);
}

/* Notes what is missing between the highest number and this one; makes room by giving up the oldest. */
static void reach(struct qv_rtp_receiver *receiver, uint16_t sequence, int64_t now)
{
	while (qv_rtp_sequence_diff(sequence, receiver->next) >= SLOTS)
		give_up(receiver);
	while (qv_rtp_sequence_diff(sequence, receiver->highest) > 0) {
		receiver->highest++;
		if (qv_rtp_sequence_diff(receiver->highest, receiver->next) < 0)
			continue;
		struct slot *slot = slot_of(receiver, receiver->highest);
		*slot = (struct slot){ .missing = true, .since = now, .ask_at = now + NACK_WAIT_NS };
	}
}

int qv_rtp_receiver_put(struct qv_rtp_receiver *receiver, const struct qv_rtp *packet, bool again, int64_t now,
			struct qv_error *err)
{
	if (packet->size > QV_RTP_PACKET_MAX)
		return qv_fail(err, QV_E_INVALID, "an RTP payload of %zu bytes is over %u", packet->size,
			       QV_RTP_PACKET_MAX);
	enum reception_verdict verdict = again ? RECEPTION_FOLLOWS : reception_note(&receiver->reception, packet, now);
	if (verdict == RECEPTION_STRANGE || (again && !receiver->started))
		return 0;
	if (verdict == RECEPTION_RESTARTED || !receiver->started)
		restart(receiver, packet->sequence);
	/* A retransmission fills gaps, and cannot move the stream on. */
	if (again && qv_rtp_sequence_diff(packet->sequence, receiver->highest) > 0)
		return 0;
	if (qv_rtp_sequence_diff(packet->sequence, receiver->next) < 0) {
		receiver->stats.late++;
		return 0;
	}
	reach(receiver, packet->sequence, now);
	struct slot *slot = slot_of(receiver, packet->sequence);
	if (slot->known) {
		receiver->stats.repeated++;
		return 0;
	}
	uint8_t *bytes = malloc(packet->size ? packet->size : 1);
	if (!bytes)
		return qv_fail(err, QV_E_NOMEM, "no memory for an RTP packet of %zu bytes", packet->size);
	if (packet->size)
		memcpy(bytes, packet->payload, packet->size);
	receiver->stats.recovered += slot->asked > 0;
	receiver->stats.packets++;
	*slot = (struct slot){ .known = true, .bytes = bytes, .packet = *packet };
	slot->packet.payload = bytes;
	return 1;
}

void qv_rtp_receiver_expect(struct qv_rtp_receiver *receiver, uint16_t sequence, int64_t now)
{
	int ahead = qv_rtp_sequence_diff(sequence, receiver->highest);
	if (receiver->started && ahead > 0 && ahead <= AHEAD)
		reach(receiver, sequence, now);
}

int qv_rtp_receiver_next(struct qv_rtp_receiver *receiver, int64_t now, struct qv_rtp *packet)
{
	while (receiver->started && qv_rtp_sequence_diff(receiver->highest, receiver->next) >= 0) {
		struct slot *slot = slot_of(receiver, receiver->next);
		if (slot->known) {
			*packet = slot->packet;
			free(receiver->out);
			receiver->out = slot->bytes;
			*slot = (struct slot){ 0 };
			receiver->next++;
			return 1;
		}
		if (now - slot->since < receiver->options.hold_ns)
			return 0;
		give_up(receiver);
	}
	return 0;
}

size_t qv_rtp_receiver_nacks(struct qv_rtp_receiver *receiver, int64_t now, int64_t rtt_ns,
			     uint16_t sequences[QV_RTCP_NACKS_MAX])
{
	size_t count = 0;
	if (!receiver->started || !receiver->options.nack)
		return 0;
	for (uint16_t i = receiver->next; qv_rtp_sequence_diff(receiver->highest, i) >= 0 && count < QV_RTCP_NACKS_MAX;
	     i++) {
		struct slot *slot = slot_of(receiver, i);
		if (!slot->missing || slot->asked == NACKS || now < slot->ask_at ||
		    now - slot->since >= receiver->options.hold_ns)
			continue;
		slot->asked++;
		slot->ask_at = now + (rtt_ns > NACK_GAP_NS ? rtt_ns : NACK_GAP_NS);
		receiver->stats.nacks++;
		sequences[count++] = i;
	}
	return count;
}

int64_t qv_rtp_receiver_due(const struct qv_rtp_receiver *receiver)
{
	int64_t due = QV_RTP_NEVER;
	for (uint16_t i = receiver->next; receiver->started && qv_rtp_sequence_diff(receiver->highest, i) >= 0; i++) {
		const struct slot *slot = &receiver->slots[i % SLOTS];
		if (!slot->missing)
			continue;
		int64_t end = slot->since + receiver->options.hold_ns;
		if (receiver->options.nack && slot->asked < NACKS && slot->ask_at < end)
			end = slot->ask_at;
		due = end < due ? end : due;
	}
	return due;
}

void qv_rtp_receiver_want_key(struct qv_rtp_receiver *receiver)
{
	receiver->want_key = true;
}

void qv_rtp_receiver_got_key(struct qv_rtp_receiver *receiver)
{
	receiver->want_key = false;
}

bool qv_rtp_receiver_ask_key(struct qv_rtp_receiver *receiver, int64_t now, int64_t rtt_ns)
{
	int64_t gap = rtt_ns > KEY_GAP_NS ? rtt_ns : KEY_GAP_NS;
	if (!receiver->want_key || now - receiver->key_asked < gap)
		return false;
	receiver->key_asked = now;
	receiver->stats.keys_asked++;
	return true;
}

bool qv_rtp_receiver_report(struct qv_rtp_receiver *receiver, int64_t now, struct qv_rtcp_report *report)
{
	return reception_report(&receiver->reception, now, report);
}

void qv_rtp_receiver_take_sr(struct qv_rtp_receiver *receiver, const struct qv_rtcp *sr, int64_t now)
{
	reception_take_sr(&receiver->reception, sr, now);
}

bool qv_rtp_receiver_ntp(const struct qv_rtp_receiver *receiver, uint32_t timestamp, uint64_t *ntp)
{
	return reception_ntp(&receiver->reception, timestamp, ntp);
}

void qv_rtp_receiver_stats(const struct qv_rtp_receiver *receiver, struct qv_rtp_receiver_stats *stats)
{
	*stats = receiver->stats;
}
