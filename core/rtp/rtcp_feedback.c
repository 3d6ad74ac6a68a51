/* SPDX-License-Identifier: Apache-2.0 */
/* Transport-wide feedback: draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1. */
#include "rtcp.h"

enum { LOST = 0, SMALL = 1, LARGE = 2 };

#define SYMBOLS_IN_VECTOR 7 /* of two bits */
#define RUN_MAX           8191

/* Symbols of one chunk to out; how many of `left` it spoke of. */
static size_t read_chunk(unsigned chunk, uint8_t *symbols, size_t left)
{
	size_t count;
	if (chunk >> 15 == 0) {
		count = chunk & RUN_MAX;
		if (count > left)
			count = left;
		memset(symbols, (int)(chunk >> 13 & 3), count);
		return count;
	}
	bool two_bits = chunk & 0x4000;
	count = two_bits ? SYMBOLS_IN_VECTOR : 14;
	if (count > left)
		count = left;
	for (size_t i = 0; i < count; i++)
		symbols[i] = (uint8_t)(two_bits ? chunk >> (12 - 2 * i) & 3 : chunk >> (13 - i) & 1);
	return count;
}

static int ends_early(struct qv_error *err)
{
	return qv_fail(err, QV_E_PROTOCOL, "transport-wide feedback that ends early, or is not well-formed");
}

int qv_rtcp_read_feedback(const struct qv_rtcp *packet, struct qv_rtcp_feedback *feedback, struct qv_error *err)
{
	struct reader in = { .bytes = packet->control, .size = packet->control_size };
	uint8_t symbols[QV_RTCP_FEEDBACK_MAX];
	if (packet->kind != QV_RTCP_FEEDBACK)
		return ends_early(err);
	feedback->base = (uint16_t)get_number(&in, 2);
	feedback->count = (size_t)get_number(&in, 2);
	int64_t at_us = (int64_t)get_number(&in, 3) * FEEDBACK_REFERENCE_US;
	feedback->number = (uint8_t)get_number(&in, 1);
	if (feedback->count > QV_RTCP_FEEDBACK_MAX)
		return qv_fail(err, QV_E_PROTOCOL, "transport-wide feedback about %zu packets, more than %d",
			       feedback->count, QV_RTCP_FEEDBACK_MAX);
	for (size_t known = 0; known < feedback->count;) {
		size_t count = read_chunk((unsigned)get_number(&in, 2), symbols + known, feedback->count - known);
		if (in.underflow || count == 0)
			return ends_early(err);
		known += count;
	}
	for (size_t i = 0; i < feedback->count; i++) {
		int64_t delta = 0;
		if (symbols[i] > LARGE)
			return ends_early(err);
		if (symbols[i] == SMALL)
			delta = (int64_t)get_number(&in, 1);
		if (symbols[i] == LARGE)
			delta = (int16_t)(uint16_t)get_number(&in, 2);
		at_us += delta * FEEDBACK_DELTA_US;
		feedback->arrivals[i] = (struct qv_rtcp_arrival){ .received = symbols[i] != LOST, .at_us = at_us };
	}
	return in.underflow ? ends_early(err) : 0;
}

/* Steps of time between received packets, in units of FEEDBACK_DELTA_US. */
struct steps {
	size_t count, bytes; /* packets, and what their deltas take */
	uint8_t symbols[QV_RTCP_FEEDBACK_MAX];
	int16_t deltas[QV_RTCP_FEEDBACK_MAX];
};

/* As many packets as `room` bytes hold with vectors of two-bit symbols. */
static void plan_steps(struct steps *steps, const struct qv_rtcp_feedback *feedback, int64_t reference_us, size_t room)
{
	int64_t units = 0;
	steps->count = steps->bytes = 0;
	for (size_t i = 0; i < feedback->count; i++) {
		const struct qv_rtcp_arrival *arrival = &feedback->arrivals[i];
		size_t size = 0;
		int64_t delta = 0;
		if (arrival->received) {
			delta = (arrival->at_us - reference_us + FEEDBACK_DELTA_US / 2) / FEEDBACK_DELTA_US - units;
			if (delta < INT16_MIN || delta > INT16_MAX)
				return;
			size = delta >= 0 && delta <= UINT8_MAX ? 1 : 2;
		}
		if (2 * (i / SYMBOLS_IN_VECTOR + 1) + steps->bytes + size > room)
			return;
		units += delta;
		steps->symbols[i] = (uint8_t)size;
		steps->deltas[i] = (int16_t)delta;
		steps->bytes += size;
		steps->count = i + 1;
	}
}

static void put_chunks(struct writer *out, const struct steps *steps)
{
	for (size_t i = 0; i < steps->count;) {
		size_t run = 1;
		while (i + run < steps->count && steps->symbols[i + run] == steps->symbols[i])
			run++;
		if (run >= SYMBOLS_IN_VECTOR || i + run == steps->count) {
			put_number(out, (unsigned)steps->symbols[i] << 13 | (unsigned)run, 2);
			i += run;
			continue;
		}
		unsigned chunk = 0xc000;
		for (unsigned j = 0; j < SYMBOLS_IN_VECTOR && i < steps->count; j++, i++)
			chunk |= (unsigned)steps->symbols[i] << (12 - 2 * j);
		put_number(out, chunk, 2);
	}
}

bool qv_rtcp_put_feedback(struct qv_rtcp_writer *writer, uint32_t sender, uint32_t media,
			  const struct qv_rtcp_feedback *feedback, size_t *put)
{
	enum { HEAD = 20, PADDING = 4 };
	struct steps steps;
	*put = 0;
	if (feedback->count == 0 || feedback->count > QV_RTCP_FEEDBACK_MAX || !feedback->arrivals[0].received ||
	    feedback->arrivals[0].at_us < 0 || writer->room - writer->used < HEAD + PADDING)
		return false;
	int64_t reference = feedback->arrivals[0].at_us / FEEDBACK_REFERENCE_US;
	plan_steps(&steps, feedback, reference * FEEDBACK_REFERENCE_US, writer->room - writer->used - HEAD - PADDING);
	if (steps.count == 0)
		return false;
	struct writer out = rtcp_begin(writer, FMT_FEEDBACK, PT_RTPFB);
	put_number(&out, sender, 4);
	put_number(&out, media, 4);
	put_number(&out, feedback->base, 2);
	put_number(&out, steps.count, 2);
	put_number(&out, (uint64_t)reference & 0xffffff, 3);
	put_number(&out, feedback->number, 1);
	put_chunks(&out, &steps);
	for (size_t i = 0; i < steps.count; i++)
		put_number(&out, (uint16_t)steps.deltas[i], steps.symbols[i]);
	if (!rtcp_end(writer, &out))
		return false;
	*put = steps.count;
	return true;
}
