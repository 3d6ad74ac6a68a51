/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a call of two becomes a conference while it goes on. Whoever invites somebody draws the ID of a conference, seats the
 * call in it, and tells the peer by a ROSTER; the peer seats its end, and answers with a ROSTER of its own.
 */
#ifndef VISIO_GROWING_H
#define VISIO_GROWING_H

#include "mesh.h"

/* All but the last with the lock held. We want to invite a contact to the call that there is. */
int growing_invite(struct visio *visio, const struct qv_options *contact, struct qv_error *err);
/* The peer of a call of two has told of a conference. */
void growing_heard(struct conversation *talk, const struct qv_roster *roster);
/* A call that was seated is over: called again, if we did that before and it was lost. */
void growing_over(struct conversation *talk, int status, const struct qv_error *err);

#endif
