/* SPDX-License-Identifier: Apache-2.0 */
#include "workers.h"

#include <pthread.h>
#include <stdlib.h>

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *first, **last;
	unsigned waiting, queue_max;
	bool stopping;
	unsigned count;
	pthread_t *threads;
};

static void *work(void *argument)
{
	struct workers *workers = argument;
	pthread_mutex_lock(&workers->lock);
	for (;;) {
		while (!workers->first && !workers->stopping)
			pthread_cond_wait(&workers->changed, &workers->lock);
		struct job *job = workers->first;
		if (!job)
			break;
		workers->first = job->next;
		if (!workers->first)
			workers->last = &workers->first;
		workers->waiting--;
		pthread_mutex_unlock(&workers->lock);
		job->run(job);
		pthread_mutex_lock(&workers->lock);
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

struct workers *workers_new(unsigned threads, unsigned queue_max, struct qv_error *err)
{
	struct workers *workers = calloc(1, sizeof *workers);
	if (workers)
		workers->threads = calloc(threads, sizeof *workers->threads);
	if (!workers || !workers->threads) {
		free(workers);
		qv_fail(err, QV_E_NOMEM, "no memory for %u threads", threads);
		return NULL;
	}
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->changed, NULL);
	workers->last = &workers->first;
	workers->queue_max = queue_max;
	while (workers->count < threads) {
		int failed = pthread_create(&workers->threads[workers->count], NULL, work, workers);
		if (failed) {
			qv_fail_errno(err, QV_E_NOMEM, failed, "starting a thread");
			workers_free(workers);
			return NULL;
		}
		workers->count++;
	}
	return workers;
}

bool workers_submit(struct workers *workers, struct job *job)
{
	pthread_mutex_lock(&workers->lock);
	bool taken = !workers->stopping && workers->waiting < workers->queue_max;
	if (taken) {
		job->next = NULL;
		*workers->last = job;
		workers->last = &job->next;
		workers->waiting++;
		pthread_cond_signal(&workers->changed);
	}
	pthread_mutex_unlock(&workers->lock);
	return taken;
}

void workers_drain(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->changed);
	pthread_mutex_unlock(&workers->lock);
	for (unsigned i = 0; i < workers->count; i++)
		pthread_join(workers->threads[i], NULL);
	workers->count = 0;
}

void workers_free(struct workers *workers)
{
	if (!workers)
		return;
	workers_drain(workers);
	pthread_cond_destroy(&workers->changed);
	pthread_mutex_destroy(&workers->lock);
	free(workers->threads);
	free(workers);
}
