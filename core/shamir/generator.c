/* SPDX-License-Identifier: Apache-2.0 */
#include "generator.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <qvisio/secret.h>

#define REFILLS_PER_SEED 1024 /* 16 MiB */

static struct generator_state *new_state(bool *forgets_at_fork, struct qv_error *err)
{
	size_t size = sizeof(struct generator_state);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		qv_fail_errno(err, QV_E_NOMEM, errno, "no memory for a generator of coefficients");
		return NULL;
	}
	if (mlock(memory, size) != 0) {
		int why = errno;
		munmap(memory, size);
		qv_fail_errno(
			err, QV_E_NOMEM, why,
			"no locked memory for a generator of coefficients; raise the limit (ulimit -l, LimitMEMLOCK=)");
		return NULL;
	}
	(void)madvise(memory, size, MADV_DONTDUMP);
	*forgets_at_fork = madvise(memory, size, MADV_WIPEONFORK) == 0;
	return memory;
}

static struct qv_generator *new_generator(struct qv_error *err)
{
	struct qv_generator *generator = calloc(1, sizeof *generator);
	if (!generator) {
		qv_fail(err, QV_E_NOMEM, "no memory for a generator of coefficients");
		return NULL;
	}
	bool forgets_at_fork = false;
	generator->state = new_state(&forgets_at_fork, err);
	if (!generator->state) {
		free(generator);
		return NULL;
	}
	generator->process = forgets_at_fork ? 0 : getpid();
	return generator;
}

/* Mixes new bytes of the operating system into the key. */
static int seed(struct generator_state *state, struct qv_error *err)
{
	uint8_t fresh[KEYSTREAM_KEY];
	size_t have = 0;
	while (have < sizeof fresh) {
		ssize_t got = getrandom(fresh + have, sizeof fresh - have, 0);
		if (got < 0 && errno != EINTR) {
			qv_wipe(fresh, sizeof fresh);
			return qv_fail_errno(err, QV_E_IO, errno, "getrandom");
		}
		have += got > 0 ? (size_t)got : 0;
	}
	for (size_t i = 0; i < sizeof fresh; i++)
		state->key[i] ^= fresh[i];
	qv_wipe(fresh, sizeof fresh);
	state->seeded = true;
	state->refills = 0;
	return 0;
}

static int refill_from_keystream(struct generator_state *state, struct qv_error *err)
{
	if ((!state->seeded || state->refills >= REFILLS_PER_SEED) && seed(state, err) != 0)
		return -1;
	size_t size = KEYSTREAM_KEY + sizeof state->buffer;
	_Static_assert(offsetof(struct generator_state, buffer) == KEYSTREAM_KEY, "the key is followed by the buffer");
	_Static_assert((KEYSTREAM_KEY + sizeof state->buffer) % KEYSTREAM_UNIT == 0, "whole blocks of the key stream");
	keystream()->fill((uint8_t *)state, size, state->key);
	state->refills++;
	state->have = sizeof state->buffer;
	return 0;
}

static int refill_from_device(struct qv_generator *generator, size_t size, struct qv_error *err)
{
	struct generator_state *state = generator->state;
	if (generator->device_class->read(generator->device, state->buffer, size, err) != 0)
		return qv_error_prefix(err, "generator %s", generator->device_class->name);
	if (!generator_health_check(&state->health, state->buffer, size)) {
		generator->failed = state->health.failed;
		return -1;
	}
	state->have = size;
	return 0;
}

static void forget(struct generator_state *state)
{
	qv_wipe(state, sizeof *state);
}

static int refill(struct qv_generator *generator, size_t size, struct qv_error *err)
{
	struct generator_state *state = generator->state;
	qv_wipe(state->buffer + state->at, state->have - state->at);
	state->at = state->have = 0;
	if (!generator->device_class)
		return refill_from_keystream(state, err);
	if (generator->failed || refill_from_device(generator, size, err) != 0)
		qv_wipe(state->buffer, size);
	if (generator->failed)
		return qv_fail(err, QV_E_IO,
			       "generator %s failed its health test: %s; repair or replace it, and start again",
			       generator->device_class->name, generator->failed);
	return state->have ? 0 : -1;
}

uint8_t *generator_take_slowly(struct qv_generator *generator, size_t size, struct qv_error *err)
{
	struct generator_state *state = generator->state;
	if (generator->process && generator->process != getpid()) {
		forget(state);
		generator->process = getpid();
	}
	if (state->have - state->at < size && refill(generator, size, err) != 0)
		return NULL;
	uint8_t *bytes = state->buffer + state->at;
	state->at += size;
	state->taken = size;
	return bytes;
}

struct qv_generator *qv_generator_new(struct qv_error *err)
{
	struct qv_generator *generator = new_generator(err);
	if (generator && seed(generator->state, err) != 0) {
		qv_generator_close(generator);
		return NULL;
	}
	return generator;
}

struct qv_generator *qv_generator_from_device(const struct qv_generator_class *device_class,
					      struct qv_generator_device *device, struct qv_error *err)
{
	struct qv_generator *generator = new_generator(err);
	if (generator) {
		generator->device_class = device_class;
		generator->device = device;
	}
	return generator;
}

void qv_generator_close(struct qv_generator *generator)
{
	if (!generator)
		return;
	if (generator->device_class && generator->device_class->close)
		generator->device_class->close(generator->device);
	qv_wipe(generator->state, sizeof *generator->state);
	munmap(generator->state, sizeof *generator->state);
	free(generator);
}

static int fill(struct qv_generator *generator, uint8_t *out, size_t size, struct qv_error *err)
{
	while (size) {
		size_t part = size < GENERATOR_BUFFER ? size : GENERATOR_BUFFER;
		const uint8_t *random = generator_take(generator, part, err);
		if (!random)
			return -1;
		memcpy(out, random, part);
		generator_drop(generator);
		out += part;
		size -= part;
	}
	return 0;
}

int qv_generator_fill(struct qv_generator *generator, void *bytes, size_t size, struct qv_error *err)
{
	generator = generator_or_own(generator, err);
	if (generator && fill(generator, bytes, size, err) == 0)
		return 0;
	qv_wipe(bytes, size);
	return -1;
}
