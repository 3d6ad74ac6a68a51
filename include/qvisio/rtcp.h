/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTCP: SR, RR, SDES, BYE, APP (RFC 3550 section 6), generic NACK (RFC 4585 section 6.2.1), PLI (section 6.3.1), transport-wide
 * feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01), compound or reduced-size (RFC 5506). Readers take
 * hostile bytes and allocate nothing. An object belongs to one thread at a time.
 */
#ifndef QVISIO_RTCP_H
#define QVISIO_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_RTCP_REPORTS_MAX  31
#define QV_RTCP_CNAME_MAX    255
#define QV_RTCP_NACKS_MAX    256 /* sequence numbers in one packet; the rest is not looked at */
#define QV_RTCP_FEEDBACK_MAX 512 /* packets that one feedback speaks of; more is a breach */

enum qv_rtcp_kind {
	QV_RTCP_OTHER, /* nothing of it is read */
	QV_RTCP_SR,
	QV_RTCP_RR,
	QV_RTCP_SDES,
	QV_RTCP_BYE,
	QV_RTCP_NACK,
	QV_RTCP_PLI,
	QV_RTCP_FEEDBACK,
	QV_RTCP_APP
};

struct qv_rtcp_report {
	uint32_t ssrc;     /* of the stream it is about */
	uint8_t fraction;  /* lost since the last report, of 256 */
	int32_t lost;      /* altogether, 24 bits with sign */
	uint32_t highest;  /* extended sequence number */
	uint32_t jitter;   /* timestamp units */
	uint32_t last_sr;  /* middle 32 bits of its NTP time; 0: none yet */
	uint32_t since_sr; /* 1/65536 s from its arrival until this report */
};

struct qv_rtcp {
	enum qv_rtcp_kind kind;
	uint32_t sender; /* SSRC; SDES, BYE: of the first chunk */
	/* SR */
	uint64_t ntp;
	uint32_t timestamp, packets, octets;
	/* SR, RR */
	unsigned report_count;
	struct qv_rtcp_report reports[QV_RTCP_REPORTS_MAX];
	/* SDES: CNAME of the first chunk, may hold anything; "" if there is none */
	char cname[QV_RTCP_CNAME_MAX + 1];
	/* NACK, PLI, FEEDBACK; APP: its subtype and its name, four letters */
	uint32_t media;
	unsigned subtype;
	uint32_t name;
	const uint8_t *control; /* feedback control information, or the data of an APP; borrowed */
	size_t control_size;
};

struct qv_rtcp_reader {
	const uint8_t *bytes;
	size_t size, at;
};

/*
 * The next packet of a datagram: 1; 0: no more; -1 QV_E_PROTOCOL: what follows in this datagram is not looked at. What was read
 * before stays valid. Start with at = 0. NTP times are 32.32 bits, by the sender's clock with any origin.
 */
int qv_rtcp_read(struct qv_rtcp_reader *reader, struct qv_rtcp *packet, struct qv_error *err);

/* The sequence numbers of a NACK, in its order; how many. */
size_t qv_rtcp_read_nacks(const struct qv_rtcp *packet, uint16_t sequences[QV_RTCP_NACKS_MAX]);

struct qv_rtcp_arrival {
	bool received;
	int64_t at_us; /* by the receiver's clock, from 0 to about 12.4 days, then again from 0 */
};

struct qv_rtcp_feedback {
	uint16_t base;  /* transport-wide sequence number of the first arrival */
	uint8_t number; /* rises by one with each feedback */
	size_t count;
	struct qv_rtcp_arrival arrivals[QV_RTCP_FEEDBACK_MAX];
};

/* QV_E_PROTOCOL: chunks or deltas that end early, more than QV_RTCP_FEEDBACK_MAX packets, a reserved symbol. */
int qv_rtcp_read_feedback(const struct qv_rtcp *packet, struct qv_rtcp_feedback *feedback, struct qv_error *err);

/* Appends packets to one datagram; what does not fit is left out whole, and the function returns false. */
struct qv_rtcp_writer {
	uint8_t *bytes;
	size_t room, used;
};

/* SR (kind QV_RTCP_SR) or RR, from sender, ntp, timestamp, packets, octets and reports. */
bool qv_rtcp_put_report(struct qv_rtcp_writer *writer, const struct qv_rtcp *packet);
bool qv_rtcp_put_cname(struct qv_rtcp_writer *writer, uint32_t sender, const char *cname);
bool qv_rtcp_put_bye(struct qv_rtcp_writer *writer, uint32_t sender);
bool qv_rtcp_put_pli(struct qv_rtcp_writer *writer, uint32_t sender, uint32_t media);

/* RFC 3550 section 6.7; `size` is a multiple of 4, subtype at most 31. */
bool qv_rtcp_put_app(struct qv_rtcp_writer *writer, uint32_t sender, unsigned subtype, uint32_t name,
		     const uint8_t *data, size_t size);

/* Sequence numbers in rising order, at most QV_RTCP_NACKS_MAX. */
bool qv_rtcp_put_nacks(struct qv_rtcp_writer *writer, uint32_t sender, uint32_t media, const uint16_t *sequences,
		       size_t count);

/*
 * Puts as many of the arrivals as fit, at least the first, and says in *put how many; times are rounded to 250 us. Ends
 * before a step in time that the format cannot hold. The first must be received.
 */
bool qv_rtcp_put_feedback(struct qv_rtcp_writer *writer, uint32_t sender, uint32_t media,
			  const struct qv_rtcp_feedback *feedback, size_t *put);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
