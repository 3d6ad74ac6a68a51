/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network side of a call: the loop that polls the socket, keeps the session alive, and opens and ends it. What the
 * records mean beyond that is the business of a side (sender, receiver), which the loop calls on its own thread.
 */
#ifndef QV_CALL_CONNECTION_H
#define QV_CALL_CONNECTION_H

#include <qvisio/call.h>

#include "clock_offset.h"
#include "wire.h"

enum phase {
	PHASE_GREETING, /* HELLO or WELCOME is still to come */
	PHASE_OPEN,
	PHASE_LOST,   /* the session is dead, and another one is waited for; there is no link */
	PHASE_CLOSING /* one side has said BYE: nothing but the end of the session is of interest */
};

/* Each kind of side defines its own struct side. */
struct side;
struct side_class {
	/* HELLO, WELCOME, REFUSE, VIDEO, AUDIO, STATS. */
	int (*record)(struct side *side, const struct qv_record *record, struct qv_error *err);
	/* Puts the next record of a medium on the idle wire; false: none now. NULL: it sends none. */
	bool (*fill)(struct side *side);
	/* connection_wake was called. */
	int (*woken)(struct side *side, struct qv_error *err);
	/* Once a second while open, and a last time when it ends regularly. */
	void (*second)(struct side *side, bool last);
	/* The rest is for a side whose call can go over to other sessions; NULL without. */
	/* The peer goes over: fills `link` with the session it means. False: there is none. */
	bool (*next_link)(struct side *side, struct qv_link *link);
	/* Both directions have gone over: connection->link is the new session. */
	int (*switched)(struct side *side, struct qv_error *err);
	/* A session is over that another one followed. */
	void (*release)(struct side *side, struct qv_link *link);
	/* While open, with connection->udp_fd set: receives and sends beside the session; returns when it is due again. */
	int64_t (*datagrams)(struct side *side, int64_t now);
	/* The session is dead, but its link is still there. How long another one is waited for, in ms; 0: the call ends. */
	int (*lost)(struct side *side, const struct qv_error *why);
};

#define CONTROL_SLOTS   16
#define CONTROL_SPARE   4 /* kept for records that must go out */
#define CONTROL_PAYLOAD 2304

/* Sessions gone over from, of which the peer's close_notify is still to come. */
#define OLD_LINKS 4

struct old_link {
	struct qv_link link;
	int64_t close_by_ns;
};

enum switching {
	SWITCH_NONE,
	SWITCH_DUE,    /* to be said in the old session */
	SWITCH_WRITING /* said; to be flushed and followed by close_notify */
};

struct control {
	uint8_t type, flags;
	size_t size;
	uint8_t payload[CONTROL_PAYLOAD];
};

struct connection {
	struct wire wire;
	struct qv_link link; /* the session in use, until both directions have gone over to the next */
	struct qv_link next;
	bool has_next, in_switched, out_switched;
	enum switching switching;
	struct old_link old[OLD_LINKS];
	size_t old_count;
	const struct qv_host *host;
	struct qv_call_limits limits;
	const struct side_class *class;
	struct side *side;
	int wake_fd;
	int udp_fd; /* -1: none */
	int64_t udp_due_ns;
	uint64_t udp_bytes_in, udp_bytes_out;
	enum phase phase;
	struct clock_offset clocks;
	struct control control[CONTROL_SLOTS]; /* ring, sent before any medium */
	size_t control_first, control_count;
	int64_t began_ns, opened_ns, ended_ns; /* opened: 0 until then */
	int64_t heard_ns, moved_ns;            /* bytes came; bytes went or there were none to send */
	int64_t greet_by_ns, next_ring_ns;     /* next_ring: 0 unless somebody is asked here */
	int64_t next_ping_ns, next_second_ns, close_by_ns;
	int64_t lost_ns, lost_by_ns; /* while lost: since when, and until when another session is waited for */
	struct qv_error lost_why;
	int silence_ms;      /* after which a peer that sends or takes nothing is gone */
	int64_t look_ns;     /* when the side wants to be woken, while open; 0: not */
	uint16_t peer_minor; /* of its version of the protocol */
	uint32_t pings;
	bool want_write;       /* poll for room: something waits to be written */
	bool read_wants_write; /* TLS wants to write before it reads on */
	bool shutdown_sent, input_ended, broken, done;
	bool peer_closed, silent; /* what `broken` does not say: regularly, if without BYE; for too long */
	bool untold;              /* ended while lost: the peer knows nothing of it */
	bool deaf;                /* the call has failed here: what comes is read and thrown away */
	bool peer_said_bye;
	struct qv_reason peer_bye;
	enum qv_call_end end;
	struct qv_error failure; /* code not QV_OK: the call fails with this */
};

struct connection *connection_new(const struct qv_link *link, const struct qv_host *host,
				  const struct qv_call_limits *limits, struct qv_error *err);
void connection_free(struct connection *connection);

/* Runs until the session is over. 0 after a regular end, see connection->end; -1. */
int connection_run(struct connection *connection, const struct side_class *class, struct side *side,
		   struct qv_error *err);

/* The greeting is over. */
void connection_opened(struct connection *connection);

/* Queues a control record. False: too many wait already. */
bool connection_send(struct connection *connection, uint8_t type, const uint8_t *payload, size_t size);

/* A record of version 1.1 or, with a type above SWITCH, 1.2; to an older peer it is not sent. */
bool connection_send_new(struct connection *connection, uint8_t type, const uint8_t *payload, size_t size);

/* Waits for a person to answer: the peer is told so. */
void connection_ring(struct connection *connection);

/* Goes over to another session, whose peer knows what it is for. False: it is on its way to one already. */
bool connection_switch(struct connection *connection, const struct qv_link *next);

/* Says BYE and ends the session as `end`. Only the first call counts. */
void connection_bye(struct connection *connection, enum qv_bye code, const char *text, enum qv_call_end end);

/* Says REFUSE and ends the session; connection_run then returns `failure` with -1 unless its code is QV_OK. */
void connection_refuse(struct connection *connection, enum qv_refusal code, const char *text,
		       const struct qv_error *failure);

/* Makes the loop call side->woken soon. Safe on any thread. */
void connection_wake(struct connection *connection);

/* A time of the peer's clock by ours, or -1 while that is not known. */
int64_t connection_local_time(const struct connection *connection, int64_t peer_ns);

/* Shortest round trip of late in ms, -1 while not known. */
double connection_rtt_ms(const struct connection *connection);

#endif
