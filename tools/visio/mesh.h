/* SPDX-License-Identifier: Apache-2.0 */
/* How a conference becomes a full mesh: who calls whom, who is taken in, and who is called again. */
#ifndef VISIO_MESH_H
#define VISIO_MESH_H

#include "meeting.h"

/* visio call A B…: begins a conference, calls all, and returns when it is over. */
int mesh_call(struct visio *visio, char *const *names, size_t count, struct qv_error *err);

/* Calls one more, with the lock held. */
int mesh_invite(struct visio *visio, const char *name, struct qv_error *err);

/* An incoming call that belongs to a conference. Takes `session` and `fd` over. */
int mesh_take(struct visio *visio, const uint8_t id[QV_CONFERENCE_ID], const char *address,
	      struct qv_secure_session *session, int fd, const struct qv_greeting *greeting, struct qv_error *err);

/* With the lock held: a call has opened (`id`: of the conference that the answerer is in, NULL if not told); a peer has told
 * with whom it has calls. */
void mesh_opened(struct conversation *talk, const uint8_t *id);
void mesh_heard(struct conversation *talk, const struct qv_roster *roster);

#endif
