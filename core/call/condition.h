/* SPDX-License-Identifier: Apache-2.0 */
/* Condition variables that wait by CLOCK_MONOTONIC. */
#ifndef QV_CALL_CONDITION_H
#define QV_CALL_CONDITION_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include <qvisio/clock.h>

static inline void condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

/* Returns non-zero once the deadline has passed. */
static inline int condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline_ns)
{
	struct timespec deadline = { .tv_sec = (time_t)(deadline_ns / QV_NS_PER_SECOND),
				     .tv_nsec = (long)(deadline_ns % QV_NS_PER_SECOND) };
	return pthread_cond_timedwait(condition, lock, &deadline);
}

#endif
