/* SPDX-License-Identifier: Apache-2.0 */
/* REFUSE and BYE. */
#include <qvisio/session.h>

#include "bytes.h"
#include "text.h"

int qv_reason_encode(const struct qv_reason *reason, uint8_t *bytes, size_t room, struct qv_error *err)
{
	struct writer out = { .bytes = bytes, .room = room };
	put_number(&out, reason->code, 2);
	put_bytes(&out, reason->text, strnlen(reason->text, QV_REASON_TEXT_MAX));
	if (out.overflow)
		return qv_fail(err, QV_E_INVALID, "no room for a reason in %zu bytes", room);
	return (int)out.used;
}

int qv_reason_decode(const uint8_t *bytes, size_t size, struct qv_reason *reason, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	reason->code = (uint16_t)get_number(&in, 2);
	if (in.underflow || size - in.at > QV_REASON_TEXT_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "the peer's reason has %zu bytes, outside 2 to %d", size,
			       2 + QV_REASON_TEXT_MAX);
	qv_session_text_copy(reason->text, bytes + in.at, size - in.at);
	return 0;
}
