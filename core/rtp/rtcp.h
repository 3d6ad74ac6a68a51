/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of RTCP: RFC 3550 section 12.1, RFC 4585 section 6.1. */
#ifndef QV_RTP_RTCP_H
#define QV_RTP_RTCP_H

#include <qvisio/rtcp.h>

#include "../session/bytes.h"

enum { PT_SR = 200, PT_RR = 201, PT_SDES = 202, PT_BYE = 203, PT_APP = 204, PT_RTPFB = 205, PT_PSFB = 206 };
enum { FMT_NACK = 1, FMT_FEEDBACK = 15, FMT_PLI = 1 };
enum { SDES_CNAME = 1 };

/* Transport-wide feedback, section 3.1: units of reference times and of deltas. */
#define FEEDBACK_REFERENCE_US 64000
#define FEEDBACK_DELTA_US     250
#define FEEDBACK_WRAP_US      ((INT64_C(1) << 24) * FEEDBACK_REFERENCE_US)

/* A packet begins with its length unknown, and ends by filling it in. */
static inline struct writer rtcp_begin(struct qv_rtcp_writer *writer, unsigned count, unsigned type)
{
	struct writer out = { .bytes = writer->bytes, .room = writer->room, .used = writer->used };
	put_number(&out, 0x80 | count, 1);
	put_number(&out, type, 1);
	put_number(&out, 0, 2);
	return out;
}

static inline bool rtcp_end(struct qv_rtcp_writer *writer, struct writer *out)
{
	put_number(out, 0, (4 - (out->used - writer->used) % 4) % 4);
	size_t words = (out->used - writer->used) / 4 - 1;
	if (out->overflow || words > UINT16_MAX)
		return false;
	writer->bytes[writer->used + 2] = (uint8_t)(words >> 8);
	writer->bytes[writer->used + 3] = (uint8_t)words;
	writer->used = out->used;
	return true;
}

#endif
