/* SPDX-License-Identifier: Apache-2.0 */
#include <qvisio/session.h>

#include "bytes.h"

static void put_ping(struct writer *out, const struct qv_ping *ping)
{
	put_number(out, ping->number, 4);
	put_number(out, (uint64_t)ping->sent_ns, 8);
}

static void get_ping(struct reader *in, struct qv_ping *ping)
{
	ping->number = (uint32_t)get_number(in, 4);
	ping->sent_ns = get_time(in);
}

void qv_ping_encode(const struct qv_ping *ping, uint8_t bytes[QV_PING_SIZE])
{
	struct writer out = { .bytes = bytes, .room = QV_PING_SIZE };
	put_ping(&out, ping);
}

int qv_ping_decode(const uint8_t *bytes, size_t size, struct qv_ping *ping, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	get_ping(&in, ping);
	return in.underflow ? qv_fail(err, QV_E_PROTOCOL, "the peer sent a malformed PING") : 0;
}

void qv_pong_encode(const struct qv_pong *pong, uint8_t bytes[QV_PONG_SIZE])
{
	struct writer out = { .bytes = bytes, .room = QV_PONG_SIZE };
	put_ping(&out, &pong->ping);
	put_number(&out, (uint64_t)pong->received_ns, 8);
	put_number(&out, (uint64_t)pong->sent_ns, 8);
}

int qv_pong_decode(const uint8_t *bytes, size_t size, struct qv_pong *pong, struct qv_error *err)
{
	struct reader in = { .bytes = bytes, .size = size };
	get_ping(&in, &pong->ping);
	pong->received_ns = get_time(&in);
	pong->sent_ns = get_time(&in);
	return in.underflow ? qv_fail(err, QV_E_PROTOCOL, "the peer sent a malformed PONG") : 0;
}
