/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash table of nodes that lie in the things they index. It grows by one bucket at a time (linear hashing), so that no
 * insertion waits for all others to be moved. The hash is keyed: names that a stranger chose do not collide on purpose.
 */
#ifndef KEYSTORE_MEMORY_TABLE_H
#define KEYSTORE_MEMORY_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define TABLE_FIRST    64u /* buckets at the start, a power of 2 */
#define TABLE_SEGMENTS 48

struct table_node {
	struct table_node *next;
	uint64_t hash;
};

struct table {
	struct table_node **segments[TABLE_SEGMENTS]; /* of TABLE_FIRST buckets, then each as many as all before it */
	size_t buckets, count;
	uint8_t key[16];
};

/* -1 without memory. */
int table_init(struct table *table);

/* Of a name in a scope, such as a label in a link. */
uint64_t table_hash(const struct table *table, const void *scope, size_t scope_size, const char *name);

/* The nodes with this hash, one after the other; NULL at the end. */
struct table_node *table_first(const struct table *table, uint64_t hash);
struct table_node *table_next(const struct table_node *node);

void table_add(struct table *table, struct table_node *node, uint64_t hash);
void table_remove(struct table *table, struct table_node *node);

/* Empties it, giving each node to `release`, which may free it. */
void table_drain(struct table *table, void (*release)(struct table_node *node));

#endif
