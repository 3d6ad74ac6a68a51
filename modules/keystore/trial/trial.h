/* SPDX-License-Identifier: Apache-2.0 */
/* Key stores on trial: two side by side that have to agree, or one under rivals. For tests. */
#ifndef KEYSTORE_TRIAL_H
#define KEYSTORE_TRIAL_H

#include <stdbool.h>

#include <qvisio/keystore.h>
#include <qvisio/loader.h>

struct trial_store {
	const struct qv_keystore_class *class;
	struct qv_keystore *store;
	struct qv_options *options;
	struct qv_host host;
};

/* Prints what is wrong and ends the process. */
_Noreturn void trial_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void trial_open(struct trial_store *trial);

/* Random numbers that repeat with the seed. */
struct dice {
	uint64_t state;
};
uint64_t dice_next(struct dice *dice);
unsigned dice_below(struct dice *dice, unsigned end);

/* Gives both the same random calls, and compares what they do. */
void trial_twins(struct trial_store *one, struct trial_store *other, uint64_t seed, unsigned steps);

/* Threads that want the same keys; each key has one owner in the end. */
void trial_rivals(struct trial_store *trial, uint64_t seed, unsigned threads, unsigned rounds);

#endif
