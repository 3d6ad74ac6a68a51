/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox.h"

#include <pthread.h>
#include <stdlib.h>

#define SOUND_SLOTS 64

struct outbox {
	pthread_mutex_t lock;
	struct unit_buffer picture;
	bool has_picture;
	uint64_t pictures;                     /* put so far */
	bool inter_coded;                      /* one of them was no key picture */
	struct unit_buffer sound[SOUND_SLOTS]; /* ring */
	size_t first, count;
	uint64_t frames; /* samples per channel in the ring */
};

struct outbox *outbox_new(struct qv_error *err)
{
	struct outbox *outbox = calloc(1, sizeof *outbox);
	if (!outbox) {
		qv_fail(err, QV_E_NOMEM, "no memory for the outbox of a call");
		return NULL;
	}
	pthread_mutex_init(&outbox->lock, NULL);
	return outbox;
}

void outbox_free(struct outbox *outbox)
{
	if (!outbox)
		return;
	unit_buffer_free(&outbox->picture);
	for (size_t i = 0; i < SOUND_SLOTS; i++)
		unit_buffer_free(&outbox->sound[i]);
	pthread_mutex_destroy(&outbox->lock);
	free(outbox);
}

bool outbox_video_room(struct outbox *outbox)
{
	pthread_mutex_lock(&outbox->lock);
	/* The second picture of an inter-coded stream is no key picture: until it is seen, nothing is replaced. */
	bool replaceable = !outbox->inter_coded && outbox->pictures >= 2;
	bool room = !outbox->has_picture || replaceable;
	pthread_mutex_unlock(&outbox->lock);
	return room;
}

static int copy(struct unit_buffer *into, const struct outbox_item *from, struct qv_error *err)
{
	if (unit_buffer_set(into, &from->unit, from->key, from->data, err) != 0)
		return -1;
	into->prediction = from->prediction;
	into->ready_ns = from->ready_ns;
	return 0;
}

int outbox_put_video(struct outbox *outbox, const struct outbox_item *picture, struct qv_error *err)
{
	pthread_mutex_lock(&outbox->lock);
	int given_up = outbox->has_picture ? 1 : 0;
	if (copy(&outbox->picture, picture, err) != 0) {
		given_up = -1;
	} else {
		outbox->has_picture = true;
		outbox->pictures++;
		outbox->inter_coded |= !picture->key;
	}
	pthread_mutex_unlock(&outbox->lock);
	return given_up;
}

static void drop_oldest(struct outbox *outbox)
{
	outbox->frames -= outbox->sound[outbox->first].unit.frames;
	outbox->first = (outbox->first + 1) % SOUND_SLOTS;
	outbox->count--;
}

int outbox_put_audio(struct outbox *outbox, const struct outbox_item *sound, int rate, struct qv_error *err)
{
	uint64_t limit = (uint64_t)rate * OUTBOX_SOUND_MS / 1000;
	int given_up = 0;
	pthread_mutex_lock(&outbox->lock);
	while (outbox->count == SOUND_SLOTS || (outbox->count > 0 && outbox->frames + sound->unit.frames > limit)) {
		drop_oldest(outbox);
		given_up++;
	}
	if (copy(&outbox->sound[(outbox->first + outbox->count) % SOUND_SLOTS], sound, err) != 0) {
		given_up = -1;
	} else {
		outbox->count++;
		outbox->frames += sound->unit.frames;
	}
	pthread_mutex_unlock(&outbox->lock);
	return given_up;
}

bool outbox_take_video(struct outbox *outbox, struct unit_buffer *into)
{
	pthread_mutex_lock(&outbox->lock);
	bool taken = outbox->has_picture;
	if (taken)
		unit_buffer_swap(&outbox->picture, into);
	outbox->has_picture = false;
	pthread_mutex_unlock(&outbox->lock);
	return taken;
}

bool outbox_take_audio(struct outbox *outbox, struct unit_buffer *into)
{
	pthread_mutex_lock(&outbox->lock);
	bool taken = outbox->count > 0;
	if (taken) {
		size_t first = outbox->first;
		drop_oldest(outbox);
		unit_buffer_swap(&outbox->sound[first], into);
	}
	pthread_mutex_unlock(&outbox->lock);
	return taken;
}

bool outbox_empty(struct outbox *outbox)
{
	pthread_mutex_lock(&outbox->lock);
	bool empty = !outbox->has_picture && outbox->count == 0;
	pthread_mutex_unlock(&outbox->lock);
	return empty;
}
