/* SPDX-License-Identifier: Apache-2.0 */
#include "reception.h"

#include <qvisio/clock.h>
#include <qvisio/rtp_flow.h>

#define AHEAD_MAX  3000
#define BEHIND_MAX QV_RTP_RECEIVER_PACKETS
#define LOST_MAX   0x7fffff
#define LOST_MIN   (-0x800000)

void reception_start(struct reception *reception, uint32_t clock)
{
	*reception = (struct reception){ .clock = clock };
}

static void begin(struct reception *reception, const struct qv_rtp *packet)
{
	uint32_t clock = reception->clock;
	struct reception old = *reception;
	*reception = (struct reception){ .clock = clock, .started = true, .ssrc = packet->ssrc };
	/* One cycle more than nothing, so that numbers before the first are no special case. */
	reception->base = reception->highest = 0x10000u + packet->sequence;
	reception->has_sr = old.has_sr;
	reception->sr_ntp = old.sr_ntp;
	reception->sr_timestamp = old.sr_timestamp;
	reception->sr_at = old.sr_at;
}

static enum reception_verdict place(struct reception *reception, const struct qv_rtp *packet)
{
	int ahead = qv_rtp_sequence_diff(packet->sequence, (uint16_t)reception->highest);
	if (ahead > -BEHIND_MAX && ahead < AHEAD_MAX) {
		reception->strange = false;
		if (ahead > 0)
			reception->highest += (uint32_t)ahead;
		return RECEPTION_FOLLOWS;
	}
	bool again = reception->strange && packet->sequence == reception->strange_next;
	reception->strange = true;
	reception->strange_next = (uint16_t)(packet->sequence + 1);
	if (!again)
		return RECEPTION_STRANGE;
	begin(reception, packet);
	return RECEPTION_RESTARTED;
}

/* Appendix A.8. Whole seconds apart, so that nothing overflows. */
static void note_transit(struct reception *reception, uint32_t timestamp, int64_t now)
{
	int64_t units = now / QV_NS_PER_SECOND * reception->clock +
			now % QV_NS_PER_SECOND * reception->clock / QV_NS_PER_SECOND;
	int32_t transit = (int32_t)((uint32_t)units - timestamp);
	if (reception->has_transit) {
		double step = (double)(int32_t)((uint32_t)transit - (uint32_t)reception->transit);
		reception->jitter += ((step < 0 ? -step : step) - reception->jitter) / 16;
	}
	reception->transit = transit;
	reception->has_transit = true;
}

enum reception_verdict reception_note(struct reception *reception, const struct qv_rtp *packet, int64_t now)
{
	enum reception_verdict verdict = RECEPTION_RESTARTED;
	if (reception->started)
		verdict = place(reception, packet);
	else
		begin(reception, packet);
	if (verdict == RECEPTION_STRANGE)
		return verdict;
	reception->received++;
	note_transit(reception, packet->timestamp, now);
	return verdict;
}

bool reception_report(struct reception *reception, int64_t now, struct qv_rtcp_report *report)
{
	if (!reception->started)
		return false;
	uint32_t expected = reception->highest - reception->base + 1;
	int64_t lost = (int64_t)expected - reception->received;
	uint32_t expected_now = expected - reception->expected_before;
	int64_t lost_now = (int64_t)expected_now - (int64_t)(reception->received - reception->received_before);
	reception->expected_before = expected;
	reception->received_before = reception->received;
	lost = lost > LOST_MAX ? LOST_MAX : lost < LOST_MIN ? LOST_MIN : lost;
	*report = (struct qv_rtcp_report){ .ssrc = reception->ssrc,
					   .lost = (int32_t)lost,
					   .highest = reception->highest - 0x10000u,
					   .jitter = (uint32_t)reception->jitter };
	if (expected_now && lost_now > 0)
		report->fraction = (uint8_t)(lost_now * 256 / expected_now > 255 ? 255 : lost_now * 256 / expected_now);
	if (reception->has_sr) {
		int64_t since = now - reception->sr_at;
		report->last_sr = (uint32_t)(reception->sr_ntp >> 16);
		report->since_sr =
			since > 60000 * QV_NS_PER_SECOND ? UINT32_MAX : (uint32_t)(since * 65536 / QV_NS_PER_SECOND);
	}
	return true;
}

void reception_take_sr(struct reception *reception, const struct qv_rtcp *sr, int64_t now)
{
	reception->has_sr = true;
	reception->sr_ntp = sr->ntp;
	reception->sr_timestamp = sr->timestamp;
	reception->sr_at = now;
}

bool reception_ntp(const struct reception *reception, uint32_t timestamp, uint64_t *ntp)
{
	if (!reception->has_sr)
		return false;
	int64_t units = (int32_t)(timestamp - reception->sr_timestamp);
	int64_t whole = units / (int64_t)reception->clock, rest = units % (int64_t)reception->clock;
	*ntp = reception->sr_ntp + ((uint64_t)whole << 32) +
	       (uint64_t)(rest * (INT64_C(1) << 32) / (int64_t)reception->clock);
	return true;
}

int64_t qv_rtp_round_trip_ns(const struct qv_rtcp_report *report, uint64_t ntp)
{
	if (report->last_sr == 0)
		return 0;
	int32_t trip = (int32_t)((uint32_t)(ntp >> 16) - report->last_sr - report->since_sr);
	return trip > 0 ? (int64_t)trip * QV_NS_PER_SECOND / 65536 : 0;
}
