/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures received and not yet decoded. A key picture puts all that wait before it out of date, once it is time to show
 * it; pictures between keys are kept in order, up to a bound. The network thread puts, the decoding thread takes. Safe on any thread.
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

/*
 * When pictures are to be taken: at their capture time and `at_ns`, but no later than INBOX_HOLD_NS after they came.
 * Not `set`: at once.
 */
#define INBOX_HOLD_NS (400 * INT64_C(1000000))
struct inbox_hold {
	bool set;
	int64_t at_ns;
};

/*
 * Waits at most `timeout_ms` for a picture whose time has come and swaps it into `into`; *more says whether it is the
 * turn of another one too. `given_up` counts those that one is out of date by.
 */
enum inbox_got inbox_take(struct inbox *inbox, struct unit_buffer *into, const struct inbox_hold *hold, bool *more,
			  int *given_up, int timeout_ms);

#endif
