/* SPDX-License-Identifier: Apache-2.0 */
#include "lip_sync.h"

#include <pthread.h>
#include <stdlib.h>

#include <qvisio/clock.h>

#include "../audio/arrival.h"

#define MS       QV_NS_PER_MS
#define EARLY_NS (30 * MS)  /* that a picture is shown before its sound: less delay, and room both ways */
#define LATE_NS  (5 * MS)   /* that it may be after it before sound waits for it */
#define WAIT_MAX (150 * MS) /* that sound waits beyond its own lead */
#define SMOOTH   8
#define JUMP_NS  (100 * MS) /* a delay that moves by more is another one */
#define STALE_NS QV_NS_PER_SECOND
#define IN_TIME  0.95 /* share of the pictures that sound waits for */
#define PICTURES 5    /* that tell how slow they are */

struct lip_sync {
	pthread_mutex_t lock;
	bool sound; /* `sound_delay` is known, of this time: */
	int64_t heard_ns, sound_delay, lead_ns;
	struct arrival pictures;
	int64_t shown_ns;
	struct lip_sync_skew skew;
};

struct lip_sync *lip_sync_new(struct qv_error *err)
{
	struct lip_sync *sync = calloc(1, sizeof *sync);
	if (!sync) {
		qv_fail(err, QV_E_NOMEM, "no memory to synchronise sound and pictures");
		return NULL;
	}
	pthread_mutex_init(&sync->lock, NULL);
	return sync;
}

void lip_sync_free(struct lip_sync *sync)
{
	if (!sync)
		return;
	pthread_mutex_destroy(&sync->lock);
	free(sync);
}

/* Capture times are the peer's word: any 64 bits. Their differences wrap, and are bounded where they are used. */
static int64_t minus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static bool between(int64_t value, int64_t least, int64_t most)
{
	return value >= least && value <= most;
}

void lip_sync_heard(struct lip_sync *sync, int64_t captured_ns, int64_t heard_ns, int64_t lead_ns)
{
	int64_t delay = minus(heard_ns, captured_ns);
	pthread_mutex_lock(&sync->lock);
	int64_t moved = minus(delay, sync->sound_delay);
	if (!sync->sound || !between(moved, -JUMP_NS, JUMP_NS))
		sync->sound_delay = delay;
	else
		sync->sound_delay = plus(sync->sound_delay, moved / SMOOTH);
	sync->sound = true;
	sync->heard_ns = heard_ns;
	sync->lead_ns = lead_ns;
	pthread_mutex_unlock(&sync->lock);
}

static bool fresh(const struct lip_sync *sync, int64_t now)
{
	return sync->sound && now - sync->heard_ns < STALE_NS;
}

int64_t lip_sync_lead(struct lip_sync *sync, int64_t now)
{
	int64_t lead = 0;
	pthread_mutex_lock(&sync->lock);
	if (fresh(sync, now) && sync->pictures.packets >= PICTURES && now - sync->shown_ns < STALE_NS) {
		int64_t pictures = plus(arrival_least(&sync->pictures), arrival_quantile(&sync->pictures, IN_TIME));
		int64_t missing = minus(minus(pictures, LATE_NS), sync->sound_delay);
		if (between(missing, -10 * QV_NS_PER_SECOND, 10 * QV_NS_PER_SECOND))
			lead = sync->lead_ns + missing;
	}
	pthread_mutex_unlock(&sync->lock);
	return lead < 0 ? 0 : lead < WAIT_MAX ? lead : WAIT_MAX;
}

static void count(struct lip_sync_skew *skew, double ms)
{
	if (skew->count == 0 || ms < skew->least_ms)
		skew->least_ms = ms;
	if (skew->count == 0 || ms > skew->most_ms)
		skew->most_ms = ms;
	skew->count++;
	skew->mean_ms += (ms - skew->mean_ms) / (double)skew->count;
}

void lip_sync_shown(struct lip_sync *sync, int64_t captured_ns, int64_t ready_ns, int64_t shown_ns)
{
	pthread_mutex_lock(&sync->lock);
	int64_t ready = minus(ready_ns, captured_ns);
	/* A clock that jumped, or a peer that lies: what was learnt is of no use any more. */
	if (sync->pictures.packets > 0 &&
	    !between(minus(ready, arrival_least(&sync->pictures)), -QV_NS_PER_SECOND, 10 * QV_NS_PER_SECOND))
		sync->pictures = (struct arrival){ 0 };
	arrival_note(&sync->pictures, ready, ready_ns);
	sync->shown_ns = shown_ns;
	int64_t skew = minus(minus(shown_ns, captured_ns), sync->sound_delay);
	if (fresh(sync, shown_ns) && between(skew, -60 * QV_NS_PER_SECOND, 60 * QV_NS_PER_SECOND))
		count(&sync->skew, (double)skew / 1e6);
	pthread_mutex_unlock(&sync->lock);
}

bool lip_sync_show_at(struct lip_sync *sync, int64_t now, int64_t *at_ns)
{
	pthread_mutex_lock(&sync->lock);
	bool known = fresh(sync, now);
	*at_ns = minus(sync->sound_delay, EARLY_NS);
	pthread_mutex_unlock(&sync->lock);
	return known;
}

struct lip_sync_skew lip_sync_skew(struct lip_sync *sync)
{
	pthread_mutex_lock(&sync->lock);
	struct lip_sync_skew skew = sync->skew;
	sync->skew = (struct lip_sync_skew){ 0 };
	pthread_mutex_unlock(&sync->lock);
	return skew;
}
