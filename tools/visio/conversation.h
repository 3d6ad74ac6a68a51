/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of `visio`: of each its plan, its fresh keys, and what is told of it. */
#ifndef VISIO_CONVERSATION_H
#define VISIO_CONVERSATION_H

#include <pthread.h>
#include <qvisio/call_control.h>

#include "control_socket.h"
#include "notice.h"
#include "report.h"
#include "settings.h"

/* Others than oneself in one conference. */
#define CALLS_MAX 5

/* Where visio does not listen all the time. */
struct reception {
	bool open;
	int listener;
	pthread_t thread;
};

/* A call that was hung up while its caller was lost; see farewell.h. */
struct departed {
	struct qv_call_control *control;  /* NULL: none */
	struct qv_secure_session session; /* as it was secured */
	int64_t until_ns;                 /* for so long its caller may come back */
};

struct visio {
	struct commander commander;
	struct settings settings;
	enum stats_mode stats;
	struct control_socket *control;
	struct reception reception;
	pthread_mutex_t lock; /* of the rest */
	pthread_cond_t changed;
	struct conversation *calls[CALLS_MAX];
	size_t call_count;
	struct departed departed[CALLS_MAX];
	struct meeting *meeting;          /* NULL: not in a conference */
	char self[QV_SAE_ID_MAX + 1];     /* our SAE ID; "": not asked yet */
	bool muted[3];                    /* by enum qv_stream_kind: in all calls */
	const struct qv_role *source[3];  /* likewise: chosen */
	const struct qv_role *sink;       /* likewise, of sound */
	struct qv_tape *tape;             /* NULL: nothing is recorded */
	struct qv_role recorder;          /* of the tape */
	bool self_view, fullscreen, help; /* shown in all calls */
	bool inviting;                    /* likewise, in place of help: contacts by number */
	bool listens;                     /* takes further calls when one is over */
	bool dialing;                     /* somebody is being called from the control socket */
	unsigned threads;                 /* that serve callers */
	int quit_fd;                      /* an eventfd; also the host's cancel descriptor */
};

/* One call, on the stack of the thread that runs it. What may change is read and written with the lock held. */
struct conversation {
	struct qv_call_observer observer;
	struct qv_call_renewal renewal;
	struct visio *visio;
	const struct qv_options *contact; /* NULL: the peer called */
	const char *peer;
	struct participant *participant; /* of the conference; NULL: a call of two */
	uint8_t conference[QV_CONFERENCE_ID];
	bool *opened; /* set when the call opens; NULL: nobody wants to know */
	char peer_program[QV_SESSION_NAME_MAX + 1];
	const char *state; /* "calling", "ringing", "open", "reconnecting" */
	struct report report;
	struct qv_secure_session session; /* its state in words and key_ID follow the keys; the session may be NULL */
	struct qv_call_control *control;
	struct qv_call_stats stats;
	struct qv_call_security security; /* as the call has last told it */
	struct notice notice;
	uint64_t rekeyed, rekey_failures, resumed;
	bool peer_muted[3]; /* by enum qv_stream_kind */
	enum qv_transport transport, peer_transport;
	char transport_text[QV_REASON_TEXT_MAX + 1]; /* why; "": nothing is known yet */
};

/* With the lock held: it looks, or waits, for its peer. */
bool conversation_lost(const struct conversation *talk);

const char *transport_name(enum qv_transport transport);

/* What is to be done with a session. */
struct conversation_plan {
	const struct qv_options *contact; /* whom we called; NULL: the peer called */
	const char *peer;
	const struct qv_greeting *greeting; /* of the peer who called: what has been read */
	struct participant *participant;    /* NULL: a call of two */
	bool known;                         /* nobody needs to be asked */
	bool *opened;
};

/*
 * Runs a call over a session and returns what qv_call_run does. Takes `session` and `fd` over. QV_E_BUSY: another call is
 * going on.
 */
int conversation_run(struct visio *visio, const struct conversation_plan *plan, struct qv_secure_session *session,
		     int fd, struct qv_error *err);

/* Tells a caller that this end is busy; takes `session` and `fd` over. */
void conversation_turn_away(struct visio *visio, struct qv_secure_session *session, int fd);

/* Gives the call that runs a session that asks to continue it; takes `session` and `fd` over, also when it fails. */
int conversation_attach(struct visio *visio, struct qv_secure_session *session, int fd,
			const struct qv_greeting *greeting, struct qv_error *err);

/* Connects to a contact and finishes the handshake. */
int conversation_connect(const struct settings *settings, const struct qv_host *host, const struct qv_options *contact,
			 struct qv_secure_session *session, int *fd, struct qv_error *err);

#endif
