/* SPDX-License-Identifier: Apache-2.0 */
/* One side of a call, and what its parts do for each other. All of it belongs to the thread of the call. */
#ifndef QV_CALL_SIDE_H
#define QV_CALL_SIDE_H

#include <qvisio/call.h>

#include "board.h"
#include "control.h"
#include "incoming.h"
#include "otp.h"
#include "outgoing.h"
#include "renewer.h"
#include "transport.h"

struct side {
	struct media media;
	enum qv_call_role role;
	const struct qv_call_plan *plan;
	struct qv_call_control *control;
	struct qv_call_observer *observer;
	struct qv_call_result *result;
	struct outgoing *out;            /* NULL: nothing is sent */
	struct incoming *in;             /* NULL: nothing is received */
	struct transport *transport;     /* NULL: media go in the session */
	enum qv_transport way, peer_way; /* of our media, and of the peer's, as it says */
	bool way_known;                  /* that of our media has turned out */
	bool sends;                      /* the peer takes something; what `in` receives says in->has_… */
	bool ended;                      /* all our sources */
	bool all_sent;                   /* and what they gave */
	bool told_ended;
	bool muted[KINDS];      /* as the peer was told */
	bool tell_all;          /* the peer may not have been: tell it again */
	bool losing;            /* the session is being given up */
	bool given_up;          /* ended here, for a peer that is known to have ended it */
	bool peer_resumes;      /* the peer looks, or waits, for us when it has lost the session */
	int64_t retry_ns;       /* caller: the peer is not looked for before */
	int refused;            /* caller: tries in a row at which nobody listened where the peer was, */
	int64_t refused_ns;     /* and when the first of them was */
	uint32_t tries;         /* caller: to resume the call since its session was lost */
	uint64_t resumed_bytes; /* of the connection, when the session in use took over */
	bool in_conference;     /* caller: the answerer has told in which one it is */
	uint8_t conference[QV_CONFERENCE_ID];
	struct qv_hello *asked;   /* answerer: the HELLO that waits for somebody's answer */
	struct ring_window *ring; /* and shows it meanwhile; NULL: no window does */
	struct board board;
	struct renewer renewer;
	struct otp otp;
	struct qv_call_security security;      /* of the session in use, as its program says it */
	struct qv_call_security shown;         /* with all that the call knows, as it was last told */
	char no_key[BOARD_TEXT];               /* why the last new key could not be had; "": it could */
	struct qv_call_security next_security; /* of the session that the call goes over to */
	struct qv_link first, current;
	struct qv_call_totals before;
	int64_t before_ns;
	int64_t latency_ns; /* median of the last second; -1 unknown */
	int64_t refresh_ns; /* no key picture is asked for before */
	int64_t repair_ns;  /* since when a repair has been waited for; 0: none is */
};

void side_tell(struct side *side, const struct qv_call_event *event);
/* Tells the peer what is muted or has ended, where that changed. */
void side_tell_states(struct side *side);
int side_take_record(struct side *side, const struct qv_record *record, struct qv_error *err);

/* UDP beside the session, begun with the peer's port (0: it does not take it); does it understand repair packets? */
void ways_start(struct side *side, uint16_t port, bool repairs);
/* Keys of a session that the call goes over to: before the peer can use them, and when it has them too. */
void ways_add_keys(struct side *side, const struct qv_link *link);
void ways_use_keys(struct side *side);
int64_t ways_datagrams(struct side *side, int64_t now);
/* Asks the peer for what the decoder of pictures waits for, but not again before that can have come. */
void ways_ask_for_key(struct side *side);
/* The call is about to end: what is on its way still goes, and what has come is taken. */
void ways_last(struct side *side);
/* What was lost on the way, and came nevertheless. */
void ways_totals(const struct side *side, struct qv_call_totals *totals);
void ways_stats(const struct side *side, struct qv_call_stats *stats);
int ways_take(struct side *side, const struct qv_record *record, struct qv_error *err);

int negotiation_say_hello(struct side *side, struct qv_error *err);
int negotiation_take_hello(struct side *side, const struct qv_record *record, struct qv_error *err);
int negotiation_take_welcome(struct side *side, const struct qv_record *record, struct qv_error *err);
int negotiation_take_refusal(const struct qv_record *record, struct qv_error *err);
/* Whoever was asked about the call may have answered. */
int negotiation_answer(struct side *side, const struct control_asked *asked, struct qv_error *err);

/* A caller may attach a session with a new key to the one in use. */
void rekeying_offer(struct side *side);
/* Begins a renewal that is due (or asked for `now`), and goes over to what came of it. */
int rekeying_look(struct side *side, bool now, struct qv_error *err);
/* Shows, beside how the call is secured, how old its key is and when the next one is due; or that there is none. */
void rekeying_show(struct side *side);
bool rekeying_next_link(struct side *side, struct qv_link *link);
int rekeying_switched(struct side *side, struct qv_error *err);
void rekeying_release(struct side *side, struct qv_link *link);
void rekeying_release_links(struct side *side);

/* For HELLO and WELCOME: how long this side looks for a lost peer, in ms; 0: it does not. */
uint32_t reconnect_word(const struct side *side);
/* The call can go on when it has lost its connection: what a session must show for that. */
void reconnect_offer(struct side *side);
/* The connection is lost: how long the peer is looked for, in ms; 0: it is not. */
int reconnect_lost(struct side *side, const struct qv_error *why);
/* Looks for the peer, and goes on in the session that came of it. */
int reconnect_look(struct side *side, struct qv_error *err);
/* Somebody ended the call while the peer was looked for: tries once more to reach it, and tells it. */
void reconnect_farewell(struct side *side);
/* In a session that resumes the call: keys of this generation (0: none), and UDP from where this end is now. */
void ways_resume(struct side *side, const struct qv_link *link, uint32_t generation);
uint32_t ways_generation(const struct side *side);

void reports_second(struct side *side, bool last);
void reports_fill_result(struct side *side);

#endif
