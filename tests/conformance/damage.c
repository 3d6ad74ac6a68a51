/* SPDX-License-Identifier: Apache-2.0 */
#include "damage.h"

#include <stdlib.h>
#include <string.h>

static uint64_t next(struct damage *damage)
{
	damage->state ^= damage->state << 13;
	damage->state ^= damage->state >> 7;
	damage->state ^= damage->state << 17;
	return damage->state;
}

static void reserve(struct check *check, struct damage *damage, size_t size)
{
	if (size <= damage->room)
		return;
	damage->bytes = realloc(damage->bytes, size);
	damage->room = size;
	REQUIRE(check, damage->bytes, "no memory");
}

void damage_make(struct check *check, struct damage *damage, const uint8_t *packet, size_t size)
{
	reserve(check, damage, 2 * size);
	memcpy(damage->bytes, packet, size);
	damage->size = size;
	size_t at = next(damage) % size;
	switch (next(damage) % 4) {
	case 0:
		damage->size = at;
		break;
	case 1:
		memmove(damage->bytes + size, damage->bytes + at, size - at);
		damage->size += size - at;
		break;
	case 2:
		for (size_t i = at; i < size && i < at + 64; i++)
			damage->bytes[i] = (uint8_t)next(damage);
		break;
	default:
		for (uint64_t flips = 1 + next(damage) % 8; flips > 0; flips--)
			damage->bytes[next(damage) % size] ^= (uint8_t)(1u << next(damage) % 8);
	}
}

void damage_free(struct damage *damage)
{
	free(damage->bytes);
}
