/* SPDX-License-Identifier: Apache-2.0 */
#include "pad_worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(QV_PAD_BATCH_MAX <= QV_KEYS_AT_ONCE, "a batch is one request");

/* A KME may lag behind the one that gave the key out, or be away for a moment. */
#define CLAIM_TRIES    3
#define CLAIM_RETRY_MS 300

int pad_source_open(struct pad_source *source, const struct media *media, const struct qv_role *role, const char *peer,
		    struct qv_error *err)
{
	*source = (struct pad_source){ .class = qv_keysource_class(role->class), .peer = peer };
	module_host_init(&source->host, media, "pad");
	source->keys = source->class->open(&source->host.host, role->options, err);
	if (source->keys)
		return 0;
	qv_error_prefix(err, "key source \"%s\"", source->class->head.name);
	pad_source_close(source);
	return -1;
}

void pad_source_close(struct pad_source *source)
{
	if (source->class)
		source->class->close(source->keys);
	module_host_clear(&source->host);
	*source = (struct pad_source){ 0 };
}

struct pad_batch *pad_batch_new(void)
{
	return calloc(1, sizeof(struct pad_batch));
}

void pad_batch_free(struct pad_batch *batch)
{
	for (size_t i = 0; batch && i < QV_PAD_BATCH_MAX; i++)
		qv_key_clear(&batch->key[i]);
	free(batch);
}

size_t pad_batch_bytes(const struct pad_batch *batch)
{
	size_t bytes = 0;
	for (size_t i = 0; i < batch->count; i++)
		bytes += qv_secret_size(batch->key[i].secret);
	return bytes;
}

void pad_source_take(const struct pad_source *source, struct pad_batch *batch)
{
	const struct qv_keysource_class *class = source->class;
	size_t got = 0;
	if (class->take_several) {
		if (class->take_several(source->keys, source->peer, batch->bits, batch->count, batch->key, &got,
					&batch->failure) != 0)
			got = 0;
	} else {
		while (got < batch->count &&
		       class->take(source->keys, source->peer, batch->bits, &batch->key[got], &batch->failure) == 0)
			got++;
	}
	batch->count = got;
}

/* A claimed key of another size than the peer told of is none. */
static void check_size(struct pad_batch *batch, size_t index)
{
	struct qv_key *key = &batch->key[index];
	if (!key->secret || qv_secret_size(key->secret) == batch->record.key[index].size)
		return;
	qv_fail(&batch->failure, QV_E_PROTOCOL, "key %s has %zu bytes here and %u at the peer", key->id,
		qv_secret_size(key->secret), batch->record.key[index].size);
	qv_key_clear(key);
}

static bool worth_another_try(const struct pad_worker *worker, enum qv_code code)
{
	if (code != QV_E_IO && code != QV_E_TIMEOUT && code != QV_E_NO_KEY && code != QV_E_BUSY)
		return false;
	int64_t until = qv_clock_now(&qv_clock_monotonic) + CLAIM_RETRY_MS * QV_NS_PER_MS;
	return qv_clock_sleep_until(until, worker->media->stop.poll_fd, NULL) == 0;
}

static void claim_one(const struct pad_worker *worker, struct pad_batch *batch, size_t index)
{
	const struct pad_source *source = worker->source;
	for (int tries = 1;; tries++) {
		struct qv_error why = QV_ERROR_INIT;
		if (source->class->claim(source->keys, source->peer, batch->record.key[index].id, &batch->key[index],
					 &why) == 0) {
			check_size(batch, index);
			return;
		}
		if (tries < CLAIM_TRIES && worth_another_try(worker, why.code))
			continue;
		batch->failure = why;
		return;
	}
}

/* Most often all of them are there. Otherwise each is claimed by itself. */
static bool claim_all(const struct pad_source *source, struct pad_batch *batch)
{
	const struct qv_keysource_class *class = source->class;
	const char *ids[QV_PAD_BATCH_MAX];
	for (size_t i = 0; i < batch->count; i++)
		ids[i] = batch->record.key[i].id;
	if (!class->claim_several ||
	    class->claim_several(source->keys, source->peer, ids, batch->count, batch->key, NULL) != 0)
		return false;
	for (size_t i = 0; i < batch->count; i++)
		check_size(batch, i);
	return true;
}

static void work(const struct pad_worker *worker, struct pad_batch *batch)
{
	if (batch->asks_status) {
		const struct pad_source *source = worker->source;
		(void)source->class->status(source->keys, source->peer, &batch->status, &batch->failure);
		return;
	}
	if (worker->claims && claim_all(worker->source, batch))
		return;
	if (!worker->claims)
		pad_source_take(worker->source, batch);
	for (size_t i = 0; worker->claims && i < batch->count && !stop_raised(&worker->media->stop); i++)
		claim_one(worker, batch, i);
}

static void *run(void *argument)
{
	struct pad_worker *worker = argument;
	pthread_mutex_lock(&worker->lock);
	for (;;) {
		while (!worker->stop && worker->done == worker->count)
			pthread_cond_wait(&worker->changed, &worker->lock);
		if (worker->stop)
			break;
		struct pad_batch *batch = worker->batch[(worker->first + worker->done) % PAD_JOBS];
		pthread_mutex_unlock(&worker->lock);
		work(worker, batch);
		pthread_mutex_lock(&worker->lock);
		worker->done++;
		connection_wake(worker->media->connection);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

int pad_worker_start(struct pad_worker *worker, struct pad_source *source, const struct media *media, bool claims,
		     struct qv_error *err)
{
	*worker = (struct pad_worker){ .source = source, .media = media, .claims = claims };
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->changed, NULL);
	int failed = pthread_create(&worker->thread, NULL, run, worker);
	worker->running = failed == 0;
	if (failed == 0)
		return 0;
	pthread_mutex_destroy(&worker->lock);
	pthread_cond_destroy(&worker->changed);
	return qv_fail_errno(err, QV_E_IO, failed, "starting the thread that fetches keys for pads");
}

void pad_worker_stop(struct pad_worker *worker)
{
	if (!worker->running)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->stop = true;
	pthread_cond_signal(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	for (size_t i = 0; i < worker->count; i++)
		pad_batch_free(worker->batch[(worker->first + i) % PAD_JOBS]);
	pthread_mutex_destroy(&worker->lock);
	pthread_cond_destroy(&worker->changed);
	worker->running = false;
}

bool pad_worker_put(struct pad_worker *worker, struct pad_batch *batch)
{
	pthread_mutex_lock(&worker->lock);
	bool room = worker->count < PAD_JOBS;
	if (room)
		worker->batch[(worker->first + worker->count++) % PAD_JOBS] = batch;
	pthread_cond_signal(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
	return room;
}

struct pad_batch *pad_worker_get(struct pad_worker *worker)
{
	struct pad_batch *batch = NULL;
	pthread_mutex_lock(&worker->lock);
	if (worker->done > 0) {
		batch = worker->batch[worker->first];
		worker->first = (worker->first + 1) % PAD_JOBS;
		worker->done--;
		worker->count--;
	}
	pthread_mutex_unlock(&worker->lock);
	return batch;
}

void pad_worker_forget(struct pad_worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	while (worker->count > worker->done + 1)
		pad_batch_free(worker->batch[(worker->first + --worker->count) % PAD_JOBS]);
	pthread_mutex_unlock(&worker->lock);
}

size_t pad_worker_busy(struct pad_worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	size_t busy = worker->count - worker->done;
	pthread_mutex_unlock(&worker->lock);
	return busy;
}
