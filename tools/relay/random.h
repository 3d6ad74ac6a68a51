/* SPDX-License-Identifier: Apache-2.0 */
/* Repeatable random numbers for trials, from libsodium's deterministic generator (ChaCha20). Never for secrets. */
#ifndef RELAY_RANDOM_H
#define RELAY_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_WORDS 2048

struct random {
	uint64_t seed, block;
	size_t next;
	uint64_t words[RANDOM_WORDS];
};

struct random random_seeded(uint64_t seed);
uint64_t random_word(struct random *random);
uint32_t random_below(struct random *random, uint32_t limit); /* limit > 0 */
/* 64 bits, each 1 with probability `chance` / 2^32. */
uint64_t random_bits(struct random *random, uint32_t chance);
/* The numbers 0…count - 1 in some order. */
void random_order(struct random *random, uint32_t *numbers, uint32_t count);

#endif
