/* SPDX-License-Identifier: Apache-2.0 */
/* The recording of all that goes on, call of two or conference, in one file. */
#ifndef VISIO_TAPING_H
#define VISIO_TAPING_H

#include "conversation.h"

/* With the lock held. QV_E_BUSY: it is recorded already, or the file exists; QV_E_NOT_FOUND: no call is open. */
int taping_start(struct visio *visio, const char *path, struct qv_error *err);
int taping_stop(struct visio *visio, struct qv_error *err);
/* With the lock held: a call has opened, and comes into the recording if there is one. */
void taping_join(struct conversation *talk);
/* Without the lock: when neither a call nor a conference is left the file is finished. */
void taping_end(struct visio *visio);

#endif
