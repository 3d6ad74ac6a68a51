/* SPDX-License-Identifier: Apache-2.0 */
/* Repair packets at the sender. */
#include <stdlib.h>
#include <string.h>

#include "repair.h"

struct qv_rtp_protector {
	struct qv_rtp_extensions ids;
	unsigned count;
	uint16_t first;
	uint32_t timestamp;
	size_t size; /* of the longest symbol */
	size_t sizes[QV_RTP_REPAIR_GROUP];
	uint8_t symbols[QV_RTP_REPAIR_GROUP][SYMBOL_MAX];
	uint8_t repair[REPAIR_HEAD + SYMBOL_MAX];
};

struct qv_rtp_protector *qv_rtp_protector_new(const struct qv_rtp_extensions *ids, struct qv_error *err)
{
	struct qv_rtp_protector *protector = calloc(1, sizeof *protector);
	if (!protector)
		qv_fail(err, QV_E_NOMEM, "no memory for repair packets");
	else
		protector->ids = *ids;
	return protector;
}

void qv_rtp_protector_free(struct qv_rtp_protector *protector)
{
	free(protector);
}

void qv_rtp_protector_begin(struct qv_rtp_protector *protector)
{
	protector->count = 0;
	protector->size = 0;
}

int qv_rtp_protector_add(struct qv_rtp_protector *protector, const struct qv_rtp *packet, struct qv_error *err)
{
	unsigned count = protector->count;
	if (count == QV_RTP_REPAIR_GROUP || (count > 0 && (packet->sequence != (uint16_t)(protector->first + count) ||
							   packet->timestamp != protector->timestamp)))
		return qv_fail(err, QV_E_INVALID, "RTP packet %u does not belong to the group of %u from %u on",
			       packet->sequence, count, protector->first);
	int size = repair_symbol(packet, &protector->ids, protector->symbols[count], err);
	if (size < 0)
		return -1;
	if (count == 0) {
		protector->first = packet->sequence;
		protector->timestamp = packet->timestamp;
	}
	protector->sizes[count] = (size_t)size;
	protector->size = (size_t)size > protector->size ? (size_t)size : protector->size;
	protector->count++;
	return 0;
}

unsigned qv_rtp_protector_count(const struct qv_rtp_protector *protector)
{
	return protector->count;
}

int qv_rtp_protector_repair(struct qv_rtp_protector *protector, unsigned index, struct qv_rtp *repair,
			    struct qv_error *err)
{
	const uint8_t *symbols[QV_RTP_REPAIR_GROUP];
	uint8_t weights[QV_RTP_REPAIR_GROUP], *bytes = protector->repair;
	if (protector->count == 0 || index >= QV_RTP_REPAIRS_MAX)
		return qv_fail(err, QV_E_INVALID, "repair packet %u of %u packets", index, protector->count);
	for (unsigned i = 0; i < protector->count; i++) {
		memset(protector->symbols[i] + protector->sizes[i], 0, protector->size - protector->sizes[i]);
		symbols[i] = protector->symbols[i];
		weights[i] = repair_weight(index, i);
	}
	bytes[0] = (uint8_t)(protector->first >> 8);
	bytes[1] = (uint8_t)protector->first;
	bytes[2] = (uint8_t)protector->count;
	bytes[3] = (uint8_t)index;
	repair_sum(weights, symbols, protector->count, protector->size, bytes + REPAIR_HEAD);
	*repair = (struct qv_rtp){ .timestamp = protector->timestamp,
				   .payload = bytes,
				   .size = REPAIR_HEAD + protector->size };
	return 0;
}
