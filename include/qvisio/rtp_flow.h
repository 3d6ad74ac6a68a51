/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How RTP packets flow: what a sender keeps, paces and adapts to, what a receiver reorders, misses and reports. State
 * machines without clock, thread or socket: `now` is in ns of one monotonic clock, and never goes back. An object
 * belongs to one thread at a time.
 *
 *   encoder <- target -- congestion <- feedback -------------------------- arrivals <-+
 *   packets -> pacer -> transport number, protect -> UDP ~~ UDP -> unprotect ---------+-> receiver -> depacketiser
 *                 ^- history <- NACK <------------------------------------------ receiver
 */
#ifndef QVISIO_RTP_FLOW_H
#define QVISIO_RTP_FLOW_H

#include <qvisio/rtcp.h>
#include <qvisio/rtp.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define QV_RTP_NEVER INT64_MAX

/* ---- Sender: packets that may be asked for again (RFC 4588) ---- */

struct qv_rtp_history;

/* For one SSRC: keeps the last `packets` (a power of two, 16 to 8192) sent. */
struct qv_rtp_history *qv_rtp_history_new(size_t packets, struct qv_error *err);
void qv_rtp_history_free(struct qv_rtp_history *history); /* NULL is fine */

/* Keeps a copy of a packet that goes out. -1 QV_E_INVALID (over QV_RTP_PACKET_MAX), QV_E_NOMEM. */
int qv_rtp_history_keep(struct qv_rtp_history *history, const struct qv_rtp *packet, struct qv_error *err);

/*
 * What to send when `sequence` is asked for: 1: marker, timestamp, header extensions and the payload of RFC 4588 section
 * 4 (the original number, then the original payload) are in `packet`, valid until the next call; SSRC, type, sequence
 * and transport-wide number are for the caller to set. 0: not kept, given out `limit` times (3), or less than rtt_ns ago.
 */
int qv_rtp_history_again(struct qv_rtp_history *history, uint16_t sequence, int64_t now, int64_t rtt_ns,
			 struct qv_rtp *packet);

/* The original of a retransmission: its sequence number and payload. QV_E_PROTOCOL: no room for a number. */
int qv_rtp_original(const struct qv_rtp *retransmission, struct qv_rtp *original, struct qv_error *err);

/* ---- Sender: repair packets ---- */

#define QV_RTP_REPAIR_GROUP 16u /* packets in a group, at most */
#define QV_RTP_REPAIRS_MAX  4u  /* repair packets of a group, at most */

/*
 * For one SSRC: from packets with numbers in a row and one timestamp come repair packets; with as many of these as
 * packets of the group are lost, the receiver has them all (a Reed-Solomon code, doc/PROTOCOL.md "Repair packets").
 * Of the header extensions, those in `ids` are kept, but for the transport-wide number.
 */
struct qv_rtp_protector;
struct qv_rtp_protector *qv_rtp_protector_new(const struct qv_rtp_extensions *ids, struct qv_error *err);
void qv_rtp_protector_free(struct qv_rtp_protector *protector); /* NULL is fine */

/* Begins a group; adds a copy of a packet. -1 QV_E_INVALID: the group is full, or the packet does not belong to it. */
void qv_rtp_protector_begin(struct qv_rtp_protector *protector);
int qv_rtp_protector_add(struct qv_rtp_protector *protector, const struct qv_rtp *packet, struct qv_error *err);
unsigned qv_rtp_protector_count(const struct qv_rtp_protector *protector); /* packets added */

/*
 * Repair packet `index` (below QV_RTP_REPAIRS_MAX) of the group: timestamp and payload, valid until the next call; the rest
 * is for the caller to set. -1 QV_E_INVALID.
 */
int qv_rtp_protector_repair(struct qv_rtp_protector *protector, unsigned index, struct qv_rtp *repair,
			    struct qv_error *err);

/* ---- Sender: pacing ---- */

/* In order of precedence. */
enum qv_rtp_class { QV_RTP_SOUND, QV_RTP_AGAIN, QV_RTP_PICTURE, QV_RTP_CLASSES };

struct qv_rtp_pacer;

/* Holds at most `bytes` of packets, each of which takes `overhead` bytes more where the rate counts. */
struct qv_rtp_pacer *qv_rtp_pacer_new(size_t bytes, size_t overhead, struct qv_error *err);
void qv_rtp_pacer_free(struct qv_rtp_pacer *pacer); /* NULL is fine */
void qv_rtp_pacer_set_rate(struct qv_rtp_pacer *pacer, int64_t bits_per_second);

/* Takes a copy of bytes that are to be sent. -1 QV_E_BUSY: full (the encoder is to leave out a picture), QV_E_NOMEM. */
int qv_rtp_pacer_put(struct qv_rtp_pacer *pacer, enum qv_rtp_class class, const uint8_t *bytes, size_t size,
		     int64_t now, struct qv_error *err);

/* 1: `bytes` (at least QV_RTP_PACKET_MAX) has a packet of *size to send now; 0: none is due. Sound never waits. */
int qv_rtp_pacer_next(struct qv_rtp_pacer *pacer, int64_t now, uint8_t *bytes, size_t *size, enum qv_rtp_class *class);
/* The next `bytes` leave at this rate, evenly, whatever the rate set, and nothing that idle time has saved up. */
void qv_rtp_pacer_probe(struct qv_rtp_pacer *pacer, int64_t bits_per_second, size_t bytes, int64_t now);
/* In a probe a packet is due and none waits: the caller sends one of no meaning, and tells its size. */
bool qv_rtp_pacer_wants_filler(const struct qv_rtp_pacer *pacer, int64_t now);
void qv_rtp_pacer_filled(struct qv_rtp_pacer *pacer, size_t size, int64_t now);
int64_t qv_rtp_pacer_due(const struct qv_rtp_pacer *pacer, int64_t now); /* when to ask again; QV_RTP_NEVER */
size_t qv_rtp_pacer_bytes(const struct qv_rtp_pacer *pacer);             /* waiting */

/* ---- Sender: congestion control ---- */

/*
 * After Google Congestion Control (draft-ietf-rmcat-gcc-02): a trend of the one-way delay between bursts, a detector of
 * overuse with an adaptive threshold, additive and multiplicative increase, multiplicative decrease, and a bound by
 * loss. Beyond the draft, only a queue that does not empty between pictures is taken for overuse, the rate is then lowered
 * to less than what came through while it stood, which is measured on until it is gone, in about a third of a second;
 * pictures leave at what the path is known to carry, so that a large one does not queue there; and loss that goes on
 * though less is sent, without delay, up to a quarter of the packets, does not lower the rate.
 */
struct qv_rtp_congestion;

struct qv_rtp_rates {
	int64_t start, min, max; /* bit/s */
};

struct qv_rtp_congestion *qv_rtp_congestion_new(const struct qv_rtp_rates *rates, struct qv_error *err);
void qv_rtp_congestion_free(struct qv_rtp_congestion *congestion); /* NULL is fine */

/* A packet with this transport-wide number leaves now; `size` with all headers. */
void qv_rtp_congestion_sent(struct qv_rtp_congestion *congestion, uint16_t transport, size_t size, int64_t now);

/* Feedback arrived. What it says of packets that were never sent, or long ago, is not looked at. */
void qv_rtp_congestion_feedback(struct qv_rtp_congestion *congestion, const struct qv_rtcp_feedback *feedback,
				int64_t now);

/* To be called now and then, 10 times a second say: without any feedback for long, the rate is halved. */
void qv_rtp_congestion_tick(struct qv_rtp_congestion *congestion, int64_t now);

/*
 * True: the path may carry more than is known, and a cluster is to be sent now to find out: the packets that leave from
 * now on until they are `bytes` together are taken for it. Asked as often as the tick, or more.
 */
struct qv_rtp_probe {
	int64_t rate; /* bit/s */
	size_t bytes;
};
bool qv_rtp_congestion_probe(struct qv_rtp_congestion *congestion, struct qv_rtp_probe *probe, int64_t now);

struct qv_rtp_congestion_state {
	int64_t target;   /* bit/s that all streams together should send */
	int64_t pace;     /* bit/s for the pacer */
	int64_t received; /* bit/s that the peer got lately */
	int64_t rtt_ns;   /* 0: not known yet */
	int64_t queue_ns; /* estimate of what waits on the path */
	double loss;      /* share lost lately, 0 to 1 */
	bool probed;      /* the first probe has been answered, or given up */
};
void qv_rtp_congestion_state(const struct qv_rtp_congestion *congestion, struct qv_rtp_congestion_state *state);

/* ---- Receiver: transport-wide feedback ---- */

struct qv_rtp_arrivals;
struct qv_rtp_arrivals *qv_rtp_arrivals_new(struct qv_error *err);
void qv_rtp_arrivals_free(struct qv_rtp_arrivals *arrivals); /* NULL is fine */
void qv_rtp_arrivals_note(struct qv_rtp_arrivals *arrivals, uint16_t transport, int64_t now);

/* Appends feedback about what came since the last one; false: nothing new, or no room. Call until it is false. */
bool qv_rtp_arrivals_put(struct qv_rtp_arrivals *arrivals, struct qv_rtcp_writer *writer, uint32_t sender,
			 uint32_t media);

/* ---- Receiver: one stream ---- */

#define QV_RTP_RECEIVER_PACKETS 1024 /* that a receiver holds, at most */

struct qv_rtp_receiver_options {
	uint32_t clock;  /* Hz of the timestamps */
	int64_t hold_ns; /* how long a missing packet is waited for */
	bool nack;       /* ask for missing packets */
};

struct qv_rtp_receiver;
struct qv_rtp_receiver *qv_rtp_receiver_new(const struct qv_rtp_receiver_options *options, struct qv_error *err);
void qv_rtp_receiver_free(struct qv_rtp_receiver *receiver); /* NULL is fine */
void qv_rtp_receiver_set_hold(struct qv_rtp_receiver *receiver, int64_t hold_ns);

/*
 * Takes a copy of a packet. `again`: it came as a retransmission, which says nothing about jitter. 1: kept; 0: seen
 * before, too late, or far away from its stream; -1 QV_E_NOMEM, QV_E_INVALID (over QV_RTP_PACKET_MAX).
 */
int qv_rtp_receiver_put(struct qv_rtp_receiver *receiver, const struct qv_rtp *packet, bool again, int64_t now,
			struct qv_error *err);

/* 1: the next packet in order, valid until the next call; 0: none now. A gap is passed over when hold_ns is over. */
int qv_rtp_receiver_next(struct qv_rtp_receiver *receiver, int64_t now, struct qv_rtp *packet);

/* The numbers to ask for now; each at most 8 times, a round trip apart, and no longer than hold_ns. */
size_t qv_rtp_receiver_nacks(struct qv_rtp_receiver *receiver, int64_t now, int64_t rtt_ns,
			     uint16_t sequences[QV_RTCP_NACKS_MAX]);

/* When to ask qv_rtp_receiver_next and qv_rtp_receiver_nacks again though nothing comes; QV_RTP_NEVER. */
int64_t qv_rtp_receiver_due(const struct qv_rtp_receiver *receiver);

/* The decoder needs a key picture. True when a PLI should go out now: at most one each max(rtt, 200 ms). */
void qv_rtp_receiver_want_key(struct qv_rtp_receiver *receiver);
void qv_rtp_receiver_got_key(struct qv_rtp_receiver *receiver);
bool qv_rtp_receiver_ask_key(struct qv_rtp_receiver *receiver, int64_t now, int64_t rtt_ns);

/* A report block about this stream (RFC 3550 section 6.4.1). False: nothing came yet. */
bool qv_rtp_receiver_report(struct qv_rtp_receiver *receiver, int64_t now, struct qv_rtcp_report *report);

/* Takes an SR of this stream; after that, the sender's time of a timestamp, for lip synchronisation. */
void qv_rtp_receiver_take_sr(struct qv_rtp_receiver *receiver, const struct qv_rtcp *sr, int64_t now);
bool qv_rtp_receiver_ntp(const struct qv_rtp_receiver *receiver, uint32_t timestamp, uint64_t *ntp);

/* Packets up to this number, at most 64 beyond the last, are known to have been sent: those not there are missing. */
void qv_rtp_receiver_expect(struct qv_rtp_receiver *receiver, uint16_t sequence, int64_t now);

struct qv_rtp_receiver_stats {
	uint64_t packets, lost, repeated, late, recovered, nacks, keys_asked;
};
void qv_rtp_receiver_stats(const struct qv_rtp_receiver *receiver, struct qv_rtp_receiver_stats *stats);

/* ---- Receiver: repair packets ---- */

/* For one SSRC. Packets are rebuilt from the last 128 that came, and the last 16 groups. */
struct qv_rtp_rebuilder;
struct qv_rtp_rebuilder *qv_rtp_rebuilder_new(const struct qv_rtp_extensions *ids, struct qv_error *err);
void qv_rtp_rebuilder_free(struct qv_rtp_rebuilder *rebuilder); /* NULL is fine */

/* A packet of the SSRC came, whichever way. */
void qv_rtp_rebuilder_note(struct qv_rtp_rebuilder *rebuilder, const struct qv_rtp *packet);

/* A repair packet came: *last is the last number of its group. -1 QV_E_PROTOCOL. */
int qv_rtp_rebuilder_take(struct qv_rtp_rebuilder *rebuilder, const struct qv_rtp *repair, uint16_t *last,
			  struct qv_error *err);

/* 1: a packet that had not come, valid until the next call, and noted; 0: none. Type and SSRC are for the caller to check. */
int qv_rtp_rebuilder_next(struct qv_rtp_rebuilder *rebuilder, struct qv_rtp *packet);

/* Round trip by a report about one's own stream: RFC 3550 section 6.4.1. `ntp`: one's own NTP time now. 0: no SR yet. */
int64_t qv_rtp_round_trip_ns(const struct qv_rtcp_report *report, uint64_t ntp);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
