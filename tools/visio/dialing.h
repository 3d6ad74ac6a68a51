/* SPDX-License-Identifier: Apache-2.0 */
/* Calling a contact. */
#ifndef VISIO_DIALING_H
#define VISIO_DIALING_H

#include "conversation.h"

/* Calls and returns when the call is over, as conversation_run does. */
int dialing_call(struct visio *visio, const char *name, struct qv_error *err);

/* The same on a thread of its own, which visio->threads counts. With the lock held. */
int dialing_start(struct visio *visio, const char *name, struct qv_error *err);

#endif
