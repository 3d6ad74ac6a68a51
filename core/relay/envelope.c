/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope of relay messages: doc/PROTOCOL.md, "Relay between KMEs". */
#include <qvisio/relay.h>

#include <string.h>

#include "../session/bytes.h"

#define VERSION    1
#define FIXED_SIZE (1 + QV_RELAY_SESSION_SIZE + QV_RELAY_DIGEST_SIZE + 2 + 2 + 1 + 1 + 1 + 1 + 2)
#define MODULE_MAX 64

int qv_relay_session_check(const struct qv_relay_session *session, struct qv_error *err)
{
	if (session->keys >= 1 && session->keys <= QV_RELAY_KEYS_MAX && session->key_bytes >= 1 &&
	    (uint32_t)session->keys * session->key_bytes <= QV_RELAY_BYTES_MAX)
		return 0;
	return qv_fail(err, QV_E_INVALID,
		       "a relay session has 1 to %d keys of %d bytes together, not %u keys of %u bytes",
		       QV_RELAY_KEYS_MAX, QV_RELAY_BYTES_MAX, session->keys, session->key_bytes);
}

size_t qv_relay_envelope_size(const struct qv_relay_envelope *envelope)
{
	return FIXED_SIZE + envelope->module_size + envelope->from_size + envelope->to_size + envelope->head_size;
}

static bool in_bounds(const struct qv_relay_envelope *envelope)
{
	return envelope->module_size >= 1 && envelope->module_size <= MODULE_MAX && envelope->from_size >= 1 &&
	       envelope->from_size <= QV_TOPOLOGY_ID_MAX && envelope->to_size >= 1 &&
	       envelope->to_size <= QV_TOPOLOGY_ID_MAX && envelope->head_size <= QV_RELAY_HEAD_MAX;
}

int qv_relay_envelope_write(const struct qv_relay_envelope *envelope, uint8_t *bytes, size_t room, struct qv_error *err)
{
	struct writer out = { .bytes = bytes, .room = room };
	if (qv_relay_session_check(&envelope->session, err) != 0)
		return -1;
	put_number(&out, VERSION, 1);
	put_bytes(&out, envelope->id, sizeof envelope->id);
	put_bytes(&out, envelope->digest, sizeof envelope->digest);
	put_number(&out, envelope->session.keys, 2);
	put_number(&out, envelope->session.key_bytes, 2);
	put_number(&out, envelope->session.attempt, 1);
	put_number(&out, envelope->module_size, 1);
	put_number(&out, envelope->from_size, 1);
	put_number(&out, envelope->to_size, 1);
	put_number(&out, envelope->head_size, 2);
	put_bytes(&out, envelope->module, envelope->module_size);
	put_bytes(&out, envelope->from, envelope->from_size);
	put_bytes(&out, envelope->to, envelope->to_size);
	put_bytes(&out, envelope->head, envelope->head_size);
	if (!in_bounds(envelope) || out.overflow)
		return qv_fail(err, QV_E_INVALID,
			       "a relay message of %zu bytes does not fit its bounds or the %zu bytes given",
			       qv_relay_envelope_size(envelope), room);
	return (int)out.used;
}

/* Printable, so that it can stand in a log. */
static bool good_text(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

int qv_relay_envelope_read(struct qv_relay_envelope *envelope, const uint8_t *bytes, size_t size, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	memset(envelope, 0, sizeof *envelope);
	if (size < FIXED_SIZE)
		return qv_fail(err, QV_E_PROTOCOL, "a relay message of %zu bytes is too short", size);
	unsigned version = (unsigned)get_number(&in, 1);
	if (version != VERSION)
		return qv_fail(err, QV_E_PROTOCOL, "a relay message of version %u, not %d", version, VERSION);
	memcpy(envelope->id, get_bytes(&in, sizeof envelope->id), sizeof envelope->id);
	memcpy(envelope->digest, get_bytes(&in, sizeof envelope->digest), sizeof envelope->digest);
	envelope->session.keys = (uint16_t)get_number(&in, 2);
	envelope->session.key_bytes = (uint16_t)get_number(&in, 2);
	envelope->session.attempt = (uint8_t)get_number(&in, 1);
	envelope->module_size = (size_t)get_number(&in, 1);
	envelope->from_size = (size_t)get_number(&in, 1);
	envelope->to_size = (size_t)get_number(&in, 1);
	envelope->head_size = (size_t)get_number(&in, 2);
	envelope->module = (const char *)get_bytes(&in, envelope->module_size);
	envelope->from = (const char *)get_bytes(&in, envelope->from_size);
	envelope->to = (const char *)get_bytes(&in, envelope->to_size);
	envelope->head = get_bytes(&in, envelope->head_size);
	if (in.underflow || !in_bounds(envelope) || qv_relay_session_check(&envelope->session, NULL) != 0 ||
	    !good_text(envelope->module, envelope->module_size) || !good_text(envelope->from, envelope->from_size) ||
	    !good_text(envelope->to, envelope->to_size))
		return qv_fail(err, QV_E_PROTOCOL, "a relay message whose envelope is cut off or out of bounds");
	return (int)in.at;
}
