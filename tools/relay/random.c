/* SPDX-License-Identifier: Apache-2.0 */
#include "random.h"

#include <string.h>

#include <sodium.h>

struct random random_seeded(uint64_t seed)
{
	return (struct random){ .seed = seed, .next = RANDOM_WORDS };
}

static void refill(struct random *random)
{
	unsigned char key[randombytes_SEEDBYTES] = { 0 };
	memcpy(key, &random->seed, sizeof random->seed);
	memcpy(key + sizeof random->seed, &random->block, sizeof random->block);
	random->block++;
	randombytes_buf_deterministic(random->words, sizeof random->words, key);
	random->next = 0;
}

uint64_t random_word(struct random *random)
{
	if (random->next == RANDOM_WORDS)
		refill(random);
	return random->words[random->next++];
}

uint32_t random_below(struct random *random, uint32_t limit)
{
	return (uint32_t)((random_word(random) >> 32) * limit >> 32);
}

uint64_t random_bits(struct random *random, uint32_t chance)
{
	uint64_t bits = 0;
	if (chance == 0)
		return 0;
	/* The digits of the chance, from the lowest one that is 1: each halves what is there, and adds a half or not. */
	for (unsigned digit = (unsigned)__builtin_ctz(chance); digit < 32; digit++)
		bits = chance >> digit & 1 ? bits | random_word(random) : bits & random_word(random);
	return bits;
}

void random_order(struct random *random, uint32_t *numbers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = random_below(random, i + 1);
		numbers[i] = numbers[at];
		numbers[at] = i;
	}
}
