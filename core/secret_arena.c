/* SPDX-License-Identifier: Apache-2.0 */
#include "secret_arena.h"

#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Pieces are powers of two from 64 bytes. A slab of 64 KiB from sodium_malloc (guard pages on both sides, mlock,
 * MADV_DONTDUMP) is cut into pieces of one size; larger pieces get an allocation of their own. sodium_malloc costs at
 * least four pages and as many system calls, too much for each of a KME's keys.
 */
#define SLAB_SIZE  ((size_t)64 * 1024)
#define PIECE_MIN  ((size_t)64)
#define PIECE_MAX  ((size_t)4096)
#define CLASSES    7 /* 64, 128, … 4096 */
#define PIECES_MAX (SLAB_SIZE / PIECE_MIN)

struct slab {
	struct slab *next;
	uint8_t *bytes;
	size_t piece; /* size of each piece */
	size_t pieces, used;
	uint64_t taken[PIECES_MAX / 64];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slab *slabs[CLASSES + 1]; /* the last list holds large allocations */

static int class_of(size_t size)
{
	int index = 0;
	for (size_t piece = PIECE_MIN; piece < size; piece *= 2)
		index++;
	return index < CLASSES ? index : CLASSES;
}

static struct slab *slab_new(int class, size_t size)
{
	struct slab *slab = calloc(1, sizeof *slab);
	if (!slab)
		return NULL;
	slab->piece = class < CLASSES ? PIECE_MIN << class : size;
	slab->pieces = class < CLASSES ? SLAB_SIZE / slab->piece : 1;
	slab->bytes = sodium_malloc(slab->piece * slab->pieces);
	/* sodium_malloc goes on when it could not lock; a secret must not. */
	if (!slab->bytes || mlock(slab->bytes, slab->piece * slab->pieces) != 0) {
		sodium_free(slab->bytes);
		free(slab);
		return NULL;
	}
	memset(slab->bytes, 0, slab->piece * slab->pieces);
	slab->next = slabs[class];
	slabs[class] = slab;
	return slab;
}

static uint8_t *slab_take(struct slab *slab)
{
	for (size_t i = 0; i < slab->pieces; i++) {
		uint64_t bit = UINT64_C(1) << (i % 64);
		if (slab->taken[i / 64] & bit)
			continue;
		slab->taken[i / 64] |= bit;
		slab->used++;
		return slab->bytes + i * slab->piece;
	}
	return NULL;
}

uint8_t *qv_arena_take(size_t size)
{
	int class = class_of(size);
	pthread_mutex_lock(&lock);
	struct slab *slab = slabs[class];
	while (slab && slab->used == slab->pieces)
		slab = slab->next;
	if (!slab)
		slab = slab_new(class, size);
	uint8_t *bytes = slab ? slab_take(slab) : NULL;
	pthread_mutex_unlock(&lock);
	return bytes;
}

/* An empty slab is released unless it is the last of its class, so that take and give in turn stay cheap. */
static void slab_drop_if_empty(struct slab **link, int class)
{
	struct slab *slab = *link;
	if (slab->used > 0 || (class < CLASSES && slabs[class] == slab && !slab->next))
		return;
	*link = slab->next;
	sodium_free(slab->bytes);
	free(slab);
}

static bool slab_give(struct slab *slab, uint8_t *bytes)
{
	if (bytes < slab->bytes || bytes >= slab->bytes + slab->piece * slab->pieces)
		return false;
	size_t i = (size_t)(bytes - slab->bytes) / slab->piece;
	sodium_memzero(slab->bytes + i * slab->piece, slab->piece);
	slab->taken[i / 64] &= ~(UINT64_C(1) << (i % 64));
	slab->used--;
	return true;
}

void qv_arena_give(uint8_t *bytes)
{
	pthread_mutex_lock(&lock);
	for (int class = 0; class <= CLASSES; class ++)
		for (struct slab **link = &slabs[class]; *link; link = &(*link)->next)
			if (slab_give(*link, bytes)) {
				slab_drop_if_empty(link, class);
				pthread_mutex_unlock(&lock);
				return;
			}
	pthread_mutex_unlock(&lock);
}
