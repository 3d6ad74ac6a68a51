/* SPDX-License-Identifier: Apache-2.0 */
/* TRANSPORT: over what the media of its sender go. */
#include <qvisio/session.h>

#include "bytes.h"
#include "text.h"

int qv_transport_encode(const struct qv_transport_state *state, uint8_t *bytes, size_t room, struct qv_error *err)
{
	struct writer out = { .bytes = bytes, .room = room };
	put_number(&out, state->transport, 1);
	put_bytes(&out, state->text, strnlen(state->text, QV_REASON_TEXT_MAX));
	if (out.overflow)
		return qv_fail(err, QV_E_INVALID, "no room for the state of a transport in %zu bytes", room);
	return (int)out.used;
}

int qv_transport_decode(const uint8_t *bytes, size_t size, struct qv_transport_state *state, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	unsigned transport = (unsigned)get_number(&in, 1);
	if (in.underflow || size - in.at > QV_REASON_TEXT_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "the peer's state of its transport has %zu bytes, outside 1 to %d",
			       size, 1 + QV_REASON_TEXT_MAX);
	state->transport = transport == QV_TRANSPORT_SRTP ? QV_TRANSPORT_SRTP : QV_TRANSPORT_STREAM;
	qv_session_text_copy(state->text, bytes + in.at, size - in.at);
	return 0;
}
