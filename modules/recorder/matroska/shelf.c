/* SPDX-License-Identifier: Apache-2.0 */
#include "shelf.h"

#include <stdlib.h>
#include <string.h>

int shelf_put(struct shelf *shelf, const struct block *like, const uint8_t *data)
{
	struct block *block = malloc(sizeof *block + like->size);
	struct block **at = &shelf->first;
	if (!block)
		return -1;
	*block = *like;
	memcpy(block->data, data, like->size);
	shelf->bytes += sizeof *block + block->size;
	/* Nearly all belong at the end. */
	if (shelf->last && shelf->last->time_ms <= block->time_ms)
		at = &shelf->last->next;
	else
		while (*at && (*at)->time_ms <= block->time_ms)
			at = &(*at)->next;
	block->next = *at;
	*at = block;
	if (!block->next)
		shelf->last = block;
	return 0;
}

struct block *shelf_take(struct shelf *shelf, int64_t before_ms)
{
	struct block *block = shelf->first;
	if (!block || block->time_ms >= before_ms)
		return NULL;
	shelf->first = block->next;
	if (!shelf->first)
		shelf->last = NULL;
	shelf->bytes -= sizeof *block + block->size;
	return block;
}

void shelf_clear(struct shelf *shelf)
{
	struct block *block;
	while ((block = shelf_take(shelf, INT64_MAX)))
		free(block);
}
