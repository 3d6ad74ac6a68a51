/* SPDX-License-Identifier: Apache-2.0 */
/* What the media threads of a call have to tell to its observer, and what the call has to tell to them. */
#ifndef QV_CALL_BOARD_H
#define QV_CALL_BOARD_H

#include <pthread.h>
#include <stdatomic.h>

#include <qvisio/call.h>
#include <qvisio/videocodec.h>

#include "fates.h"

#define BOARD_EVENTS 32
#define BOARD_TEXT   200
#define BOARD_FATES  256

struct board_event {
	enum qv_call_happening happening;
	enum qv_stream_kind kind;
	int key;
	char text[BOARD_TEXT];
};

struct board {
	pthread_mutex_t lock;
	struct board_event events[BOARD_EVENTS]; /* ring; the oldest gives way */
	size_t first, count;
	struct qv_call_security security;
	atomic_uint secured;            /* rises with each change of `security` */
	atomic_int need;                /* enum qv_picture_need: what the decoder of pictures waits for */
	struct fates seen;              /* of the pictures that came */
	struct fate fates[BOARD_FATES]; /* ring: of those that were sent, for their encoder; the oldest gives way */
	size_t fate_first, fate_count;
};

void board_init(struct board *board);
void board_clear(struct board *board);

/* Any thread posts, the thread of the call takes; false: nothing is there. */
void board_post(struct board *board, enum qv_call_happening happening, enum qv_stream_kind kind, int key,
		const char *text);
bool board_take(struct board *board, struct board_event *event);

/* The decoder is done with a picture, or cannot use it; what it was like lately. */
void board_note_fate(struct board *board, uint64_t sequence, bool decoded);
struct fates board_fates(struct board *board);

/* The peer has told of pictures; false: the encoder knows all. */
void board_put_fates(struct board *board, const struct fate *fates, size_t count);
bool board_take_fate(struct board *board, struct fate *fate);

void board_set_security(struct board *board, const struct qv_call_security *security);
struct qv_call_security board_security(struct board *board);

#endif
