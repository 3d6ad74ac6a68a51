/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks that wait for their cluster, by time: those of the other side come later than ours of the same time, and a file
 * that is to be read from beginning to end has them side by side.
 */
#ifndef RECORDER_SHELF_H
#define RECORDER_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block {
	struct block *next;
	int64_t time_ms;
	size_t track;
	bool key, discardable;
	size_t size;
	uint8_t data[];
};

struct shelf {
	struct block *first, *last;
	size_t bytes;
};

/* Puts a copy behind all blocks that are not later. -1: no memory. */
int shelf_put(struct shelf *shelf, const struct block *like, const uint8_t *data);
/* The earliest block, which is then the caller's to free; NULL: there is none before `before_ms`. */
struct block *shelf_take(struct shelf *shelf, int64_t before_ms);
void shelf_clear(struct shelf *shelf);

#endif
