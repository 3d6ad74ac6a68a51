/* SPDX-License-Identifier: Apache-2.0 */
#include "links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH         256
#define FULL_WAIT_MS  1000
#define ERROR_WAIT_MS 2000
#define POOL_SEALED   (QV_QKDLINK_KEY_BYTES + SEAL_OVERHEAD)

static int64_t seal_and_import(struct peer *peer, unsigned lane, const struct qv_qkdlink_batch *batch,
			       struct qv_error *err)
{
	struct kme *kme = peer->kme;
	uint8_t *sealed = malloc(batch->count * POOL_SEALED);
	struct qv_pool_key *keys = calloc(batch->count, sizeof *keys);
	int64_t added = -1;
	if (!sealed || !keys)
		qv_fail(err, QV_E_NOMEM, "no memory for %zu keys", batch->count);
	for (size_t i = 0; sealed && keys && i < batch->count; i++) {
		uint8_t *out = sealed + i * POOL_SEALED;
		seal_wrap(kme->seal, "pool", peer->kme_id, batch->labels[i],
			  qv_secret_bytes(batch->keys) + i * QV_QKDLINK_KEY_BYTES, QV_QKDLINK_KEY_BYTES, out);
		keys[i] = (struct qv_pool_key){ batch->labels[i], { out, POOL_SEALED } };
	}
	if (sealed && keys)
		added = kme->store_class->import(kme->store, peer->kme_id, lane, keys, batch->count,
						 peer->cursors[lane], batch->cursor, err);
	free(sealed);
	free(keys);
	return added;
}

/* Brings keys of a lane in. 1: some; 0: none there, or no room; -1. `full` is cleared where there is room. */
static int feed_lane(struct peer *peer, unsigned lane, bool *full, struct qv_error *err)
{
	struct kme *kme = peer->kme;
	struct qv_qkdlink_batch batch;
	int64_t stock = kme->store_class->stock(kme->store, peer->kme_id, lane, err);
	if (stock < 0)
		return -1;
	if (stock >= kme->limits.stored)
		return 0;
	*full = false;
	int64_t room = kme->limits.stored - stock;
	int got = peer->link_class->read(peer->link, lane, room < BATCH ? (size_t)room : BATCH, &batch, err);
	if (got <= 0)
		return got;
	if (seal_and_import(peer, lane, &batch, err) < 0)
		return -1;
	snprintf(peer->cursors[lane], sizeof peer->cursors[lane], "%s", batch.cursor);
	if (peer->link_class->stored && peer->link_class->stored(peer->link, lane, batch.cursor, err) != 0)
		return -1;
	return 1;
}

static void wait_for_work(struct peer *peer, int ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&peer->lock);
	if (!peer->stopping && !peer->hungry)
		pthread_cond_clockwait(&peer->changed, &peer->lock, CLOCK_MONOTONIC, &until);
	peer->hungry = false;
	pthread_mutex_unlock(&peer->lock);
}

static bool is_stopping(struct peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	bool stopping = peer->stopping;
	pthread_mutex_unlock(&peer->lock);
	return stopping;
}

/* Opens the link where the store has it. */
static int open_link(struct peer *peer, struct qv_error *err)
{
	struct kme *kme = peer->kme;
	struct qv_qkdlink_ends ends = { .local = kme->id, .remote = peer->kme_id };
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++) {
		if (kme->store_class->cursor(kme->store, peer->kme_id, lane, peer->cursors[lane], err) != 0)
			return -1;
		ends.cursor[lane] = peer->cursors[lane];
	}
	peer->link = peer->link_class->open(&peer->host, peer->link_role.options, &ends, err);
	return peer->link ? 0 : -1;
}

static void close_link(struct peer *peer)
{
	if (peer->link)
		peer->link_class->close(peer->link);
	peer->link = NULL;
}

/* Of the processes that share a store one feeds each link. */
static int may_feed(struct peer *peer, struct qv_error *err)
{
	struct kme *kme = peer->kme;
	int may = kme->store_class->feeds ? kme->store_class->feeds(kme->store, peer->kme_id, err) : 1;
	if (may == 0)
		close_link(peer);
	return may;
}

/* Keys that were read and could not be stored come again only from a link that is opened anew. */
static int feed_once(struct peer *peer, bool *some, bool *full, struct qv_error *err)
{
	int got = may_feed(peer, err);
	if (got == 0)
		return 0;
	if (got < 0)
		return -1;
	got = 0;
	if (!peer->link && open_link(peer, err) != 0)
		return -1;
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES && got >= 0; lane++) {
		got = feed_lane(peer, lane, full, err);
		*some = *some || got > 0;
	}
	if (got >= 0)
		return 0;
	close_link(peer);
	return -1;
}

static void *feed(void *argument)
{
	struct peer *peer = argument;
	bool failing = false;
	while (!is_stopping(peer)) {
		struct qv_error err = QV_ERROR_INIT;
		bool full = true, some = false;
		int got = feed_once(peer, &some, &full, &err);
		/* Once per outage, not once per try. */
		if (got < 0 && !failing)
			qv_log_error(peer->log, "keys of the link do not come in: %s", err.message);
		if (got >= 0 && failing)
			qv_log_info(peer->log, "keys of the link come in again");
		failing = got < 0;
		if (!some || failing)
			wait_for_work(peer, failing ? ERROR_WAIT_MS
					    : full  ? FULL_WAIT_MS
						    : peer->link_class->wait_ms(peer->link));
	}
	return NULL;
}

int link_start(struct peer *peer, struct qv_error *err)
{
	peer->log = qv_log_child(peer->kme->log, peer->kme_id);
	peer->host = (struct qv_host){
		.size = sizeof peer->host, .log = peer->log, .clock = &qv_clock_monotonic, .cancel_fd = -1
	};
	if (open_link(peer, err) != 0)
		return -1;
	int failed = pthread_create(&peer->feeder, NULL, feed, peer);
	peer->feeder_runs = !failed;
	return failed ? qv_fail_errno(err, QV_E_NOMEM, failed, "starting a thread") : 0;
}

static void signal_stop(struct peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	peer->stopping = true;
	pthread_cond_broadcast(&peer->changed);
	pthread_mutex_unlock(&peer->lock);
}

void link_stop(struct peer *peer)
{
	signal_stop(peer);
	if (peer->feeder_runs)
		pthread_join(peer->feeder, NULL);
	peer->feeder_runs = false;
	close_link(peer);
}

void link_hungry(struct peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	peer->hungry = true;
	pthread_cond_broadcast(&peer->changed);
	pthread_mutex_unlock(&peer->lock);
}
