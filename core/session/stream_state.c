/* SPDX-License-Identifier: Apache-2.0 */
/* STATE, REFRESH and ATTACH, which came with version 1.1. */
#include <qvisio/session.h>

#include "bytes.h"

static const uint8_t magic[4] = { 'Q', 'V', 'I', 'S' };

void qv_state_encode(const struct qv_stream_state *state, uint8_t bytes[QV_STATE_SIZE])
{
	struct writer out = { .bytes = bytes, .room = QV_STATE_SIZE };
	put_number(&out, state->stream, 2);
	put_number(&out, state->bits, 1);
}

int qv_state_decode(const uint8_t *bytes, size_t size, struct qv_stream_state *state, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	state->stream = (uint16_t)get_number(&in, 2);
	state->bits = (uint8_t)get_number(&in, 1);
	return in.underflow ? qv_fail(err, QV_E_PROTOCOL, "a STATE record of %zu bytes is too short", size) : 0;
}

void qv_refresh_encode(uint16_t stream, uint8_t bytes[QV_REFRESH_SIZE])
{
	struct writer out = { .bytes = bytes, .room = QV_REFRESH_SIZE };
	put_number(&out, stream, 2);
}

int qv_refresh_decode(const uint8_t *bytes, size_t size, uint16_t *stream, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	*stream = (uint16_t)get_number(&in, 2);
	return in.underflow ? qv_fail(err, QV_E_PROTOCOL, "a REFRESH record of %zu bytes is too short", size) : 0;
}

void qv_attach_encode(const uint8_t token[QV_ATTACH_TOKEN], uint8_t bytes[QV_ATTACH_SIZE])
{
	struct writer out = { .bytes = bytes, .room = QV_ATTACH_SIZE };
	put_bytes(&out, magic, sizeof magic);
	put_number(&out, QV_SESSION_MAJOR, 2);
	put_number(&out, QV_SESSION_MINOR, 2);
	put_bytes(&out, token, QV_ATTACH_TOKEN);
}

int qv_attach_decode(const uint8_t *bytes, size_t size, const uint8_t **token, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	const uint8_t *start = get_bytes(&in, sizeof magic);
	unsigned major = (unsigned)get_number(&in, 2);
	get_number(&in, 2);
	*token = get_bytes(&in, QV_ATTACH_TOKEN);
	if (in.underflow || memcmp(start, magic, sizeof magic) != 0 || major != QV_SESSION_MAJOR)
		return qv_fail(err, QV_E_PROTOCOL, "an ATTACH record of %zu bytes is malformed", size);
	return 0;
}

void qv_attach_encode_resume(const uint8_t token[QV_ATTACH_TOKEN], uint32_t generation,
			     uint8_t bytes[QV_ATTACH_RESUME_SIZE])
{
	struct writer out = { .bytes = bytes + QV_ATTACH_SIZE, .room = QV_ATTACH_RESUME_SIZE - QV_ATTACH_SIZE };
	qv_attach_encode(token, bytes);
	put_number(&out, generation, 4);
}

int qv_attach_decode_resume(const uint8_t *bytes, size_t size, const uint8_t **token, uint32_t *generation,
			    struct qv_error *err)
{
	if (qv_attach_decode(bytes, size, token, err) != 0)
		return -1;
	if (size < QV_ATTACH_RESUME_SIZE)
		return qv_fail(err, QV_E_PROTOCOL, "an ATTACH record of %zu bytes is too short to resume a call", size);
	struct reader in = { .bytes = bytes + QV_ATTACH_SIZE, .size = size - QV_ATTACH_SIZE };
	*generation = (uint32_t)get_number(&in, 4);
	return 0;
}
