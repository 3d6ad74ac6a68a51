/* SPDX-License-Identifier: Apache-2.0 */
/* The recording of a call, if there is one: who asks for it, and who feeds it, are on threads of their own. */
#ifndef QV_CALL_RECORDING_H
#define QV_CALL_RECORDING_H

#include <pthread.h>
#include <stdatomic.h>

#include "tape.h"

struct media;

struct recording {
	pthread_mutex_t asking;  /* held while a recording starts or ends */
	pthread_mutex_t feeding; /* of `part` */
	atomic_bool on;
	struct tape_part *part; /* NULL: nothing is recorded */
	struct qv_tape *tape;   /* NULL: not the call's own */
	struct tape_call call;
	const struct media *media; /* NULL: no call is open */
	struct qv_stream_offer offers[TAPE_SLOTS];
};

void recording_init(struct recording *recording);
void recording_clear(struct recording *recording);

/* The call has opened with these streams, NULL for one that it has not; its end ends the recording. */
void recording_opened(struct recording *recording, const struct media *media,
		      const struct qv_stream_offer *const offers[TAPE_SLOTS]);
void recording_closed(struct recording *recording);

/* From the threads of the media. `capture_ns` is by our clock. */
void recording_put(struct recording *recording, enum tape_slot slot, const struct qv_packet *packet, int64_t capture_ns,
		   uint64_t position);

#endif
