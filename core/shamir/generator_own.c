/* SPDX-License-Identifier: Apache-2.0 */
/* The generator that each thread has of its own. */
#include "generator.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static int has_key;
static _Thread_local struct qv_generator *own __attribute__((tls_model("initial-exec")));

static void close_own(void *generator)
{
	own = NULL;
	qv_generator_close(generator);
}

static void make_key(void)
{
	has_key = pthread_key_create(&at_thread_end, close_own) == 0;
}

static struct qv_generator *new_own(struct qv_error *err)
{
	pthread_once(&once, make_key);
	struct qv_generator *generator = has_key ? qv_generator_new(err) : NULL;
	if (!has_key || (generator && pthread_setspecific(at_thread_end, generator) != 0)) {
		qv_generator_close(generator);
		qv_fail(err, QV_E_NOMEM, "no room for a generator of coefficients in this thread");
		return NULL;
	}
	own = generator;
	return generator;
}

struct qv_generator *generator_or_own(struct qv_generator *generator, struct qv_error *err)
{
	if (generator)
		return generator;
	return own ? own : new_own(err);
}
