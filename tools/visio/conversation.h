/* SPDX-License-Identifier: Apache-2.0 */
/* One call of `visio`: its plan, its fresh keys, what is told of it, and the commands that steer it. */
#ifndef VISIO_CONVERSATION_H
#define VISIO_CONVERSATION_H

#include <pthread.h>
#include <qvisio/call_control.h>

#include "control_socket.h"
#include "report.h"
#include "settings.h"

struct visio {
	struct commander commander;
	struct settings settings;
	enum stats_mode stats;
	struct control_socket *control;
	pthread_mutex_t lock; /* of the rest */
	pthread_cond_t changed;
	struct conversation *current; /* NULL: no call */
	unsigned threads;             /* that serve callers */
	int quit_fd;                  /* an eventfd; also the host's cancel descriptor */
};

void visio_init(struct visio *visio);

/*
 * Runs a call over a session and returns what qv_call_run does. A caller gives its `contact`, an answerer NULL and what it
 * has read. Takes `session` and `fd` over. QV_E_BUSY: another call is going on.
 */
int conversation_run(struct visio *visio, const struct qv_options *contact, const char *peer,
		     struct qv_secure_session *session, int fd, const struct qv_greeting *greeting,
		     struct qv_error *err);

/* Gives the call that runs a session that asks to continue it; takes `session` and `fd` over, also when it fails. */
int conversation_attach(struct visio *visio, struct qv_secure_session *session, int fd,
			const struct qv_greeting *greeting, struct qv_error *err);

/* Connects to a contact and finishes the handshake. */
int conversation_connect(const struct settings *settings, const struct qv_host *host, const struct qv_options *contact,
			 struct qv_secure_session *session, int *fd, struct qv_error *err);

#endif
