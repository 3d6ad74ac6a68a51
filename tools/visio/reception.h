/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls here is let in, each on a thread of its own, and given to the call or the conference that it is meant for. */
#ifndef VISIO_RECEPTION_H
#define VISIO_RECEPTION_H

#include "conversation.h"

/* visio listen: until it is cancelled; then everybody is gone. */
int reception_listen(struct visio *visio, struct qv_error *err);

/*
 * With the lock held, where visio does not listen: some of those who come to a conference later call here. If that cannot be
 * it is logged.
 */
void reception_open(struct visio *visio);
/* When the program is being cancelled. */
void reception_close(struct visio *visio);

#endif
