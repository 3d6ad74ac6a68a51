/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SCOPE_MAX 8

_Static_assert(crypto_shorthash_KEYBYTES == sizeof(((struct table *)0)->key), "the key of the hash");

static unsigned highest_bit(size_t number)
{
	return (unsigned)(8 * sizeof(unsigned long long) - 1) - (unsigned)__builtin_clzll(number);
}

static unsigned segment_of(size_t bucket)
{
	return bucket < TABLE_FIRST ? 0 : highest_bit(bucket / TABLE_FIRST) + 1;
}

static size_t segment_start(unsigned segment)
{
	return segment == 0 ? 0 : (size_t)TABLE_FIRST << (segment - 1);
}

static struct table_node **slot(const struct table *table, size_t bucket)
{
	unsigned segment = segment_of(bucket);
	return &table->segments[segment][bucket - segment_start(segment)];
}

/* Buckets beyond the last are folded onto the half that they will be split from. */
static struct table_node **slot_of(const struct table *table, uint64_t hash)
{
	size_t half = (size_t)1 << highest_bit(table->buckets), bucket = hash & (2 * half - 1);
	return slot(table, bucket < table->buckets ? bucket : hash & (half - 1));
}

int table_init(struct table *table)
{
	memset(table, 0, sizeof *table);
	randombytes_buf(table->key, sizeof table->key);
	table->segments[0] = calloc(TABLE_FIRST, sizeof(struct table_node *));
	table->buckets = table->segments[0] ? TABLE_FIRST : 0;
	return table->segments[0] ? 0 : -1;
}

uint64_t table_hash(const struct table *table, const void *scope, size_t scope_size, const char *name)
{
	unsigned char text[SCOPE_MAX + 256], digest[crypto_shorthash_BYTES];
	size_t length = strnlen(name, sizeof text - SCOPE_MAX);
	uint64_t hash;
	memcpy(text, scope, scope_size);
	memcpy(text + scope_size, name, length);
	crypto_shorthash(digest, text, scope_size + length, table->key);
	memcpy(&hash, digest, sizeof hash);
	return hash;
}

static struct table_node *with_hash(struct table_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct table_node *table_first(const struct table *table, uint64_t hash)
{
	return with_hash(*slot_of(table, hash), hash);
}

struct table_node *table_next(const struct table_node *node)
{
	return with_hash(node->next, node->hash);
}

/* One bucket more: the nodes of the one it is split from are divided between them. */
static void grow(struct table *table)
{
	unsigned segment = segment_of(table->buckets);
	if (segment >= TABLE_SEGMENTS)
		return;
	if (!table->segments[segment])
		table->segments[segment] = calloc(segment_start(segment), sizeof(struct table_node *));
	/* Without memory chains grow longer, and it tries again next time. */
	if (!table->segments[segment])
		return;
	size_t half = (size_t)1 << highest_bit(table->buckets);
	struct table_node **from = slot(table, table->buckets - half), **to = slot(table, table->buckets);
	while (*from) {
		struct table_node *node = *from;
		if (!(node->hash & half)) {
			from = &node->next;
			continue;
		}
		*from = node->next;
		node->next = *to;
		*to = node;
	}
	table->buckets++;
}

void table_add(struct table *table, struct table_node *node, uint64_t hash)
{
	if (table->count >= table->buckets)
		grow(table);
	struct table_node **first = slot_of(table, hash);
	node->hash = hash;
	node->next = *first;
	*first = node;
	table->count++;
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **at = slot_of(table, node->hash);
	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	table->count--;
}

void table_drain(struct table *table, void (*release)(struct table_node *node))
{
	for (size_t bucket = 0; bucket < table->buckets; bucket++)
		for (struct table_node *node = *slot(table, bucket), *next; node; node = next) {
			next = node->next;
			release(node);
		}
	for (unsigned i = 0; i < TABLE_SEGMENTS; i++)
		free(table->segments[i]);
	memset(table, 0, sizeof *table);
}
