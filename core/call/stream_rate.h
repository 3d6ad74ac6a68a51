/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rate of pictures the session carries, by how long pictures wait before the socket takes them. Reads no clock.
 * Few bytes are kept in the socket itself, so what does not fit waits where it is seen.
 */
#ifndef QV_CALL_STREAM_RATE_H
#define QV_CALL_STREAM_RATE_H

#include <stdint.h>

struct stream_rate {
	int64_t rate; /* bit/s; 0: nothing ever waited */
	int64_t since_ns;
	uint64_t bytes;    /* sent until then */
	int64_t waited_ns; /* the longest since then */
};

/* A picture has waited so long; `bytes` were sent so far, by all. Returns the rate for the encoder, at most `most`; 0: any. */
int64_t stream_rate_note(struct stream_rate *stream, int64_t waited_ns, uint64_t bytes, int64_t most, int64_t now);

#endif
