/* SPDX-License-Identifier: Apache-2.0 */
#include "path_queue.h"

#include <qvisio/clock.h>

#define BASE_WINDOW_NS (10 * QV_NS_PER_SECOND)
#define SLOT_NS        (20 * QV_NS_PER_MS)
#define STANDING_SLOTS 6
#define RECENT_SLOTS   2
#define BUSY_NS        (5 * QV_NS_PER_MS)

void path_queue_start(struct path_queue *queue)
{
	*queue = (struct path_queue){ .base = { INT64_MAX, INT64_MAX } };
	for (int i = 0; i < PATH_QUEUE_SLOTS; i++)
		queue->slots[i].slot = INT64_MIN / 2;
}

static int64_t least(const struct path_queue *queue)
{
	return queue->base[0] < queue->base[1] ? queue->base[0] : queue->base[1];
}

void path_queue_add(struct path_queue *queue, int64_t delay, int64_t arrived, int64_t grain)
{
	if (arrived - queue->base_since > BASE_WINDOW_NS) {
		queue->base[1] = queue->base[0];
		queue->base[0] = INT64_MAX;
		queue->base_since = arrived;
	}
	if (delay < queue->base[0])
		queue->base[0] = delay;
	int64_t slot = arrived / SLOT_NS;
	int at = (int)((uint64_t)slot % PATH_QUEUE_SLOTS);
	if (queue->slots[at].slot != slot || delay < queue->slots[at].least)
		queue->slots[at].least = delay;
	queue->slots[at].slot = slot;
	queue->latest = delay;
	queue->arrived = arrived;
	queue->grain = grain;
	if (delay - least(queue) < BUSY_NS + grain)
		queue->busy_since = 0;
	else if (queue->busy_since == 0)
		queue->busy_since = arrived;
}

static int64_t above(const struct path_queue *queue, int64_t delay)
{
	int64_t base = least(queue);
	return base == INT64_MAX || delay - base < queue->grain ? 0 : delay - base - queue->grain;
}

int64_t path_queue_now(const struct path_queue *queue)
{
	return above(queue, queue->latest);
}

/* The least delay of so many slots, the newest of them so many back. INT64_MAX: nothing came. */
static int64_t least_of(const struct path_queue *queue, int64_t back, int64_t count)
{
	int64_t slot = queue->arrived / SLOT_NS, found = INT64_MAX;
	for (int i = 0; i < PATH_QUEUE_SLOTS; i++) {
		int64_t age = slot - queue->slots[i].slot;
		if (age >= back && age < back + count && queue->slots[i].least < found)
			found = queue->slots[i].least;
	}
	return found;
}

int64_t path_queue_standing(const struct path_queue *queue)
{
	int64_t standing = least_of(queue, 0, STANDING_SLOTS);
	return standing == INT64_MAX ? 0 : above(queue, standing);
}

int64_t path_queue_growth(const struct path_queue *queue)
{
	int64_t late = least_of(queue, 0, RECENT_SLOTS);
	int64_t early = least_of(queue, RECENT_SLOTS, PATH_QUEUE_SLOTS - RECENT_SLOTS);
	return late == INT64_MAX || early == INT64_MAX ? 0 : late - early;
}
