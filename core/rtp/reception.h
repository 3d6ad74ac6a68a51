/* SPDX-License-Identifier: Apache-2.0 */
/* What a receiver report says of a stream: RFC 3550 appendices A.1, A.3 and A.8; and the sender's clock by its SRs. */
#ifndef QV_RTP_RECEPTION_H
#define QV_RTP_RECEPTION_H

#include <qvisio/rtcp.h>
#include <qvisio/rtp.h>

struct reception {
	uint32_t clock;
	bool started;
	uint32_t ssrc;
	uint32_t base, highest; /* extended */
	uint16_t strange_next;  /* what would follow the last strange number */
	bool strange;
	uint32_t received, received_before, expected_before;
	int64_t transit; /* timestamp units */
	bool has_transit;
	double jitter;
	bool has_sr;
	uint64_t sr_ntp;
	uint32_t sr_timestamp;
	int64_t sr_at;
};

enum reception_verdict {
	RECEPTION_FOLLOWS,
	RECEPTION_STRANGE,  /* far from its stream: not taken */
	RECEPTION_RESTARTED /* the stream goes on from here */
};

void reception_start(struct reception *reception, uint32_t clock);
enum reception_verdict reception_note(struct reception *reception, const struct qv_rtp *packet, int64_t now);
bool reception_report(struct reception *reception, int64_t now, struct qv_rtcp_report *report);
void reception_take_sr(struct reception *reception, const struct qv_rtcp *sr, int64_t now);
bool reception_ntp(const struct reception *reception, uint32_t timestamp, uint64_t *ntp);

#endif
