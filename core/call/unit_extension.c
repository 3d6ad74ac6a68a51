/* SPDX-License-Identifier: Apache-2.0 */
#include "unit_extension.h"

#include <qvisio/clock.h>

#include "../session/bytes.h"

#define SPAN_US      32 /* unit of the spans */
#define SPAN_MAX     0xffff
#define POSITION_MAX (UINT64_C(1) << 44)

enum { DISCARDABLE = 0x80, SYNC = 0x40 };

const struct qv_rtp_extensions unit_extensions = { .transport = 1, .capture = 2, .unit = 3, .prediction = 4 };

uint64_t ntp_of(int64_t ns)
{
	uint64_t whole = (uint64_t)ns / QV_NS_PER_SECOND, rest = (uint64_t)ns % QV_NS_PER_SECOND;
	return whole << 32 | ((rest << 32) + QV_NS_PER_SECOND / 2) / QV_NS_PER_SECOND;
}

int64_t ns_of_ntp(uint64_t ntp)
{
	uint64_t rest = (ntp & 0xffffffff) * QV_NS_PER_SECOND;
	return (int64_t)(ntp >> 32) * QV_NS_PER_SECOND + (int64_t)((rest + (UINT64_C(1) << 31)) >> 32);
}

static void put_span(struct writer *out, uint32_t us)
{
	put_number(out, us / SPAN_US > SPAN_MAX ? SPAN_MAX : us / SPAN_US, 2);
}

static void put_prediction(const struct unit_buffer *unit, struct qv_rtp *packet)
{
	const struct prediction *prediction = &unit->prediction;
	struct writer out = { .bytes = packet->prediction.bytes, .room = sizeof packet->prediction.bytes };
	put_number(&out,
		   (prediction->discardable ? DISCARDABLE : 0u) | (prediction->sync ? SYNC : 0u) |
			   (prediction->layer & 3u) << 4 | prediction->references,
		   1);
	for (unsigned i = 0; i < prediction->references; i++)
		put_number(&out, prediction->reference[i], 2);
	packet->prediction.size = (uint8_t)out.used;
}

void unit_extension_put(const struct unit_buffer *unit, struct qv_rtp *packet)
{
	struct writer out = { .bytes = packet->unit.bytes, .room = sizeof packet->unit.bytes };
	put_number(&out, unit->unit.sequence & 0xffffffff, 4);
	put_number(&out, unit->unit.position & 0xffffffff, 4);
	put_span(&out, unit->unit.capture_us);
	put_span(&out, unit->unit.encode_us);
	put_span(&out, unit->unit.queue_us);
	packet->unit.size = (uint8_t)out.used;
	if (unit->prediction.told)
		put_prediction(unit, packet);
	packet->has_capture = true;
	packet->capture = ntp_of(unit->unit.capture_ns);
}

/* The number next to `last` with these low bits. */
static uint64_t extend(uint64_t last, uint32_t low)
{
	int64_t step = (int32_t)(low - (uint32_t)last);
	return step < 0 && last < (uint64_t)-step ? low : last + (uint64_t)step;
}

static bool take_prediction(const struct qv_rtp *packet, struct prediction *prediction)
{
	struct reader in = { .bytes = packet->prediction.bytes, .size = packet->prediction.size };
	*prediction = (struct prediction){ .told = packet->prediction.size > 0 };
	if (!prediction->told)
		return true;
	unsigned first = (unsigned)get_number(&in, 1);
	prediction->discardable = first & DISCARDABLE;
	prediction->sync = first & SYNC;
	prediction->layer = first >> 4 & 3;
	prediction->references = first & 3;
	for (unsigned i = 0; i < prediction->references; i++)
		prediction->reference[i] = (uint16_t)get_number(&in, 2);
	return !in.underflow;
}

bool unit_extension_take(const struct qv_rtp *packet, struct unit_counters *counters, struct unit_buffer *unit)
{
	struct reader in = { .bytes = packet->unit.bytes, .size = packet->unit.size };
	uint32_t sequence = (uint32_t)get_number(&in, 4), position = (uint32_t)get_number(&in, 4);
	unit->unit = (struct qv_unit){ .capture_ns = ns_of_ntp(packet->capture),
				       .sequence = extend(counters->sequence, sequence),
				       .position = extend(counters->position, position) };
	unit->unit.capture_us = (uint32_t)get_number(&in, 2) * SPAN_US;
	unit->unit.encode_us = (uint32_t)get_number(&in, 2) * SPAN_US;
	unit->unit.queue_us = (uint32_t)get_number(&in, 2) * SPAN_US;
	if (in.underflow || !packet->has_capture || !take_prediction(packet, &unit->prediction) ||
	    unit->unit.position >= POSITION_MAX || unit->unit.capture_ns > INT64_C(1) << 61)
		return false;
	counters->sequence = unit->unit.sequence;
	counters->position = unit->unit.position;
	return true;
}
