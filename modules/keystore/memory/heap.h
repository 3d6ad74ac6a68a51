/* SPDX-License-Identifier: Apache-2.0 */
/* Binary heap of nodes that lie in the things they order, by time; any node can be taken out. */
#ifndef KEYSTORE_MEMORY_HEAP_H
#define KEYSTORE_MEMORY_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t time;
	size_t at;
};

struct heap {
	struct heap_node **nodes;
	size_t count, room;
};

/* Makes room, so that as many heap_add cannot fail. -1 without memory. */
int heap_reserve(struct heap *heap, size_t more);
void heap_add(struct heap *heap, struct heap_node *node, int64_t time);
void heap_remove(struct heap *heap, struct heap_node *node);
/* The earliest, or NULL. */
struct heap_node *heap_first(const struct heap *heap);
void heap_free(struct heap *heap);

#endif
