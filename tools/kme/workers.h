/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that do what may block. Safe on any thread. */
#ifndef KME_WORKERS_H
#define KME_WORKERS_H

#include <stdbool.h>

#include <qvisio/error.h>

struct workers;

struct job {
	struct job *next;
	void (*run)(struct job *job);
};

struct workers *workers_new(unsigned threads, unsigned queue_max, struct qv_error *err);

/* Hands over a job (borrowed until it has run). False when too many wait, or when the workers are being stopped. */
bool workers_submit(struct workers *workers, struct job *job);

/* Takes no more jobs, and returns when those taken have run. */
void workers_drain(struct workers *workers);
void workers_free(struct workers *workers);

#endif
