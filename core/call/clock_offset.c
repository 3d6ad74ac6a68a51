/* SPDX-License-Identifier: Apache-2.0 */
#include "clock_offset.h"

struct qv_ping clock_offset_ask(struct clock_offset *clocks, int64_t now)
{
	struct qv_ping ping = { .number = clocks->asked++, .sent_ns = now };
	clocks->sent[ping.number % CLOCK_OFFSET_SAMPLES] = now;
	return ping;
}

bool clock_offset_answer(struct clock_offset *clocks, const struct qv_pong *pong, int64_t now)
{
	uint32_t age = clocks->asked - pong->ping.number;
	if (age == 0 || age > CLOCK_OFFSET_SAMPLES)
		return false;
	int64_t *sent = &clocks->sent[pong->ping.number % CLOCK_OFFSET_SAMPLES];
	if (*sent == 0 || *sent != pong->ping.sent_ns)
		return false;
	int64_t held = pong->sent_ns - pong->received_ns, rtt = now - *sent - held;
	if (held < 0 || rtt < 0)
		return false;
	uint32_t slot = clocks->answered++ % CLOCK_OFFSET_SAMPLES;
	clocks->rtt[slot] = rtt;
	clocks->offset[slot] = ((pong->received_ns - *sent) + (pong->sent_ns - now)) / 2;
	*sent = 0;
	return true;
}

bool clock_offset_best(const struct clock_offset *clocks, int64_t *offset, int64_t *rtt)
{
	uint32_t count = clocks->answered < CLOCK_OFFSET_SAMPLES ? clocks->answered : CLOCK_OFFSET_SAMPLES;
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0 && clocks->rtt[i] >= *rtt)
			continue;
		*rtt = clocks->rtt[i];
		*offset = clocks->offset[i];
	}
	return count > 0;
}
