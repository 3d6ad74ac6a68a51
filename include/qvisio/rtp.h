/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTP packets (RFC 3550 section 5.1, extensions of RFC 8285) and the payload formats of JPEG (RFC 2435), VP8 (RFC 7741),
 * VP9 (RFC 9628) and Opus (RFC 7587). Everything that reads takes hostile bytes. No clock, no socket, no thread of its
 * own: an object belongs to one thread at a time.
 */
#ifndef QVISIO_RTP_H
#define QVISIO_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_RTP_PACKET_MAX  1500u /* bytes of a packet with its header, protection included */
#define QV_RTP_HEADER_MAX  68u   /* what qv_rtp_write puts before the payload, at most */
#define QV_RTP_PRIVATE_MAX 16u   /* bytes of a private extension */
#define QV_RTP_VIDEO_CLOCK 90000u
#define QV_RTP_OPUS_CLOCK  48000u /* at every sample rate: RFC 7587 section 4.1 */

/* Which local identifiers (RFC 8285, 1 to 14) the two ends agreed on; 0: the extension is not used. */
struct qv_rtp_extensions {
	uint8_t transport; /* transport-wide sequence number, 2 bytes */
	uint8_t capture;   /* absolute capture time, 8 bytes: NTP time, 32.32 bits */
	uint8_t unit;      /* two of the application's own, 1 to QV_RTP_PRIVATE_MAX bytes each */
	uint8_t prediction;
};

struct qv_rtp_private {
	uint8_t size; /* 0: none */
	uint8_t bytes[QV_RTP_PRIVATE_MAX];
};

struct qv_rtp {
	uint8_t type; /* payload type, 0 to 127 */
	bool marker;
	bool has_transport, has_capture;
	uint16_t sequence;
	uint16_t transport;
	uint32_t timestamp;
	uint32_t ssrc;
	uint64_t capture;
	struct qv_rtp_private unit, prediction;
	const uint8_t *payload; /* borrowed; padding left out */
	size_t size;
	uint8_t padding; /* octets that are written behind the payload; not set by reading */
};

/*
 * Reads one packet. Unknown extensions and contributing sources are passed over. The payload points into `bytes`.
 * QV_E_PROTOCOL: not RTP version 2, or fields that overrun the packet.
 */
int qv_rtp_read(struct qv_rtp *packet, const uint8_t *bytes, size_t size, const struct qv_rtp_extensions *ids,
		struct qv_error *err);

/* Writes header and payload; returns the bytes written, or -1 QV_E_INVALID (no room, type over 127). */
int qv_rtp_write(const struct qv_rtp *packet, const struct qv_rtp_extensions *ids, uint8_t *bytes, size_t room,
		 struct qv_error *err);

/* True for RTCP on a port shared with RTP (RFC 5761 section 4): packet types 192 to 223. */
bool qv_rtp_is_rtcp(const uint8_t *bytes, size_t size);

/* a - b of numbers that wrap. */
static inline int qv_rtp_sequence_diff(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(a - b);
}

enum qv_rtp_format { QV_RTP_JPEG, QV_RTP_VP8, QV_RTP_VP9, QV_RTP_OPUS };

#define QV_RTP_UNIT_MAX       (16u * 1024 * 1024) /* bytes of an encoded picture */
#define QV_RTP_REFERENCES_MAX 3

/* An encoded picture, or a packet of sound. */
struct qv_rtp_unit {
	const uint8_t *data; /* borrowed */
	size_t size;
	uint32_t timestamp; /* read: of its packets; written: not looked at */
	bool key;           /* decodable without others */
	bool missing;       /* read: packets between the unit before and this one never came */
	bool sync;          /* VP8 Y, VP9 U: a decoder may go up to this temporal layer here */
	uint8_t layer;      /* temporal layer */
	uint16_t picture;   /* VP8, VP9: picture ID, 15 bits */
	int width, height;  /* JPEG, and key pictures of VP8 and VP9; else 0. VP9 is sent its size from here */
	/* VP9 in flexible mode: how many pictures back the referred ones are; none: key, or the one before. */
	uint8_t references[QV_RTP_REFERENCES_MAX];
	unsigned reference_count;
};

struct qv_rtp_payload_options {
	enum qv_rtp_format format;
	size_t payload_max; /* bytes of a payload: 64 to QV_RTP_PACKET_MAX; Opus packets are never cut */
	unsigned layers;    /* temporal layers, 1 to 3; 0 is 1 */
	bool flexible;      /* VP9: flexible mode */
	/* JPEG, reading: the real size where RFC 2435 rounds it up to multiples of 8; 0: as it comes. */
	int width, height;
};

struct qv_rtp_packetiser;
struct qv_rtp_packetiser *qv_rtp_packetiser_new(const struct qv_rtp_payload_options *options, struct qv_error *err);
void qv_rtp_packetiser_free(struct qv_rtp_packetiser *packetiser); /* NULL is fine */

/*
 * Begins a unit; its data stay borrowed until the last payload was taken or the next unit begins. QV_E_INVALID (empty,
 * over QV_RTP_UNIT_MAX, not of this format), QV_E_UNSUPPORTED (a JPEG that RFC 2435 cannot carry, with the reason).
 */
int qv_rtp_packetiser_begin(struct qv_rtp_packetiser *packetiser, const struct qv_rtp_unit *unit, struct qv_error *err);

/* The next payload, at most payload_max bytes into `payload`: its size, and *marker on the last one. 0: no more. */
size_t qv_rtp_packetiser_next(struct qv_rtp_packetiser *packetiser, uint8_t *payload, bool *marker);

struct qv_rtp_depacketiser;
struct qv_rtp_depacketiser *qv_rtp_depacketiser_new(const struct qv_rtp_payload_options *options, struct qv_error *err);
void qv_rtp_depacketiser_free(struct qv_rtp_depacketiser *depacketiser); /* NULL is fine */

/*
 * Takes packets in order of their sequence numbers, each once. 1: `unit` is complete, its data valid until the next
 * call; 0: not yet; -1 QV_E_PROTOCOL, QV_E_UNSUPPORTED, QV_E_NOMEM: the packet and the unit it belongs to are given up.
 * A unit of which a packet is missing is given up silently, and the next whole one has `missing`.
 */
int qv_rtp_depacketiser_push(struct qv_rtp_depacketiser *depacketiser, const struct qv_rtp *packet,
			     struct qv_rtp_unit *unit, struct qv_error *err);

/* Samples per channel at 48 kHz in an Opus packet; -1 QV_E_PROTOCOL when RFC 6716 section 3.4 does not allow it. */
int qv_rtp_opus_duration(const uint8_t *bytes, size_t size, struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
