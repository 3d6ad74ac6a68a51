/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

#include <stdio.h>

void board_init(struct board *board)
{
	*board = (struct board){ .first = 0 };
	pthread_mutex_init(&board->lock, NULL);
}

void board_clear(struct board *board)
{
	pthread_mutex_destroy(&board->lock);
}

void board_post(struct board *board, enum qv_call_happening happening, enum qv_stream_kind kind, int key,
		const char *text)
{
	pthread_mutex_lock(&board->lock);
	if (board->count == BOARD_EVENTS) {
		board->first = (board->first + 1) % BOARD_EVENTS;
		board->count--;
	}
	struct board_event *event = &board->events[(board->first + board->count++) % BOARD_EVENTS];
	*event = (struct board_event){ .happening = happening, .kind = kind, .key = key };
	snprintf(event->text, sizeof event->text, "%s", text ? text : "");
	pthread_mutex_unlock(&board->lock);
}

bool board_take(struct board *board, struct board_event *event)
{
	pthread_mutex_lock(&board->lock);
	bool has = board->count > 0;
	if (has) {
		*event = board->events[board->first];
		board->first = (board->first + 1) % BOARD_EVENTS;
		board->count--;
	}
	pthread_mutex_unlock(&board->lock);
	return has;
}

void board_note_fate(struct board *board, uint64_t sequence, bool decoded)
{
	pthread_mutex_lock(&board->lock);
	fates_note(&board->seen, sequence, decoded);
	pthread_mutex_unlock(&board->lock);
}

struct fates board_fates(struct board *board)
{
	pthread_mutex_lock(&board->lock);
	struct fates seen = board->seen;
	pthread_mutex_unlock(&board->lock);
	return seen;
}

void board_put_fates(struct board *board, const struct fate *fates, size_t count)
{
	pthread_mutex_lock(&board->lock);
	for (size_t i = 0; i < count; i++) {
		if (board->fate_count == BOARD_FATES) {
			board->fate_first = (board->fate_first + 1) % BOARD_FATES;
			board->fate_count--;
		}
		board->fates[(board->fate_first + board->fate_count++) % BOARD_FATES] = fates[i];
	}
	pthread_mutex_unlock(&board->lock);
}

bool board_take_fate(struct board *board, struct fate *fate)
{
	pthread_mutex_lock(&board->lock);
	bool has = board->fate_count > 0;
	if (has) {
		*fate = board->fates[board->fate_first];
		board->fate_first = (board->fate_first + 1) % BOARD_FATES;
		board->fate_count--;
	}
	pthread_mutex_unlock(&board->lock);
	return has;
}

void board_set_security(struct board *board, const struct qv_call_security *security)
{
	pthread_mutex_lock(&board->lock);
	board->security = *security;
	pthread_mutex_unlock(&board->lock);
	atomic_fetch_add(&board->secured, 1);
}

struct qv_call_security board_security(struct board *board)
{
	pthread_mutex_lock(&board->lock);
	struct qv_call_security security = board->security;
	pthread_mutex_unlock(&board->lock);
	return security;
}
