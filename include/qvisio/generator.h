/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generators of uniformly random bytes for secret sharing.
 *
 * The default one is buffered: AES-256 in counter mode where the processor has AES instructions, else ChaCha20, keyed
 * by getrandom(2). Every refill replaces its key (fast key erasure), so what was handed out cannot be computed from
 * what is in memory later, and bytes are overwritten in the buffer once used. The state is locked, left out of core
 * dumps and emptied in the child of a fork, which then seeds itself anew. Secrecy that rests on it is computational.
 *
 * A hardware generator is a device of the caller's, or a file that yields random bytes. What it yields is tested all
 * the time (NIST SP 800-90B 4.4: repetition count and adaptive proportion, for full entropy, and equal successive
 * blocks of 16 bytes); the first failure is an error and the generator then refuses for good.
 *
 * A generator belongs to one thread at a time and is not for signal handlers.
 */
#ifndef QVISIO_GENERATOR_H
#define QVISIO_GENERATOR_H

#include <stddef.h>
#include <stdint.h>

#include <qvisio/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct qv_generator;

struct qv_generator_device; /* each device's own */

struct qv_generator_class {
	const char *name; /* for errors: "/dev/hwrng", "ID Quantique Quantis" */
	/* Writes exactly `size` random bytes (1 to 16384). 0 or -1. May block; called on the generator's thread. */
	int (*read)(struct qv_generator_device *device, uint8_t *bytes, size_t size, struct qv_error *err);
	/* NULL: nothing to close. */
	void (*close)(struct qv_generator_device *device);
};

/* A buffered generator. NULL with err: QV_E_NOMEM (no locked memory), QV_E_IO (getrandom). */
struct qv_generator *qv_generator_new(struct qv_error *err);

/* A generator fed by a device; it owns `device` when it is returned, not on an error. `device_class` is borrowed. */
struct qv_generator *qv_generator_from_device(const struct qv_generator_class *device_class,
					      struct qv_generator_device *device, struct qv_error *err);

/* A generator fed by a file of random bytes, such as /dev/hwrng. NULL with err: QV_E_IO, QV_E_NOMEM. */
struct qv_generator *qv_generator_open(const char *path, struct qv_error *err);

/*
 * Fills `bytes`. `generator` NULL: the calling thread's own buffered one, made at its first use and wiped when the
 * thread ends. QV_E_IO (getrandom, the device, or a failed health test: `bytes` is then all zeros), QV_E_NOMEM.
 */
int qv_generator_fill(struct qv_generator *generator, void *bytes, size_t size, struct qv_error *err);

/* Wipes and frees. NULL is fine. */
void qv_generator_close(struct qv_generator *generator);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
