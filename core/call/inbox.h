/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures received and not yet decoded. A key picture puts all that wait before it out of date; pictures between keys
 * are kept in order, up to a bound. The network thread puts, the decoding thread takes. Safe on any thread.
 */
#ifndef QV_CALL_INBOX_H
#define QV_CALL_INBOX_H

#include "unit_buffer.h"

#define INBOX_PICTURES  32
#define INBOX_BYTES_MAX (2u * QV_PACKET_MAX)

struct inbox;

struct inbox *inbox_new(struct qv_error *err);
void inbox_free(struct inbox *inbox);

/* Takes the picture over by swapping memory with `picture`. Returns how many pictures were given up. */
int inbox_put(struct inbox *inbox, struct unit_buffer *picture);

/* No more will come (what is there can still be taken), or: stop at once. */
void inbox_end(struct inbox *inbox);
void inbox_stop(struct inbox *inbox);

enum inbox_got { INBOX_PICTURE, INBOX_NOTHING, INBOX_ENDED };

/* Waits at most `timeout_ms` for a picture and swaps it into `into`; *more says whether another one waits. */
enum inbox_got inbox_take(struct inbox *inbox, struct unit_buffer *into, bool *more, int timeout_ms);

#endif
