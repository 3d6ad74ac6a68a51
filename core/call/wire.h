/* SPDX-License-Identifier: Apache-2.0 */
/* Records in and out of a TLS session without blocking. At most one record is held back for writing. */
#ifndef QV_CALL_WIRE_H
#define QV_CALL_WIRE_H

#include <qvisio/call.h>

struct wire {
	struct qv_link in_link, out_link; /* different ones while a new session takes over */
	uint64_t bytes_in, bytes_out;
	size_t in_start, in_end;
	size_t out_at, out_size;
	uint8_t in[2 * QV_RECORD_SIZE_MAX];
	uint8_t out[QV_RECORD_SIZE_MAX];
};

/* 1: bytes came, see wire_next; 0: none now; -1 as tls->read. *want_write: TLS must write before it can read. */
int wire_read(struct wire *wire, bool *want_write, struct qv_error *err);

/* 1: a record, valid until the next wire_read; 0: read more; -1 QV_E_PROTOCOL. */
int wire_next(struct wire *wire, struct qv_record *record, struct qv_error *err);

static inline bool wire_idle(const struct wire *wire)
{
	return wire->out_at == wire->out_size;
}

/* Where to put the payload of the next record (QV_RECORD_PAYLOAD_MAX bytes); only while idle. */
static inline uint8_t *wire_payload(struct wire *wire)
{
	return wire->out + QV_RECORD_HEADER;
}

/* Readies the record whose payload was put there. */
void wire_put(struct wire *wire, uint8_t type, uint8_t flags, uint16_t stream, size_t size);

/* Writes the record that is ready: QV_TLS_IO_* or -1. */
int wire_flush(struct wire *wire, struct qv_error *err);

#endif
