/* SPDX-License-Identifier: Apache-2.0 */
/* What steers a call, as the call itself sees it. */
#ifndef QV_CALL_CONTROL_H
#define QV_CALL_CONTROL_H

#include <pthread.h>
#include <stdatomic.h>

#include <qvisio/call_control.h>

#include "connection.h"
#include "recording.h"
#include "window.h"

#define KINDS 3 /* indices are enum qv_stream_kind */

/* What senders look at for every picture and block. */
struct call_switches {
	atomic_bool muted[KINDS];
	atomic_bool held;              /* pictures wait until it is known what the network carries */
	atomic_uint refresh;           /* rises when a key picture is wanted */
	atomic_uint source_set[KINDS]; /* rises when another source is */
	atomic_uint audio_sink_set;    /* rises when another sink of sound is */
	atomic_uint video_sink_set;    /* likewise, of pictures */
	atomic_llong bitrate[KINDS];   /* bit/s that the network carries; 0: not known, or enough */
	atomic_int loss_percent;       /* of packets that the network loses */
};

/* What a caller that has lost its session may show: it need not have learnt how far the last change of sessions got. */
struct resumption {
	bool open;                  /* the call takes it */
	struct qv_secret *current;  /* tokens: of the session in use, */
	struct qv_secret *previous; /* of the one before, */
	struct qv_secret *next;     /* and of the one that waits to be gone over to; NULL each: none */
	bool left;           /* the call has ended without the caller's knowing: what is left to do is to tell it */
	bool asked;          /* the session in `next` of the control is one that resumes the call */
	uint32_t generation; /* of its keys for SRTP, as the caller counts */
};

struct qv_call_control {
	struct call_switches switches;
	struct recording recording;
	struct window window;
	pthread_mutex_t lock;
	struct connection *connection; /* of the call that runs; the rest is told to it by waking it */
	bool answered, taken, hang_up, renew;
	bool given_up; /* hung up, and a lost peer need not be told */
	const struct qv_role *source[KINDS];
	const struct qv_role *audio_sink, *video_sink;
	bool seated; /* these are of a seat, and come in place of all devices of the plan */
	struct qv_roster roster;
	bool tell_roster, has_roster;
	struct qv_secret *token; /* that a session must show to be attached; NULL: none can be */
	struct resumption resumption;
	struct qv_call_renewal *renewal;
	bool has_next;
	struct qv_link next;
	struct qv_call_security next_security;
};

/* The call begins and ends. A call without a control gets along with one of its own. */
void control_bind(struct qv_call_control *control, struct connection *connection, struct qv_call_renewal *renewal);
/* `untold`: an answerer's call that has ended while it was lost: see qv_call_control_farewell. */
void control_unbind(struct qv_call_control *control, bool untold);

/* Sets what an attaching session must show; owns `token`; NULL: nothing can attach. */
void control_set_token(struct qv_call_control *control, struct qv_secret *token);

/* Takes the session that has attached. */
bool control_take_next(struct qv_call_control *control, struct qv_link *link, struct qv_call_security *security);

/*
 * A session with this token is in use now, and one that gives it up may resume the call. `proven`: the caller is known to
 * use it, so that the one before is of no use any more. Owns `token`; NULL closes it.
 */
void control_open_resumption(struct qv_call_control *control, struct qv_secret *token, bool proven);

/* Takes the session that resumes the call. */
bool control_take_resumed(struct qv_call_control *control, struct qv_link *link, struct qv_call_security *security,
			  uint32_t *generation);

/* The roster is to be told once more. */
void control_tell_roster_again(struct qv_call_control *control);

/* What has been asked for since the last look. */
struct control_asked {
	bool answered, taken, hang_up, renew, given_up;
};
struct control_asked control_asked(struct qv_call_control *control);

/* False: the peer knows it, or there is none. */
bool control_take_roster(struct qv_call_control *control, struct qv_roster *roster);

/* `seated`: in place of all, not of the first one. */
const struct qv_role *control_audio_sink(struct qv_call_control *control, bool *seated);
const struct qv_role *control_video_sink(struct qv_call_control *control);
bool control_seated(struct qv_call_control *control);
const struct qv_role *control_source(struct qv_call_control *control, enum qv_stream_kind kind);

/* The token of a session. NULL: its backend has none to give. */
struct qv_secret *attach_token(const struct qv_link *link);

/* What qv_greeting_read has of a session's first bytes. */
struct qv_greeting {
	size_t size;
	uint8_t bytes[2 * QV_RECORD_SIZE_MAX];
};

/* What the caller says in ATTACH. */
struct attach_request {
	const struct qv_secret *token;
	bool resumes;        /* the session of the token is given up */
	uint32_t generation; /* then: of the keys for SRTP that follow */
};

/* Both ends of ATTACH; the caller's blocks until it is answered, at most `timeout_ms`. QV_E_GONE: the peer has no such call
 * to resume. */
int attach_ask(const struct qv_link *link, const struct attach_request *request, const struct qv_host *host,
	       int timeout_ms, struct qv_error *err);
int attach_confirm(const struct qv_link *link, struct qv_error *err);

/* Says BYE in a session that was attached only for that, and waits until the peer has ended it, at most `timeout_ms`. */
int attach_leave(const struct qv_link *link, const struct qv_host *host, int timeout_ms, struct qv_error *err);

#endif
