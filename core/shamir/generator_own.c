/* SPDX-License-Identifier: Apache-2.0 */
/* The generator that each thread has of its own. */
#include "generator.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static int has_key;
_Thread_local struct qv_generator *generator_own;

static void close_own(void *generator)
{
	generator_own = NULL;
	qv_generator_close(generator);
}

static void make_key(void)
{
	has_key = pthread_key_create(&at_thread_end, close_own) == 0;
}

struct qv_generator *generator_new_own(struct qv_error *err)
{
	pthread_once(&once, make_key);
	struct qv_generator *generator = has_key ? qv_generator_new(err) : NULL;
	if (!has_key || (generator && pthread_setspecific(at_thread_end, generator) != 0)) {
		qv_generator_close(generator);
		qv_fail(err, QV_E_NOMEM, "no room for a generator of coefficients in this thread");
		return NULL;
	}
	generator_own = generator;
	return generator;
}
