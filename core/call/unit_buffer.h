/* SPDX-License-Identifier: Apache-2.0 */
/* An access unit that owns its bytes; its memory is reused from one unit to the next. */
#ifndef QV_CALL_UNIT_BUFFER_H
#define QV_CALL_UNIT_BUFFER_H

#include <stdbool.h>

#include <qvisio/session.h>

/* What a picture builds on, as in struct qv_packet. */
struct prediction {
	bool told, discardable, sync;
	uint8_t layer, references;
	uint16_t reference[QV_PACKET_REFERENCES_MAX];
};

struct prediction prediction_of(const struct qv_packet *packet);

struct unit_buffer {
	struct qv_unit unit;
	bool key;
	struct prediction prediction;
	int64_t ready_ns;    /* sender: encoded; receiver: complete; by our clock */
	int64_t captured_ns; /* receiver: unit.capture_ns by our clock; -1: the offset is not known yet */
	uint8_t *data;
	size_t size, room;
};

/* Makes room for `size` bytes, keeping what is there. */
int unit_buffer_reserve(struct unit_buffer *buffer, size_t size, struct qv_error *err);

/* Copies unit and data. */
int unit_buffer_set(struct unit_buffer *buffer, const struct qv_unit *unit, bool key, const uint8_t *data,
		    struct qv_error *err);

void unit_buffer_swap(struct unit_buffer *a, struct unit_buffer *b);
/* Gives memory back that only an unusual unit needed: a peer must not make every buffer as large as its largest unit. */
void unit_buffer_trim(struct unit_buffer *buffer, size_t room);

void unit_buffer_free(struct unit_buffer *buffer);

#endif
