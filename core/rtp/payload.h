/* SPDX-License-Identifier: Apache-2.0 */
/* What the payload formats share: one table of functions each, and the state of both directions. */
#ifndef QV_RTP_PAYLOAD_H
#define QV_RTP_PAYLOAD_H

#include <qvisio/rtp.h>

#include "../session/bytes.h"

#define JPEG_TABLES 128 /* two quantisation tables of 8 bits */

struct jpeg_parts {
	uint8_t type;                /* RFC 2435 section 3.1.3: 0 is 4:2:2, 1 is 4:2:0; 64 more with restart markers */
	uint8_t quality;             /* Q, of which the tables below are */
	uint16_t interval;           /* of restarts, in MCUs */
	int width, height;           /* pixels */
	uint8_t tables[JPEG_TABLES]; /* in zigzag order */
	const uint8_t *scan;
	size_t scan_size;
};

struct qv_rtp_packetiser {
	const struct rtp_payload *format;
	struct qv_rtp_payload_options options;
	struct qv_rtp_unit unit; /* size 0: none */
	size_t at;               /* bytes of it (JPEG: of its scan) that are sent */
	uint16_t picture;        /* of the unit; 15 bits */
	uint8_t base;            /* TL0PICIDX */
	uint8_t key_number;      /* KEYIDX */
	struct jpeg_parts jpeg;
};

struct qv_rtp_depacketiser {
	const struct rtp_payload *format;
	struct qv_rtp_payload_options options;
	uint8_t *bytes;
	size_t room, used;
	bool started;    /* any packet was taken */
	bool assembling; /* packets of `timestamp` lie in `bytes` without a gap */
	bool missing;    /* since the last unit that was handed out */
	uint16_t sequence;
	uint32_t timestamp;
	struct qv_rtp_unit unit;
	struct jpeg_parts jpeg;
	size_t head; /* bytes before the data */
};

/* What a packet's payload descriptor says. */
struct rtp_fragment {
	struct reader in; /* the data begin at in.at */
	bool begins, ends;
};

struct rtp_payload {
	const char *name;
	/* Checks a unit; may fill the format's own state. */
	int (*begin)(struct qv_rtp_packetiser *packetiser, struct qv_error *err);
	/* Writes descriptor and data, advances `at`. */
	void (*next)(struct qv_rtp_packetiser *packetiser, struct writer *out, bool *marker);
	/* Reads the descriptor; when the fragment begins a unit, fills depacketiser->unit. */
	int (*read)(struct qv_rtp_depacketiser *depacketiser, const struct qv_rtp *packet,
		    struct rtp_fragment *fragment, struct qv_error *err);
	/* Optional: what comes before the data of a unit that begins. */
	int (*start)(struct qv_rtp_depacketiser *depacketiser, struct qv_error *err);
	/* Optional: completes the bytes of a unit. */
	int (*finish)(struct qv_rtp_depacketiser *depacketiser, struct qv_error *err);
};

extern const struct rtp_payload rtp_jpeg, rtp_vp8, rtp_vp9, rtp_opus;

/* Appends to the unit that is being assembled; bytes NULL makes zeros. */
int rtp_append(struct qv_rtp_depacketiser *depacketiser, const uint8_t *bytes, size_t size, struct qv_error *err);

/* Puts as many bytes of the unit as there is room for; true when these were the last. */
bool rtp_put_rest(struct qv_rtp_packetiser *packetiser, struct writer *out);

/* Moves picture ID and TL0PICIDX on to a new picture. */
void rtp_count_picture(struct qv_rtp_packetiser *packetiser);

int jpeg_parts_read(struct jpeg_parts *parts, const uint8_t *bytes, size_t size, struct qv_error *err);
/* Everything before the scan; at most JPEG_HEAD_MAX bytes. */
#define JPEG_HEAD_MAX 640
size_t jpeg_head_write(const struct jpeg_parts *parts, uint8_t bytes[JPEG_HEAD_MAX]);

/* The four tables of ITU-T T.81 annex K.3 as the contents of one DHT segment. */
#define JPEG_HUFFMAN_SIZE 416
extern const uint8_t jpeg_huffman[JPEG_HUFFMAN_SIZE];

#endif
