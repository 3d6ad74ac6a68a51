/* SPDX-License-Identifier: Apache-2.0 */
#include "inbox.h"

#include <stdlib.h>

#include "condition.h"

/* What a slot keeps when it is empty; the first one, which a stream of keys uses alone, keeps what it has. */
#define SLOT_ROOM (256u * 1024u)

/* With more than so many behind it a picture waits no longer. */
#define INBOX_CROWDED 24

struct inbox {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct unit_buffer picture[INBOX_PICTURES]; /* ring */
	size_t first, count, bytes;
	bool want_key; /* a picture between keys was given up: nothing before the next key is of use */
	bool holds;    /* pictures wait for their time: a key does not put those before it out of date yet */
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
	bool full = inbox->count == INBOX_PICTURES || inbox->bytes + picture->size > INBOX_BYTES_MAX;
	if (full || (picture->key && !inbox->holds)) {
		given_up = give_up_all(inbox);
		inbox->want_key = !picture->key;
	}
	if (picture->key)
		inbox->want_key = false;
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

static struct unit_buffer *picture_at(struct inbox *inbox, size_t index)
{
	return &inbox->picture[(inbox->first + index) % INBOX_PICTURES];
}

/* Capture times are the peer's word: whatever they are, the wait is bounded. */
static int64_t due(struct inbox *inbox, size_t index, const struct inbox_hold *hold)
{
	const struct unit_buffer *picture = picture_at(inbox, index);
	if (!hold->set || picture->unit.capture_ns == 0 || inbox->count - index > INBOX_CROWDED)
		return 0;
	int64_t at = (int64_t)((uint64_t)picture->unit.capture_ns + (uint64_t)hold->at_ns);
	return at < picture->ready_ns + INBOX_HOLD_NS ? at : picture->ready_ns + INBOX_HOLD_NS;
}

static void forget_first(struct inbox *inbox)
{
	if (inbox->first > 0)
		unit_buffer_trim(&inbox->picture[inbox->first], SLOT_ROOM);
	inbox->count--;
	inbox->first = inbox->count > 0 ? (inbox->first + 1) % INBOX_PICTURES : 0;
}

/* The last key picture whose time has come makes those before it out of date. */
static int give_up_older(struct inbox *inbox, const struct inbox_hold *hold, int64_t now)
{
	size_t newest = 0;
	for (size_t i = 1; i < inbox->count && due(inbox, i, hold) <= now; i++)
		if (picture_at(inbox, i)->key)
			newest = i;
	for (size_t i = 0; i < newest; i++) {
		inbox->bytes -= picture_at(inbox, 0)->size;
		forget_first(inbox);
	}
	return (int)newest;
}

/* With the lock held: waits until there is something to take. */
static bool await(struct inbox *inbox, const struct inbox_hold *hold, int64_t deadline)
{
	for (;;) {
		int64_t until = inbox->count > 0 ? due(inbox, 0, hold) : deadline;
		if (inbox->stopped || (inbox->ended && inbox->count == 0))
			return false;
		int64_t now = qv_clock_now(&qv_clock_monotonic);
		if (inbox->count > 0 && until <= now)
			return true;
		if (now >= deadline)
			return false;
		condition_wait_until(&inbox->changed, &inbox->lock, until < deadline ? until : deadline);
	}
}

enum inbox_got inbox_take(struct inbox *inbox, struct unit_buffer *into, const struct inbox_hold *hold, bool *more,
			  int *given_up, int timeout_ms)
{
	int64_t deadline = qv_clock_now(&qv_clock_monotonic) + timeout_ms * QV_NS_PER_MS;
	enum inbox_got got = INBOX_NOTHING;
	*more = false;
	*given_up = 0;
	pthread_mutex_lock(&inbox->lock);
	inbox->holds = hold->set;
	if (await(inbox, hold, deadline)) {
		int64_t now = qv_clock_now(&qv_clock_monotonic);
		*given_up = give_up_older(inbox, hold, now);
		got = INBOX_PICTURE;
		inbox->bytes -= picture_at(inbox, 0)->size;
		unit_buffer_swap(picture_at(inbox, 0), into);
		forget_first(inbox);
		*more = inbox->count > 0 && due(inbox, 0, hold) <= now;
	} else if (inbox->stopped || (inbox->ended && inbox->count == 0)) {
		got = INBOX_ENDED;
	}
	pthread_mutex_unlock(&inbox->lock);
	return got;
}
