/* SPDX-License-Identifier: Apache-2.0 */
#include "unit_buffer.h"

#include <stdlib.h>
#include <string.h>

int unit_buffer_reserve(struct unit_buffer *buffer, size_t size, struct qv_error *err)
{
	if (size <= buffer->room)
		return 0;
	size_t room = buffer->room ? buffer->room : 4096;
	while (room < size)
		room *= 2;
	uint8_t *data = realloc(buffer->data, room);
	if (!data)
		return qv_fail(err, QV_E_NOMEM, "no memory for an access unit of %zu bytes", size);
	buffer->data = data;
	buffer->room = room;
	return 0;
}

struct prediction prediction_of(const struct qv_packet *packet)
{
	struct prediction prediction = { packet->told, packet->discardable, packet->sync, packet->layer, 0, { 0 } };
	while (packet->told && prediction.references < packet->references &&
	       prediction.references < QV_PACKET_REFERENCES_MAX) {
		prediction.reference[prediction.references] = packet->reference[prediction.references];
		prediction.references++;
	}
	return prediction;
}

int unit_buffer_set(struct unit_buffer *buffer, const struct qv_unit *unit, bool key, const uint8_t *data,
		    struct qv_error *err)
{
	if (unit_buffer_reserve(buffer, unit->size, err) != 0)
		return -1;
	memcpy(buffer->data, data, unit->size);
	buffer->unit = *unit;
	buffer->size = unit->size;
	buffer->key = key;
	buffer->prediction = (struct prediction){ 0 };
	return 0;
}

void unit_buffer_swap(struct unit_buffer *a, struct unit_buffer *b)
{
	struct unit_buffer held = *a;
	*a = *b;
	*b = held;
}

void unit_buffer_trim(struct unit_buffer *buffer, size_t room)
{
	if (buffer->room > room)
		unit_buffer_free(buffer);
}

void unit_buffer_free(struct unit_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct unit_buffer){ 0 };
}
