/* SPDX-License-Identifier: Apache-2.0 */
/* How a stream of the session goes as RTP: both ends come to the same from its offer. */
#ifndef QV_CALL_RTP_STREAM_H
#define QV_CALL_RTP_STREAM_H

#include <qvisio/rtp.h>
#include <qvisio/session.h>

#define RTP_SSRC_SESSION  1   /* of probes and feedback; streams have their number and 8 bits more */
#define RTP_TYPE_AGAIN    120 /* what is sent again, RFC 4588 */
#define RTP_TYPE_REPAIR   121
#define RTP_DATAGRAM_MAX  1200
#define RTP_PAYLOAD_MAX   1100 /* so that header, extensions and protection still fit */
#define RTP_L16_BYTES_MAX 1080 /* a multiple of a sample of 1 to 6 and 8 channels */

struct rtp_stream {
	uint8_t type;
	uint32_t clock;
	uint32_t ssrc, again_ssrc, repair_ssrc;
	bool l16; /* samples; else: */
	struct qv_rtp_payload_options payload;
	int rate, channels; /* of sound */
};

/* Bytes of whole samples that a packet of L16 takes, under a one-time pad or not. */
size_t rtp_l16_room(int channels, bool sealed);

/* False: there is no payload format for its codec. */
bool rtp_stream_of(const struct qv_stream_offer *offer, struct rtp_stream *stream);

#endif
