/* SPDX-License-Identifier: Apache-2.0 */
/* Access units of one stream into RTP packets, what of them may be asked for again, and the figures of its SR. */
#ifndef QV_CALL_RTP_OUT_H
#define QV_CALL_RTP_OUT_H

#include <qvisio/rtp_flow.h>

#include "redundancy.h"
#include "rtp_stream.h"
#include "sound_pads.h"
#include "unit_buffer.h"

struct rtp_out {
	struct rtp_stream stream;
	enum qv_rtp_class class;
	struct qv_rtp_packetiser *packetiser; /* NULL: L16 */
	struct qv_rtp_history *history;
	struct sound_pads *pads; /* seal each payload, once: it is sent again as it was sealed; NULL: none do */
	struct qv_rtp_protector *protector; /* NULL: sound */
	struct redundancy redundancy;
	unsigned group; /* packets to a group of those that are protected; 0: they are not */
	uint16_t sequence, again_sequence, repair_sequence;
	uint32_t packets, octets;
	uint32_t forgotten; /* of the packets, the first: they are not sent again */
	bool any;
	uint32_t timestamp; /* of the last unit, its capture and its number */
	int64_t capture_ns;
	uint64_t unit;
};

int rtp_out_open(struct rtp_out *out, const struct rtp_stream *stream, enum qv_rtp_class class, struct qv_error *err);
void rtp_out_close(struct rtp_out *out);

/*
 * Whole, or nothing of it: QV_E_UNSUPPORTED, QV_E_INVALID (it cannot go as RTP), QV_E_BUSY, QV_E_NOMEM. QV_E_NO_KEY: no
 * pad is left for it, or for the rest of its samples.
 */
int rtp_out_unit(struct rtp_out *out, const struct unit_buffer *unit, struct qv_rtp_pacer *pacer, int64_t now,
		 struct qv_error *err);

/* Sends what the peer has asked for again, where it still can be, so many times each. */
void rtp_out_again(struct rtp_out *out, const uint16_t *sequences, size_t count, struct qv_rtp_pacer *pacer,
		   int64_t now, int64_t rtt_ns, int copies);

/* Nothing that was sent so far is sent again. */
void rtp_out_forget(struct rtp_out *out);

/* Writes a packet of nothing but padding into `bytes` (QV_RTP_PACKET_MAX); its size. */
size_t rtp_out_filler(struct rtp_out *out, uint8_t *bytes);

/* False: nothing was sent yet. */
bool rtp_out_report(const struct rtp_out *out, int64_t now, struct qv_rtcp *report);

#endif
