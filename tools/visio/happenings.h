/* SPDX-License-Identifier: Apache-2.0 */
/* What happens in a call, told to whoever wants to know: standard output, the log, the control socket, the window. */
#ifndef VISIO_HAPPENINGS_H
#define VISIO_HAPPENINGS_H

#include "conversation.h"

/* On the thread of the call, without the lock. */
void happening_tell(struct conversation *talk, const struct qv_call_event *event);

/* The same of a snapshot of a whole conference; `why` NULL: it was taken. */
void happening_tell_snapshot(struct visio *visio, const char *why);

/* With the lock held: shows the notice of the call, or that there is none; or that somebody calls. */
/* A call of two has become a conference. */
void happening_tell_conference(struct conversation *talk);

void happening_show_notice(struct conversation *talk);

#endif
