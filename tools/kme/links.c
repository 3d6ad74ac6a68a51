/* SPDX-License-Identifier: Apache-2.0 */
#include "links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compare.h"

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
						 peer->link->cursors[lane], batch->cursor, err);
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
	int got = peer->link->class->read(peer->link->qkdlink, lane, room < BATCH ? (size_t)room : BATCH, &batch, err);
	if (got <= 0)
		return got;
	if (seal_and_import(peer, lane, &batch, err) < 0)
		return -1;
	snprintf(peer->link->cursors[lane], sizeof peer->link->cursors[lane], "%s", batch.cursor);
	if (peer->link->class->stored && peer->link->class->stored(peer->link->qkdlink, lane, batch.cursor, err) != 0)
		return -1;
	return 1;
}

static void wait_for_work(struct link *link, int ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&link->lock);
	if (!link->stopping && !link->hungry)
		pthread_cond_clockwait(&link->changed, &link->lock, CLOCK_MONOTONIC, &until);
	link->hungry = false;
	pthread_mutex_unlock(&link->lock);
}

bool link_has_keys(const struct link *link)
{
	return link->class != NULL;
}

bool link_is_stopping(struct link *link)
{
	pthread_mutex_lock(&link->lock);
	bool stopping = link->stopping;
	pthread_mutex_unlock(&link->lock);
	return stopping;
}

/* Opens the link where the store has it. */
static int open_link(struct link *link, const struct kme *kme, struct qv_error *err)
{
	struct qv_qkdlink_ends ends = { .local = kme->id, .remote = link->kme_id };
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES; lane++) {
		if (kme->store_class->cursor(kme->store, link->kme_id, lane, link->cursors[lane], err) != 0)
			return -1;
		ends.cursor[lane] = link->cursors[lane];
	}
	link->qkdlink = link->class->open(&link->host, link->role.options, &ends, err);
	return link->qkdlink ? 0 : -1;
}

static void close_link(struct link *link)
{
	if (link->qkdlink)
		link->class->close(link->qkdlink);
	link->qkdlink = NULL;
}

/* Of the processes that share a store one feeds each link. */
static int may_feed(struct peer *peer, struct qv_error *err)
{
	struct kme *kme = peer->kme;
	int may = kme->store_class->feeds ? kme->store_class->feeds(kme->store, peer->kme_id, err) : 1;
	if (may == 0)
		close_link(peer->link);
	return may;
}

/* Keys that were read and could not be stored come again only from a link that is opened anew. */
static int feed_once(struct peer *peer, bool *some, bool *full, struct qv_error *err)
{
	struct link *link = peer->link;
	int got = may_feed(peer, err);
	if (got <= 0)
		return got;
	got = 0;
	if (!link->qkdlink && open_link(link, peer->kme, err) != 0)
		return -1;
	for (unsigned lane = 0; lane < QV_QKDLINK_LANES && got >= 0; lane++) {
		got = feed_lane(peer, lane, full, err);
		*some = *some || got > 0;
	}
	if (got >= 0)
		return 0;
	close_link(link);
	return -1;
}

/* One round by the current configuration; returns how long to rest after it. */
static int feed_round(struct link *link, bool *failing)
{
	struct qv_error err = QV_ERROR_INIT;
	bool full = true, some = false;
	struct kme *kme = kme_hold(link->site);
	struct peer *peer = kme_peer(kme, link->kme_id);
	int got = peer && peer->link == link ? feed_once(peer, &some, &full, &err) : 0;
	kme_release(kme);
	/* Once per outage, not once per try. */
	if (got < 0 && !*failing)
		qv_log_error(link->log, "keys of the link do not come in: %s", err.message);
	if (got >= 0 && *failing)
		qv_log_info(link->log, "keys of the link come in again");
	*failing = got < 0;
	if (got < 0)
		return ERROR_WAIT_MS;
	return some ? 0 : full ? FULL_WAIT_MS : link->class->wait_ms(link->qkdlink);
}

static void *feed(void *argument)
{
	struct link *link = argument;
	bool failing = false;
	while (!link_is_stopping(link)) {
		int rest_ms = feed_round(link, &failing);
		if (rest_ms > 0)
			wait_for_work(link, rest_ms);
	}
	return NULL;
}

/* Settling goes on all the time: it may not keep a request from being undone. */
static void init_settling(struct link *link)
{
	pthread_rwlockattr_t attributes;
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&link->settling, &attributes);
	pthread_rwlockattr_destroy(&attributes);
}

struct link *link_new(struct peer *peer, struct qv_error *err)
{
	struct link *link = calloc(1, sizeof *link);
	if (!link) {
		qv_fail(err, QV_E_NOMEM, "no memory for a link");
		return NULL;
	}
	atomic_init(&link->references, 1);
	pthread_mutex_init(&link->lock, NULL);
	pthread_cond_init(&link->changed, NULL);
	init_settling(link);
	link->site = peer->kme->site;
	link->role = peer->link_role;
	peer->link_role = (struct qv_role){ NULL };
	if (link->role.class)
		link->class = qv_qkdlink_class(link->role.class);
	link->kme_id = strdup(peer->kme_id);
	link->log = qv_log_child(peer->kme->log, peer->kme_id);
	link->host = (struct qv_host){
		.size = sizeof link->host, .log = link->log, .clock = &qv_clock_monotonic, .cancel_fd = -1
	};
	struct qv_error why = QV_ERROR_INIT;
	if (!link->kme_id)
		qv_fail(&why, QV_E_NOMEM, "no memory for a link");
	else if (!link->class || open_link(link, peer->kme, &why) == 0)
		return link;
	/* Another process of this site feeds it, or the link that this one replaces is open still: the feeder tries again. */
	if (why.code == QV_E_BUSY) {
		qv_log_info(link->log, "%s", why.message);
		return link;
	}
	link_release(link);
	if (err)
		*err = why;
	return NULL;
}

int link_start(struct link *link, struct qv_error *err)
{
	if (!link->class) {
		qv_log_warning(link->log, "no QKD link leads to this peer: its SAEs get keys only through other KMEs");
		return 0;
	}
	int failed = pthread_create(&link->feeder, NULL, feed, link);
	link->feeder_runs = !failed;
	return failed ? qv_fail_errno(err, QV_E_NOMEM, failed, "starting a thread") : 0;
}

static void signal_stop(struct link *link)
{
	pthread_mutex_lock(&link->lock);
	link->stopping = true;
	pthread_cond_broadcast(&link->changed);
	pthread_mutex_unlock(&link->lock);
}

void link_stop(struct link *link)
{
	signal_stop(link);
	if (link->feeder_runs)
		pthread_join(link->feeder, NULL);
	link->feeder_runs = false;
	undo_stop(link);
	compare_stop(link);
	close_link(link);
}

struct link *link_hold(struct link *link)
{
	atomic_fetch_add(&link->references, 1);
	return link;
}

void link_release(struct link *link)
{
	if (!link || atomic_fetch_sub(&link->references, 1) != 1)
		return;
	undo_stop(link);
	qv_role_free(&link->role);
	qv_log_free(link->log);
	free(link->kme_id);
	pthread_rwlock_destroy(&link->settling);
	pthread_cond_destroy(&link->changed);
	pthread_mutex_destroy(&link->lock);
	free(link);
}

void link_hungry(struct peer *peer)
{
	pthread_mutex_lock(&peer->link->lock);
	peer->link->hungry = true;
	pthread_cond_broadcast(&peer->link->changed);
	pthread_mutex_unlock(&peer->link->lock);
}
