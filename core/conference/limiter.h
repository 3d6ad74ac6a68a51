/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a sum of sounds fit 16 bits: the gain falls before a peak that would not fit, and rises slowly after it. It looks
 * one block ahead, so that it never has to jump; what comes out is one block late.
 */
#ifndef QV_CONFERENCE_LIMITER_H
#define QV_CONFERENCE_LIMITER_H

#include <stddef.h>
#include <stdint.h>

struct limiter;

/* For blocks of exactly `frames` samples per channel. NULL: no memory. */
struct limiter *limiter_new(size_t frames, int channels);
void limiter_free(struct limiter *limiter); /* NULL is fine */

/* Takes a block and writes the one before it. */
void limiter_run(struct limiter *limiter, const int32_t *in, int16_t *out);

#endif
