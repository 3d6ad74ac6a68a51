/* SPDX-License-Identifier: Apache-2.0 */
/* When a call needs a fresh key, and how it gets one: the caller makes a session beside the running one. */
#ifndef QV_CALL_RENEWER_H
#define QV_CALL_RENEWER_H

#include "control.h"
#include "medium.h"

struct renewer {
	struct qv_call_renewal *plan; /* NULL: nothing is ever renewed */
	const struct media *media;
	bool calls; /* the caller's side, which makes the sessions */
	int64_t keyed_ns, retry_ns;
	uint64_t keyed_bytes; /* of the connection when the key came into use */
	bool asked;           /* answerer: RENEW was sent for this key */
	int64_t asked_ns;     /* when */
	bool peer_asked;      /* caller: RENEW came; a peer may not use up keys as it likes */
	struct module_host host;
	bool running; /* the thread is there */
	pthread_t thread;
	struct qv_secret *token;
	struct qv_secret *lost_token; /* of the session that was lost; NULL: it is there */
	struct attach_request request;
	/* Written by the thread before it sets `finished`. */
	struct qv_link link;
	struct qv_call_security security;
	struct qv_error failure;
	int status;
	bool disowned; /* the peer has no such call */
	atomic_bool finished;
};

void renewer_init(struct renewer *renewer, const struct media *media, struct qv_call_renewal *plan, bool calls);

/* The call opened, or a session with a new key has taken over. */
void renewer_keyed(struct renewer *renewer);

/* Whether the key is due to be replaced, and when it will be for its age (0: not by itself). */
bool renewer_due(const struct renewer *renewer, int64_t now);
int64_t renewer_next(const struct renewer *renewer);

/* Answerer: RENEW was sent; and whether the caller has had time enough to bring a key since, which is asked once. */
void renewer_asked(struct renewer *renewer);
bool renewer_waited(struct renewer *renewer, int64_t now);

/* Caller: begins to make a session. False: one is being made, or none can be. */
bool renewer_start(struct renewer *renewer);

/* Caller: the session is about to be lost; what shows that the next one belongs to the same call. False: there is none. */
bool renewer_lost(struct renewer *renewer);
/* Caller: begins to make the session that resumes the call, whose keys for SRTP are of this generation. */
bool renewer_resume(struct renewer *renewer, uint32_t generation);
void renewer_resumed(struct renewer *renewer);

/*
 * Caller: the session that resumes the call, made on this thread or, where the renewer's is about to end, by that: `host`
 * says when to give up. 0, or -1.
 */
int renewer_reach(struct renewer *renewer, const struct qv_host *host, uint32_t generation, struct qv_link *link,
		  struct qv_error *err);

/* 1: `link` and `security` are a session that waits for the call to go over; 0: nothing yet; -1: it could not be had. */
int renewer_take(struct renewer *renewer, struct qv_link *link, struct qv_call_security *security,
		 struct qv_error *err);

/* Joins the thread, which media->stop must have stopped, and releases what it made. */
void renewer_clear(struct renewer *renewer);

#endif
