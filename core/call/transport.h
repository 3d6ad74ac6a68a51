/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The media of a call over UDP, as SRTP: what is sent is cut, paced and protected; what comes is checked, put in order
 * and asked for again; RTCP says how it goes. All on the thread of the call.
 */
#ifndef QV_CALL_TRANSPORT_H
#define QV_CALL_TRANSPORT_H

#include <qvisio/srtp.h>

#include "fates.h"
#include "incoming.h"
#include "outgoing.h"
#include "path.h"
#include "rtp_in.h"
#include "rtp_out.h"
#include "udp.h"

#define TRANSPORT_HEADERS  28 /* of IPv4 and UDP */
#define TRANSPORT_OVERHEAD (TRANSPORT_HEADERS + QV_SRTP_OVERHEAD)

#define TRANSPORT_KINDS 3 /* indices are enum qv_stream_kind */

struct transport {
	const struct media *media;
	struct outgoing *outgoing; /* NULL: nothing is sent */
	struct incoming *incoming;
	struct module_host host;
	const struct qv_srtp_class *class;
	struct qv_srtp *srtp;
	bool caller;
	uint32_t generation;  /* last that was added; the one in use is it, or the one before */
	uint32_t drop_before; /* generations that are given up at drop_ns */
	int64_t drop_ns;      /* 0: none */
	bool repairs;         /* the peer understands repair packets */
	bool running;         /* both ends have it */
	struct udp udp;
	struct path path;
	char cname[32];
	bool sends[TRANSPORT_KINDS]; /* goes as RTP where UDP passes */
	struct rtp_out out[TRANSPORT_KINDS];
	bool receives[TRANSPORT_KINDS];
	struct rtp_in in[TRANSPORT_KINDS];
	struct qv_rtp_pacer *pacer;
	struct qv_rtp_congestion *congestion;
	struct qv_rtp_arrivals *arrivals;
	uint16_t number;      /* transport-wide, of the next packet */
	uint16_t told_number; /* the peer has spoken of all before */
	int64_t sent_ns;      /* the last packet of media */
	int64_t report_ns, feedback_ns, tick_ns;
	uint64_t peer_ntp; /* of its last probe, and when that came; 0: none yet */
	int64_t peer_ntp_at;
	uint32_t answered;       /* the last of our probes that it has told of: the middle of its NTP time */
	uint64_t fates_told;     /* to the peer: the newest */
	struct fates_told fates; /* by the peer */
	int64_t up_ns;           /* since when UDP passes */
	int64_t held_until;      /* the first picture waits for the first probe of the rate, until then; 0: no more */
	struct unit_buffer held; /* taken from the outbox */
	bool warned;
};

/* Opens the module and binds the socket. NULL: there is none to be had, which is logged: the call goes without. */
struct transport *transport_open(const struct media *media, const struct qv_call_plan *plan, const struct qv_link *link,
				 bool caller);
void transport_free(struct transport *transport); /* NULL is fine */

/* The peer takes SRTP at this port; the streams of the call are agreed on. -1: it cannot be, and the call goes without. */
int transport_start(struct transport *transport, const struct qv_link *link, uint16_t port, struct outgoing *out,
		    struct incoming *in, struct qv_error *err);

/* Keys of a session that follows: taken from the peer from now on; and used, once it has them too. */
int transport_add_keys(struct transport *transport, const struct qv_link *link, struct qv_error *err);
void transport_use_keys(struct transport *transport, int64_t now);

/* The call goes on in another session: from its address, with its keys as this generation, above those there were. */
int transport_resume(struct transport *transport, const struct qv_link *link, uint32_t generation,
		     struct qv_error *err);

/* Receives, and sends what is due. Tells when UDP begins or ceases to pass. */
enum path_change transport_step(struct transport *transport, int64_t now);
int64_t transport_due(const struct transport *transport, int64_t now);

bool transport_up(const struct transport *transport);
/* The peer has all that was sent, or it will not get it any more. */
bool transport_settled(const struct transport *transport, int64_t now);

/* Tells at once what could be decoded, for a picture that repairs; or asks for a key picture. */
void transport_tell_fates(struct transport *transport);
void transport_ask_key(struct transport *transport);
/* Media go by the session from now on. */
void transport_stop(struct transport *transport);
/* Takes what has come, and sends what waits, without pacing. */
void transport_hurry(struct transport *transport, int64_t now);
/* A last word, after which nothing is sent. */
void transport_bye(struct transport *transport);

/* The rates to begin with, and what the encoders are told as the path turns out to be. */
struct qv_rtp_rates transport_rates(const struct outgoing *out);
void transport_tell_rates(struct transport *transport);
void transport_hold_pictures(struct transport *transport, int64_t now);
void transport_release_pictures(struct transport *transport, int64_t now);

/* Between its parts: protects and sends RTCP; takes authentic RTCP. */
void transport_put_rtcp(struct transport *transport, const uint8_t *bytes, size_t size);
void transport_report(struct transport *transport, int64_t now);
void transport_feedback(struct transport *transport, int64_t now);
void transport_nack(struct transport *transport, int64_t now);
void transport_take_rtcp(struct transport *transport, const uint8_t *bytes, size_t size, int64_t now);
/* Takes what the encoders made, and sends what the pacer lets go. */
void transport_send(struct transport *transport, int64_t now);
void transport_receive(struct transport *transport, int64_t now);

#endif
