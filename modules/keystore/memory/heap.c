/* SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"

#include <stdlib.h>

#define ROOM_FIRST 64

int heap_reserve(struct heap *heap, size_t more)
{
	size_t room = heap->room ? heap->room : ROOM_FIRST;
	while (room < heap->count + more)
		room *= 2;
	if (room == heap->room)
		return 0;
	struct heap_node **nodes = realloc(heap->nodes, room * sizeof(struct heap_node *));
	if (!nodes)
		return -1;
	heap->nodes = nodes;
	heap->room = room;
	return 0;
}

static void put(struct heap *heap, size_t at, struct heap_node *node)
{
	heap->nodes[at] = node;
	node->at = at;
}

static void move_up(struct heap *heap, struct heap_node *node, size_t at)
{
	while (at > 0 && heap->nodes[(at - 1) / 2]->time > node->time) {
		put(heap, at, heap->nodes[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(heap, at, node);
}

static void move_down(struct heap *heap, struct heap_node *node, size_t at)
{
	for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
		if (child + 1 < heap->count && heap->nodes[child + 1]->time < heap->nodes[child]->time)
			child++;
		if (heap->nodes[child]->time >= node->time)
			break;
		put(heap, at, heap->nodes[child]);
	}
	put(heap, at, node);
}

void heap_add(struct heap *heap, struct heap_node *node, int64_t time)
{
	node->time = time;
	move_up(heap, node, heap->count++);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	struct heap_node *last = heap->nodes[--heap->count];
	size_t at = node->at;
	if (last == node)
		return;
	if (at > 0 && heap->nodes[(at - 1) / 2]->time > last->time)
		move_up(heap, last, at);
	else
		move_down(heap, last, at);
}

struct heap_node *heap_first(const struct heap *heap)
{
	return heap->count ? heap->nodes[0] : NULL;
}

void heap_free(struct heap *heap)
{
	free(heap->nodes);
	*heap = (struct heap){ NULL, 0, 0 };
}
