/* SPDX-License-Identifier: Apache-2.0 */
/* Records: what the TLS stream is cut into. */
#include <qvisio/session.h>

#include "bytes.h"

int qv_record_parse(const uint8_t *bytes, size_t size, struct qv_record *record, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	record->type = (uint8_t)get_number(&in, 1);
	record->flags = (uint8_t)get_number(&in, 1);
	record->stream = (uint16_t)get_number(&in, 2);
	record->size = (size_t)get_number(&in, 4);
	if (in.underflow)
		return 0;
	if (record->type == 0)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent a record of type 0, which there is not");
	if (record->size > QV_RECORD_PAYLOAD_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "the peer sent a record of type %u with %zu bytes, more than %d",
			       record->type, record->size, QV_RECORD_PAYLOAD_MAX);
	record->payload = get_bytes(&in, record->size);
	return record->payload ? 1 : 0;
}

void qv_record_put_header(uint8_t bytes[QV_RECORD_HEADER], uint8_t type, uint8_t flags, uint16_t stream, size_t size)
{
	struct writer out = { .bytes = bytes, .room = QV_RECORD_HEADER };
	put_number(&out, type, 1);
	put_number(&out, flags, 1);
	put_number(&out, stream, 2);
	put_number(&out, size, 4);
}
