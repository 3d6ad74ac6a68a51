/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a string is a linear combination over GF(2^8) of others. Every share of a relay session is one of the keys and
 * of random coefficients, byte by byte with the same factors, so this is whether who saw the shares can compute the keys:
 * for strings well longer than there are shares, by more than chance only if the factors are those of the scheme.
 */
#ifndef RELAY_SPAN_H
#define RELAY_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span;

/* Of strings of `size` bytes. NULL: no memory. */
struct span *span_new(size_t size);
void span_free(struct span *span); /* wipes */

/* Adds a string; false: no memory. */
bool span_add(struct span *span, const uint8_t *string);

/* How many of the strings are independent of each other. */
size_t span_rank(const struct span *span);

/* Whether the string is a combination of those added. */
bool span_holds(struct span *span, const uint8_t *string);

#endif
