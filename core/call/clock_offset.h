/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the peer's clock is from ours, from PING and PONG as NTP does it (RFC 5905 section 8). Of the last exchanges
 * the one with the shortest round trip counts: it waited least in queues, and its error is at most half of it.
 */
#ifndef QV_CALL_CLOCK_OFFSET_H
#define QV_CALL_CLOCK_OFFSET_H

#include <stdbool.h>
#include <stdint.h>

#include <qvisio/session.h>

#define CLOCK_OFFSET_SAMPLES 16

struct clock_offset {
	uint32_t asked;                     /* pings made */
	int64_t sent[CLOCK_OFFSET_SAMPLES]; /* of the last of them; 0: answered */
	uint32_t answered;
	int64_t rtt[CLOCK_OFFSET_SAMPLES]; /* of the last answers */
	int64_t offset[CLOCK_OFFSET_SAMPLES];
};

struct qv_ping clock_offset_ask(struct clock_offset *clocks, int64_t now);

/* False, and no change, when the answer belongs to no open ping or cannot be true. */
bool clock_offset_answer(struct clock_offset *clocks, const struct qv_pong *pong, int64_t now);

/* Nanoseconds that the peer's clock is ahead of ours, and the round trip of that sample. False: not known yet. */
bool clock_offset_best(const struct clock_offset *clocks, int64_t *offset, int64_t *rtt);

#endif
