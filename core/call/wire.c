/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <string.h>

int wire_read(struct wire *wire, bool *want_write, struct qv_error *err)
{
	const struct qv_link *link = &wire->in_link;
	size_t got = 0;
	if (wire->in_start > 0) {
		memmove(wire->in, wire->in + wire->in_start, wire->in_end - wire->in_start);
		wire->in_end -= wire->in_start;
		wire->in_start = 0;
	}
	int io = link->tls->read(link->session, wire->in + wire->in_end, sizeof wire->in - wire->in_end, &got, err);
	if (io < 0)
		return -1;
	*want_write = io == QV_TLS_IO_WANT_WRITE;
	if (io != QV_TLS_IO_DONE)
		return 0;
	wire->in_end += got;
	wire->bytes_in += got;
	return 1;
}

int wire_next(struct wire *wire, struct qv_record *record, struct qv_error *err)
{
	int found = qv_record_parse(wire->in + wire->in_start, wire->in_end - wire->in_start, record, err);
	if (found == 1)
		wire->in_start += QV_RECORD_HEADER + record->size;
	return found;
}

void wire_put(struct wire *wire, uint8_t type, uint8_t flags, uint16_t stream, size_t size)
{
	qv_record_put_header(wire->out, type, flags, stream, size);
	wire->out_at = 0;
	wire->out_size = QV_RECORD_HEADER + size;
}

int wire_flush(struct wire *wire, struct qv_error *err)
{
	const struct qv_link *link = &wire->out_link;
	while (!wire_idle(wire)) {
		size_t put = 0;
		int io = link->tls->write(link->session, wire->out + wire->out_at, wire->out_size - wire->out_at, &put,
					  err);
		if (io != QV_TLS_IO_DONE)
			return io;
		wire->out_at += put;
		wire->bytes_out += put;
	}
	return QV_TLS_IO_DONE;
}
