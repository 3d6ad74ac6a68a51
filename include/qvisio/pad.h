/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-time pads from QKD keys: secrecy and authenticity that rest on no assumption about computing power.
 *
 * The keys of one direction, one behind the other, are its pad; each byte of the pad has a position and serves once.
 * A packet is sealed with the next bytes of the pad: ciphertext = plaintext XOR pad (Vernam 1926; Shannon 1949), and a
 * Wegman-Carter tag (J. Comput. Syst. Sci. 22, 1981): Poly1305 (RFC 8439 section 2.5) with a secret hash key r that the
 * direction keeps and a mask s of 16 further bytes of the pad for each packet. Whatever was seen before, one try to
 * forge a packet of n blocks of 16 bytes succeeds with a probability of at most 8 n / 2^106, and q tries with q times
 * that. doc/otp.md has the reasoning, doc/PROTOCOL.md every byte.
 *
 * A pad belongs to one thread at a time. Used bytes are wiped at once, the rest when the pad is freed.
 */
#ifndef QVISIO_PAD_H
#define QVISIO_PAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <qvisio/keysource.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_PAD_HEADER       8  /* bytes in front of the ciphertext: direction, position */
#define QV_PAD_TAG          16 /* bytes behind it */
#define QV_PAD_OVERHEAD     (QV_PAD_HEADER + QV_PAD_TAG)
#define QV_PAD_HASH_KEY     16                    /* bytes of the first key that become the hash key of the direction */
#define QV_PAD_COST(size)   ((size) + QV_PAD_TAG) /* bytes of pad for a packet of `size` bytes of plaintext */
#define QV_PAD_POSITION_MAX (UINT64_C(1) << 56)
#define QV_PAD_KEYS_MAX     8192               /* that a pad holds */
#define QV_PAD_BYTES_MAX    (8u * 1024 * 1024) /* that a pad holds unused */
#define QV_PAD_KEY_MAX      65535              /* bytes of one key */
#define QV_PAD_WINDOW       65536              /* bytes of pad by which a packet may be late */

/* Who seals with the pad. Each direction of a call has one of its own, so that no packet can be sent back. */
enum qv_pad_direction { QV_PAD_CALLER = 1, QV_PAD_ANSWERER = 2 };

struct qv_pad;

/* NULL with err. */
struct qv_pad *qv_pad_new(enum qv_pad_direction direction, struct qv_error *err);
void qv_pad_free(struct qv_pad *pad); /* NULL is fine */

/* Wipes what is left of it: a fresh pad begins, at position 0, with keys that are still to come. */
void qv_pad_restart(struct qv_pad *pad);

/*
 * Puts a key at `position`, which is at or behind the end of what was put before; both ends put the same keys at the
 * same positions. Moves the key's secret into the pad and empties `key`, on 0 only. QV_E_INVALID: a position before the
 * end, a key_ID that the pad holds, a size of 0 or over QV_PAD_KEY_MAX, or a first key shorter than QV_PAD_HASH_KEY;
 * QV_E_BUSY: the pad is full.
 */
int qv_pad_add(struct qv_pad *pad, uint64_t position, struct qv_key *key, struct qv_error *err);

/* Where the next key goes at the earliest. */
uint64_t qv_pad_end(const struct qv_pad *pad);
/* Bytes that are left to seal with. */
size_t qv_pad_left(const struct qv_pad *pad);
/* Bytes that were used so far, the hash key and what could not be used included. */
uint64_t qv_pad_used(const struct qv_pad *pad);

/*
 * Seals `size` bytes of `plain` (not 0) into `packet`, which has room for size + QV_PAD_OVERHEAD bytes and does not
 * overlap. The tag also covers `context`, what both ends know of the packet otherwise: its size is the same for all
 * packets of a pad. QV_E_NO_KEY: too little pad is left; nothing was used.
 */
int qv_pad_seal(struct qv_pad *pad, const void *context, size_t context_size, const uint8_t *plain, size_t size,
		uint8_t *packet, struct qv_error *err);

/*
 * Opens a packet of `size` bytes into `plain`, which has room for size - QV_PAD_OVERHEAD bytes and does not overlap;
 * returns how many it has. In any order, each once. QV_E_PROTOCOL: not sealed with this pad, or changed; QV_E_GONE: its
 * bytes of the pad were used before (a repetition), or it is later than QV_PAD_WINDOW; nothing was used by these.
 */
int qv_pad_open(struct qv_pad *pad, const void *context, size_t context_size, const uint8_t *packet, size_t size,
		uint8_t *plain, struct qv_error *err);

/* What a stream of sound needs, in bytes of pad a second. `bitrate` in bit/s, without rounding up packets. */
double qv_pad_rate(double bitrate, double packets_per_second);

/*
 * Record PAD, how both ends come to the same pad. The end that seals tells which keys it took (KEYS) and where they stand
 * in the pad, one behind the other; the other end claims them and tells which of them it has (HELD). Only these are put
 * into the pads, so nothing is sealed with a key that the peer lacks; the places of the others stay empty.
 */
#define QV_PAD_BATCH_MAX       16   /* keys that one record tells of */
#define QV_PAD_RECORD_SIZE_MAX 2304 /* bytes */

enum qv_pad_record_kind { QV_PAD_KEYS = 1, QV_PAD_HELD = 2 };

struct qv_pad_record {
	enum qv_pad_record_kind kind;
	uint64_t position; /* of the first key */
	size_t count;      /* 1…QV_PAD_BATCH_MAX */
	struct {
		uint32_t size;              /* bytes, 1…QV_PAD_KEY_MAX */
		char id[QV_KEY_ID_MAX + 1]; /* printable ASCII without blanks */
	} key[QV_PAD_BATCH_MAX];            /* KEYS */
	uint32_t held;                      /* HELD: bit i is the key i of the batch */
};

/* Returns the payload's size, or -1 QV_E_INVALID: it cannot be sent, or does not fit into `room`. */
int qv_pad_record_encode(const struct qv_pad_record *record, uint8_t *bytes, size_t room, struct qv_error *err);
/* Hostile bytes; QV_E_PROTOCOL. A kind of a later version is told as it stands, with nothing else filled. */
int qv_pad_record_decode(const uint8_t *bytes, size_t size, struct qv_pad_record *record, struct qv_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
