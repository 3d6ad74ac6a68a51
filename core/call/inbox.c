/* SPDX-License-Identifier: Apache-2.0 */
#include "inbox.h"

#include <stdlib.h>

#include "condition.h"

/* What a slot keeps when it is empty; the first one, which a stream of keys uses alone, keeps what it has. */
#define SLOT_ROOM (256u * 1024u)

struct inbox {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct unit_buffer picture[INBOX_PICTURES]; /* ring */
	size_t first, count, bytes;
	bool want_key; /* a picture between keys was given up: nothing before the next key is of use */
	bool ended, stopped;
};

struct inbox *inbox_new(struct qv_error *err)
{
	struct inbox *inbox = calloc(1, sizeof *inbox);
	if (!inbox) {
		qv_fail(err, QV_E_NOMEM, "no memory for the inbox of a call");
		return NULL;
	}
	pthread_mutex_init(&inbox->lock, NULL);
	condition_init(&inbox->changed);
	return inbox;
}

void inbox_free(struct inbox *inbox)
{
	if (!inbox)
		return;
	for (size_t i = 0; i < INBOX_PICTURES; i++)
		unit_buffer_free(&inbox->picture[i]);
	pthread_cond_destroy(&inbox->changed);
	pthread_mutex_destroy(&inbox->lock);
	free(inbox);
}

static int give_up_all(struct inbox *inbox)
{
	int given_up = (int)inbox->count;
	for (size_t i = 1; i < INBOX_PICTURES; i++)
		unit_buffer_trim(&inbox->picture[i], SLOT_ROOM);
	inbox->first = inbox->count = inbox->bytes = 0;
	return given_up;
}

int inbox_put(struct inbox *inbox, struct unit_buffer *picture)
{
	int given_up = 0;
	pthread_mutex_lock(&inbox->lock);
	if (picture->key) {
		given_up = give_up_all(inbox);
		inbox->want_key = false;
	} else if (inbox->count == INBOX_PICTURES || inbox->bytes + picture->size > INBOX_BYTES_MAX) {
		given_up = give_up_all(inbox);
		inbox->want_key = true;
	}
	if (inbox->want_key) {
		given_up++;
	} else {
		inbox->bytes += picture->size;
		unit_buffer_swap(&inbox->picture[(inbox->first + inbox->count++) % INBOX_PICTURES], picture);
		pthread_cond_signal(&inbox->changed);
	}
	pthread_mutex_unlock(&inbox->lock);
	return given_up;
}

void inbox_end(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->ended = true;
	pthread_cond_signal(&inbox->changed);
	pthread_mutex_unlock(&inbox->lock);
}

void inbox_stop(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->stopped = true;
	pthread_cond_signal(&inbox->changed);
	pthread_mutex_unlock(&inbox->lock);
}

enum inbox_got inbox_take(struct inbox *inbox, struct unit_buffer *into, bool *more, int timeout_ms)
{
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	enum inbox_got got = INBOX_NOTHING;
	pthread_mutex_lock(&inbox->lock);
	while (inbox->count == 0 && !inbox->ended && !inbox->stopped)
		if (condition_wait_until(&inbox->changed, &inbox->lock, deadline) != 0)
			break;
	if (inbox->stopped || (inbox->ended && inbox->count == 0)) {
		got = INBOX_ENDED;
	} else if (inbox->count > 0) {
		got = INBOX_PICTURE;
		inbox->bytes -= inbox->picture[inbox->first].size;
		unit_buffer_swap(&inbox->picture[inbox->first], into);
		if (inbox->first > 0)
			unit_buffer_trim(&inbox->picture[inbox->first], SLOT_ROOM);
		inbox->count--;
		inbox->first = inbox->count > 0 ? (inbox->first + 1) % INBOX_PICTURES : 0;
	}
	*more = inbox->count > 0;
	pthread_mutex_unlock(&inbox->lock);
	return got;
}
