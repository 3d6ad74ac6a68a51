/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes or claims batches of keys on a thread of its own, so that a slow KME holds up nothing. Batches are done in the
 * order in which they were put.
 */
#ifndef QV_CALL_PAD_WORKER_H
#define QV_CALL_PAD_WORKER_H

#include <pthread.h>

#include <qvisio/pad.h>

#include "medium.h"

#define PAD_JOBS 64 /* batches that wait or are done */

/* The key source of a call. */
struct pad_source {
	struct module_host host;
	const struct qv_keysource_class *class;
	struct qv_keysource *keys;
	const char *peer;
};
int pad_source_open(struct pad_source *source, const struct media *media, const struct qv_role *role, const char *peer,
		    struct qv_error *err);
void pad_source_close(struct pad_source *source);

struct pad_batch {
	struct qv_pad_record record;         /* to claim: position, key_IDs and sizes */
	size_t count;                        /* keys wanted, 1…QV_PAD_BATCH_MAX */
	size_t asked_bytes;                  /* to take: all of them together */
	unsigned pad;                        /* to claim: which of the pads of the call they are for */
	unsigned bits;                       /* to take: of each key; 0: the source's default */
	bool asks_status;                    /* takes nothing: */
	struct qv_keysource_status status;   /* done, where `failure` is none */
	struct qv_key key[QV_PAD_BATCH_MAX]; /* done; secret NULL: it could not be had */
	struct qv_error failure;             /* code not QV_OK: why not all keys could be had */
};
struct pad_batch *pad_batch_new(void);
void pad_batch_free(struct pad_batch *batch); /* NULL is fine */
/* Of all its keys, which are there. */
size_t pad_batch_bytes(const struct pad_batch *batch);

/* Takes as many keys as it wants and can have, at once. */
void pad_source_take(const struct pad_source *source, struct pad_batch *batch);

struct pad_worker {
	struct pad_source *source;
	const struct media *media;
	bool claims;
	bool running;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stop;
	struct pad_batch *batch[PAD_JOBS]; /* ring: done ones, then those that wait */
	size_t first, done, count;
};

/* Wakes the connection of `media` whenever a batch is done. */
int pad_worker_start(struct pad_worker *worker, struct pad_source *source, const struct media *media, bool claims,
		     struct qv_error *err);
/* Joins the thread; media->stop is raised, so that the key source gives up. */
void pad_worker_stop(struct pad_worker *worker);

/* Owns the batch, unless it is false: too many wait. */
bool pad_worker_put(struct pad_worker *worker, struct pad_batch *batch);
/* The next one that is done, owned by the caller, or NULL. */
struct pad_batch *pad_worker_get(struct pad_worker *worker);
/* Frees those that wait, but for one that may be at work. */
void pad_worker_forget(struct pad_worker *worker);
/* Batches that wait or are at work. */
size_t pad_worker_busy(struct pad_worker *worker);

#endif
