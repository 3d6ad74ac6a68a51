/* SPDX-License-Identifier: Apache-2.0 */
/* How a conference becomes a full mesh: who calls whom, who is taken in, and who is called again. */
#ifndef VISIO_MESH_H
#define VISIO_MESH_H

#include "meeting.h"

/* visio call A B…: begins a conference, calls all, and returns when it is over. */
int mesh_call(struct visio *visio, char *const *names, size_t count, struct qv_error *err);

/* Until the conference is over that a call of two, whose `status` that is, has become; then what is to be told of all. */
int mesh_last(struct visio *visio, int status, struct qv_error *err);

/* Calls one more, with the lock held; a call of two becomes a conference by that. */
int mesh_invite(struct visio *visio, const char *name, struct qv_error *err);

/* An incoming call that belongs to a conference. Takes `session` and `fd` over. */
int mesh_take(struct visio *visio, const uint8_t id[QV_CONFERENCE_ID], const char *address,
	      struct qv_secure_session *session, int fd, const struct qv_greeting *greeting, struct qv_error *err);

/* With the lock held: a call has opened (`id`: of the conference that the answerer is in, NULL if not told); a peer has told
 * with whom it has calls. */
void mesh_opened(struct conversation *talk, const uint8_t *id);
void mesh_heard(struct conversation *talk, const struct qv_roster *roster);

/* Our own SAE ID, asked of the key source once. Without the lock. */
void mesh_learn_self(struct visio *visio, const char *peer_sae);

/* All with the lock held. The contact with that SAE ID; NULL: there is none. */
const struct qv_options *mesh_contact(const struct visio *visio, const char *sae);
/* Calls somebody on a thread of its own. */
void mesh_dial(struct participant *participant);
/* Nobody is to call there any more. */
bool mesh_stopped(const struct participant *participant);
/* What peers have told is looked at once more. */
void mesh_hear_again(struct meeting *meeting);

#endif
