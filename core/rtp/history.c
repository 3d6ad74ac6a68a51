/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that were sent, for those that are asked for again. */
#include <qvisio/rtp_flow.h>

#include <stdlib.h>
#include <string.h>

#define AGAIN_MAX 3
#define NUMBER    2 /* bytes of the original sequence number */

struct kept {
	uint8_t *bytes; /* room for the number, then the payload */
	size_t size;    /* of the payload */
	uint16_t sequence;
	struct qv_rtp packet; /* what else the header said */
	unsigned given;
	int64_t given_at;
};

struct qv_rtp_history {
	size_t room;
	struct kept kept[];
};

struct qv_rtp_history *qv_rtp_history_new(size_t packets, struct qv_error *err)
{
	if (packets < 16 || packets > 8192 || (packets & (packets - 1))) {
		qv_fail(err, QV_E_INVALID, "a history of %zu packets: give a power of two from 16 to 8192", packets);
		return NULL;
	}
	struct qv_rtp_history *history = calloc(1, sizeof *history + packets * sizeof history->kept[0]);
	if (!history)
		qv_fail(err, QV_E_NOMEM, "no memory for a history of %zu packets", packets);
	else
		history->room = packets;
	return history;
}

void qv_rtp_history_free(struct qv_rtp_history *history)
{
	for (size_t i = 0; history && i < history->room; i++)
		free(history->kept[i].bytes);
	free(history);
}

int qv_rtp_history_keep(struct qv_rtp_history *history, const struct qv_rtp *packet, struct qv_error *err)
{
	if (packet->size > QV_RTP_PACKET_MAX)
		return qv_fail(err, QV_E_INVALID, "an RTP payload of %zu bytes is over %u", packet->size,
			       QV_RTP_PACKET_MAX);
	struct kept *kept = &history->kept[packet->sequence & (history->room - 1)];
	uint8_t *bytes = realloc(kept->bytes, NUMBER + packet->size);
	if (!bytes)
		return qv_fail(err, QV_E_NOMEM, "no memory to keep a packet of %zu bytes", packet->size);
	bytes[0] = (uint8_t)(packet->sequence >> 8);
	bytes[1] = (uint8_t)packet->sequence;
	if (packet->size)
		memcpy(bytes + NUMBER, packet->payload, packet->size);
	*kept = (struct kept){ .bytes = bytes, .size = packet->size, .sequence = packet->sequence, .packet = *packet };
	return 0;
}

int qv_rtp_history_again(struct qv_rtp_history *history, uint16_t sequence, int64_t now, int64_t rtt_ns,
			 struct qv_rtp *packet)
{
	struct kept *kept = &history->kept[sequence & (history->room - 1)];
	if (!kept->bytes || kept->sequence != sequence || kept->given == AGAIN_MAX ||
	    (kept->given && now - kept->given_at < rtt_ns))
		return 0;
	kept->given++;
	kept->given_at = now;
	*packet = kept->packet;
	packet->payload = kept->bytes;
	packet->size = NUMBER + kept->size;
	return 1;
}

int qv_rtp_original(const struct qv_rtp *retransmission, struct qv_rtp *original, struct qv_error *err)
{
	if (retransmission->size < NUMBER)
		return qv_fail(err, QV_E_PROTOCOL, "a retransmission of %zu bytes", retransmission->size);
	const uint8_t *bytes = retransmission->payload;
	*original = *retransmission;
	original->sequence = (uint16_t)(bytes[0] << 8 | bytes[1]);
	original->payload = bytes + NUMBER;
	original->size -= NUMBER;
	return 0;
}
