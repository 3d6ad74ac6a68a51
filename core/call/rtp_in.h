/* SPDX-License-Identifier: Apache-2.0 */
/* RTP packets of one stream into access units. Sound is handed on as it comes: its jitter buffer puts it in order. */
#ifndef QV_CALL_RTP_IN_H
#define QV_CALL_RTP_IN_H

#include <qvisio/rtp_flow.h>

#include "rtp_stream.h"
#include "sound_pads.h"
#include "unit_buffer.h"
#include "unit_extension.h"

struct rtp_in {
	struct rtp_stream stream;
	bool sound;
	struct qv_rtp_receiver *receiver;
	struct qv_rtp_depacketiser *depacketiser; /* NULL: L16 */
	struct qv_rtp_rebuilder *rebuilder;       /* NULL: no repair packet came yet */
	uint64_t rebuilt, resent;                 /* packets that were lost, and came by repair packets, or again */
	struct unit_counters counters;
	bool has_head; /* the first packet of a unit with this timestamp was seen */
	uint32_t head_timestamp;
	struct sound_pads *pads; /* open each payload; NULL: none is sealed */
	struct unit_buffer unit;
};

int rtp_in_open(struct rtp_in *in, const struct rtp_stream *stream, bool sound, struct qv_error *err);
void rtp_in_close(struct rtp_in *in);

/* 1: `in->unit` is complete, and may be swapped away; 0: not yet. What is wrong with a packet makes it a lost one. */
int rtp_in_put(struct rtp_in *in, const struct qv_rtp *packet, bool again, int64_t now);

/* A repair packet of pictures came; units that it completes follow by rtp_in_next. */
void rtp_in_repair(struct rtp_in *in, const struct qv_rtp *repair, int64_t now);

/* The next one that a packet, or time, has completed, until it is 0. */
int rtp_in_next(struct rtp_in *in, int64_t now);

/* How long a missing packet is waited for. */
void rtp_in_set_rtt(struct rtp_in *in, int64_t rtt_ns);

#endif
