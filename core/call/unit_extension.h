/* SPDX-License-Identifier: Apache-2.0 */
/* What the session knows of an access unit beyond its payload format, in header extensions of its first RTP packet. */
#ifndef QV_CALL_UNIT_EXTENSION_H
#define QV_CALL_UNIT_EXTENSION_H

#include <qvisio/rtp.h>

#include "unit_buffer.h"

/* The identifiers that both ends use. */
extern const struct qv_rtp_extensions unit_extensions;

void unit_extension_put(const struct unit_buffer *unit, struct qv_rtp *packet);

/* Numbers on the wire have their low 32 bits; these are the last whole ones. */
struct unit_counters {
	bool started;
	uint64_t sequence, position;
};

/* Fills unit, prediction and key; false: the packet has no such extensions, or impossible ones. */
bool unit_extension_take(const struct qv_rtp *packet, struct unit_counters *counters, struct unit_buffer *unit);

/* NTP times (32.32 bits) of a monotonic clock. */
uint64_t ntp_of(int64_t ns);
int64_t ns_of_ntp(uint64_t ntp);

#endif
