/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sessions that this KME has a part in. The table is bounded: what others begin here fits into the network's limits,
 * and each peer into its part of them, so that a flood of one pushes out nobody else. Sessions are counted; whoever holds one
 * may lock it. Safe on any thread.
 */
#ifndef KME_RELAY_SESSION_H
#define KME_RELAY_SESSION_H

#include <pthread.h>

#include "network.h"

#define SESSION_TEXT (2 * QV_RELAY_SESSION_SIZE + 1)
#define PREVIOUS_MAX 32 /* KMEs that are told of trouble */
#define TROUBLES_MAX 8  /* passed on for a session */

struct collector;
struct origin;
struct sessions;

struct session {
	struct session *next;
	atomic_uint references;
	uint8_t id[QV_RELAY_SESSION_SIZE];
	char text[SESSION_TEXT]; /* the ID in hexadecimal digits */
	struct plan *plan;
	struct qv_relay_session size;
	char *owner;  /* KME ID of the peer that began it here; NULL: this KME */
	size_t bytes; /* that it may hold */

	pthread_mutex_t lock;       /* of all that follows */
	struct qv_relay_node *node; /* NULL once it has nothing more to do */
	int64_t due;                /* by the monotonic clock: when waiting is over */
	bool over;                  /* nothing more is taken in */
	uint32_t previous[PREVIOUS_MAX];
	size_t previous_count;
	unsigned troubles;
	struct collector *collector; /* at the destination; owned */
	struct origin *origin;       /* at the origin; owned */
};

struct session_setup {
	const uint8_t *id;
	struct plan *plan; /* the session holds it itself */
	struct qv_relay_session size;
	const char *owner; /* NULL: this KME */
	unsigned owners;   /* among whom the limits are divided */
};

/* What the table does when waiting is over; the session is held, not locked. Returns false: it is done with, and goes. */
typedef bool session_due(void *context, struct session *session);

struct sessions *sessions_new(session_due *due, void *context, struct qv_error *err);
/* Ends the thread and all sessions. NULL is fine. */
void sessions_free(struct sessions *sessions);

/* Held by the caller. QV_E_BUSY: no room for it; QV_E_DENIED: it is there, or was; others of begin. */
struct session *session_begin(struct sessions *sessions, const struct session_setup *setup, struct qv_error *err);
/* Held by the caller; NULL: there is none. */
struct session *session_find(struct sessions *sessions, const uint8_t *id);
/* The same, and one that has ended not long ago: it is over, and holds nothing any more. */
struct session *session_recall(struct sessions *sessions, const uint8_t *id);
void session_release(struct session *session); /* NULL is fine */

/* Sets when waiting is over. Called with the session's lock, or by who has just begun it. */
void session_set_due(struct sessions *sessions, struct session *session, int64_t due);
/* It goes out of the table. Called without the session's lock. */
void session_end(struct sessions *sessions, struct session *session);

/* Reads hexadecimal digits; false: they are no ID. */
bool session_parse(const char *text, uint8_t id[QV_RELAY_SESSION_SIZE]);

/* Calls `each` for all of them, held and not locked, in no order. */
void sessions_walk(struct sessions *sessions, void (*each)(void *context, struct session *session), void *context);
size_t sessions_count(struct sessions *sessions);

#endif
