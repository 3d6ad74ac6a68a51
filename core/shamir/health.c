/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include <string.h>

/*
 * For bytes of full entropy, alarms about once in 2^56 bytes: 8 equal bytes in a row have probability 2^-56, and 25 or
 * more of one value in a window of 512, the first of them given, 2^-58.
 */
#define REPETITION_CUTOFF 8
#define PROPORTION_WINDOW 512
#define PROPORTION_CUTOFF 25

static bool fail(struct generator_health *health, const char *what)
{
	health->failed = what;
	return false;
}

static bool check_repetition(struct generator_health *health, uint8_t byte)
{
	health->repeated = health->started && byte == health->last ? health->repeated + 1 : 1;
	health->started = true;
	health->last = byte;
	return health->repeated < REPETITION_CUTOFF || fail(health, "it repeats one byte");
}

static bool check_proportion(struct generator_health *health, uint8_t byte)
{
	if (health->window == 0) {
		health->sample = byte;
		health->same = 0;
	}
	health->same += byte == health->sample;
	health->window = (health->window + 1) % PROPORTION_WINDOW;
	return health->same < PROPORTION_CUTOFF || fail(health, "it yields one byte far too often");
}

static bool check_block(struct generator_health *health, uint8_t byte)
{
	health->block[health->filled++] = byte;
	if (health->filled < HEALTH_BLOCK)
		return true;
	health->filled = 0;
	bool equal = health->has_previous && memcmp(health->block, health->previous, HEALTH_BLOCK) == 0;
	memcpy(health->previous, health->block, HEALTH_BLOCK);
	health->has_previous = true;
	return !equal || fail(health, "it repeats a block of 16 bytes");
}

bool generator_health_check(struct generator_health *health, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size && !health->failed; i++)
		(void)(check_repetition(health, bytes[i]) && check_proportion(health, bytes[i]) &&
		       check_block(health, bytes[i]));
	return !health->failed;
}
