/* SPDX-License-Identifier: Apache-2.0 */
#include "fates.h"

#include "../session/bytes.h"

void fates_note(struct fates *fates, uint64_t sequence, bool decoded)
{
	if (fates->any && sequence <= fates->newest)
		return;
	uint64_t step = fates->any ? sequence - fates->newest : FATES_PICTURES;
	fates->decoded = step < FATES_PICTURES ? fates->decoded << step : 0;
	fates->decoded |= decoded ? 1 : 0;
	fates->newest = sequence;
	fates->any = true;
}

void fates_put(const struct fates *fates, uint8_t bytes[FATES_SIZE])
{
	struct writer out = { .bytes = bytes, .room = FATES_SIZE };
	put_number(&out, fates->newest & 0xffffffff, 4);
	put_number(&out, fates->decoded, 8);
}

size_t fates_take(struct fates_told *told, const uint8_t bytes[FATES_SIZE], uint64_t sent,
		  struct fate fates[FATES_PICTURES])
{
	struct reader in = { .bytes = bytes, .size = FATES_SIZE };
	uint32_t low = (uint32_t)get_number(&in, 4), back = (uint32_t)sent - low;
	uint64_t decoded = get_number(&in, 8);
	if (back > sent)
		return 0;
	uint64_t newest = sent - back;
	if (newest < told->next)
		return 0;
	if (newest - told->next >= FATES_PICTURES)
		told->next = newest - (FATES_PICTURES - 1);
	size_t count = 0;
	for (; told->next <= newest; told->next++)
		fates[count++] = (struct fate){ told->next, decoded >> (newest - told->next) & 1 };
	return count;
}
