/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that were hung up here while their caller was lost, who is told when it comes back to them. */
#ifndef VISIO_FAREWELL_H
#define VISIO_FAREWELL_H

#include "conversation.h"

/* The call is over: takes its control over. */
void farewell_keep(struct conversation *talk);

/* A session that asks to continue a call, of which there is none. Stays the caller's. 0: it was one of these. */
int farewell_say(struct visio *visio, const struct qv_secure_session *session, int fd,
		 const struct qv_greeting *greeting, struct qv_error *err);

/* Before the program ends. */
void farewell_forget(struct visio *visio);

#endif
