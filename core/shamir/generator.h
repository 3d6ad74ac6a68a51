/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes in place, in a generator's buffer: what splitting takes its coefficients from. */
#ifndef SHAMIR_GENERATOR_H
#define SHAMIR_GENERATOR_H

#include <string.h>

#include <qvisio/generator.h>

#include "health.h"
#include "keystream.h"

#define GENERATOR_BUFFER 16384u /* bytes that one taking can ask for */

/* In locked memory that the kernel empties in the child of a fork: all zeros means that nothing is there yet. */
struct generator_state {
	uint8_t key[KEYSTREAM_KEY]; /* directly before the buffer: a refill writes both in one stream */
	uint8_t buffer[GENERATOR_BUFFER + KEYSTREAM_UNIT - KEYSTREAM_KEY];
	bool seeded;
	size_t at, have;  /* bytes used, and there, in the buffer */
	size_t taken;     /* bytes before `at` that are in use */
	unsigned refills; /* since the last seed */
	struct generator_health health;
};

struct qv_generator {
	struct generator_state *state;
	const struct qv_generator_class *device_class; /* NULL: getrandom and a key stream */
	struct qv_generator_device *device;
	int process;        /* whose it is, where the kernel cannot empty memory at a fork; else 0 */
	const char *failed; /* the health test that failed, for good */
};

/* The thread's own; NULL before its first use. */
extern _Thread_local struct qv_generator *generator_own __attribute__((tls_model("initial-exec")));
struct qv_generator *generator_new_own(struct qv_error *err);

/* `generator`, or the thread's own for NULL. NULL with err. */
static inline struct qv_generator *generator_or_own(struct qv_generator *generator, struct qv_error *err)
{
	if (generator)
		return generator;
	return generator_own ? generator_own : generator_new_own(err);
}

/* As generator_take, when there may be a fork or a refill to see to. */
uint8_t *generator_take_slowly(struct qv_generator *generator, size_t size, struct qv_error *err);

/*
 * The next 1 to GENERATOR_BUFFER bytes, in the buffer: the caller may write to them, and gives them back with
 * generator_drop(), which wipes them, before it asks again. NULL with err.
 */
static inline uint8_t *generator_take(struct qv_generator *generator, size_t size, struct qv_error *err)
{
	struct generator_state *state = generator->state;
	if (generator->process || state->have - state->at < size)
		return generator_take_slowly(generator, size, err);
	uint8_t *bytes = state->buffer + state->at;
	state->at += size;
	state->taken = size;
	return bytes;
}

static inline void generator_drop(struct qv_generator *generator)
{
	struct generator_state *state = generator->state;
	memset(state->buffer + state->at - state->taken, 0, state->taken);
	/* As qv_wipe(), without its price for a few bytes: the compiler must think that the zeros are read. */
	__asm__ volatile("" : : "r"(state) : "memory");
	state->taken = 0;
}

#endif
