/* SPDX-License-Identifier: Apache-2.0 */
#include "reservoir.h"

#include <stdlib.h>
#include <string.h>

int reservoir_init(struct reservoir *reservoir, struct qv_error *err)
{
	*reservoir = (struct reservoir){ .keys = calloc(QV_PAD_KEYS_MAX, sizeof *reservoir->keys) };
	return reservoir->keys ? 0 : qv_fail(err, QV_E_NOMEM, "no memory for a pad");
}

static struct pad_key *at(const struct reservoir *reservoir, size_t index)
{
	return &reservoir->keys[(reservoir->first + index) % QV_PAD_KEYS_MAX];
}

static void drop_first(struct reservoir *reservoir)
{
	struct pad_key *key = at(reservoir, 0);
	reservoir->unused -= key->unused;
	reservoir->spent += key->unused;
	qv_key_clear(&key->key);
	free(key->spent);
	*key = (struct pad_key){ 0 };
	reservoir->first = (reservoir->first + 1) % QV_PAD_KEYS_MAX;
	reservoir->count--;
}

void reservoir_drop_all(struct reservoir *reservoir)
{
	while (reservoir->count > 0)
		drop_first(reservoir);
	reservoir->end = 0;
}

void reservoir_clear(struct reservoir *reservoir)
{
	reservoir_drop_all(reservoir);
	free(reservoir->keys);
	reservoir->keys = NULL;
}

static int check(const struct reservoir *reservoir, uint64_t position, const struct qv_key *key, struct qv_error *err)
{
	size_t size = qv_secret_size(key->secret);
	if (!key->secret || size < 1 || size > QV_PAD_KEY_MAX)
		return qv_fail(err, QV_E_INVALID, "key %s of %zu bytes is no part of a pad (1 to %d)", key->id,
			       key->secret ? size : 0, QV_PAD_KEY_MAX);
	if (position < reservoir->end || position > QV_PAD_POSITION_MAX - size)
		return qv_fail(err, QV_E_INVALID, "key %s is to stand at %llu of the pad, which ends at %llu", key->id,
			       (unsigned long long)position, (unsigned long long)reservoir->end);
	for (size_t i = 0; i < reservoir->count; i++)
		if (strcmp(at(reservoir, i)->key.id, key->id) == 0)
			return qv_fail(err, QV_E_INVALID, "key %s is part of the pad already", key->id);
	if (reservoir->count == QV_PAD_KEYS_MAX || reservoir->unused > QV_PAD_BYTES_MAX - size)
		return qv_fail(err, QV_E_BUSY, "the pad is full: %zu keys, %zu bytes", reservoir->count,
			       reservoir->unused);
	return 0;
}

int reservoir_add(struct reservoir *reservoir, uint64_t position, struct qv_key *key, struct qv_error *err)
{
	if (check(reservoir, position, key, err) != 0)
		return -1;
	size_t size = qv_secret_size(key->secret);
	uint8_t *spent = calloc(size, 1);
	if (!spent)
		return qv_fail(err, QV_E_NOMEM, "no memory for a pad");
	*at(reservoir, reservoir->count++) =
		(struct pad_key){ .position = position, .size = size, .unused = size, .spent = spent, .key = *key };
	*key = (struct qv_key){ .secret = NULL };
	reservoir->end = position + size;
	reservoir->unused += size;
	return 0;
}

/* Index of the first key that ends behind `position`; count: there is none. */
static size_t find_key(const struct reservoir *reservoir, uint64_t position)
{
	size_t low = 0, high = reservoir->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct pad_key *key = at(reservoir, middle);
		if (key->position + key->size <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A piece of a range of the pad that lies in one key. */
struct piece {
	struct pad_key *key;
	size_t from, size;
};

/* The part of [position, position + size) in the key of that index; false: none. */
static bool cut(const struct reservoir *reservoir, size_t index, uint64_t position, uint64_t size, struct piece *piece)
{
	if (index >= reservoir->count)
		return false;
	struct pad_key *key = at(reservoir, index);
	uint64_t from = position > key->position ? position : key->position;
	uint64_t to = position + size < key->position + key->size ? position + size : key->position + key->size;
	if (from >= to)
		return false;
	*piece = (struct piece){ key, (size_t)(from - key->position), (size_t)(to - from) };
	return true;
}

bool reservoir_has(const struct reservoir *reservoir, uint64_t position, size_t size)
{
	struct piece piece;
	size_t found = 0;
	for (size_t i = find_key(reservoir, position); cut(reservoir, i, position, size, &piece); i++) {
		if (memchr(piece.key->spent + piece.from, 1, piece.size))
			return false;
		found += piece.size;
	}
	return found == size;
}

void reservoir_mask(const struct reservoir *reservoir, uint64_t position, uint8_t *bytes, size_t size)
{
	struct piece piece;
	for (size_t i = find_key(reservoir, position); cut(reservoir, i, position, size, &piece); i++) {
		const uint8_t *pad = qv_secret_bytes(piece.key->key.secret) + piece.from;
		for (size_t j = 0; j < piece.size; j++)
			bytes[j] ^= pad[j];
		bytes += piece.size;
	}
}

static void drop_used_up(struct reservoir *reservoir)
{
	while (reservoir->count > 0 && at(reservoir, 0)->unused == 0)
		drop_first(reservoir);
}

void reservoir_spend(struct reservoir *reservoir, uint64_t position, size_t size)
{
	struct piece piece;
	for (size_t i = find_key(reservoir, position); cut(reservoir, i, position, size, &piece); i++) {
		size_t fresh = 0;
		for (size_t j = piece.from; j < piece.from + piece.size; j++)
			fresh += !piece.key->spent[j];
		memset(piece.key->spent + piece.from, 1, piece.size);
		qv_wipe(qv_secret_edit(piece.key->key.secret) + piece.from, piece.size);
		piece.key->unused -= fresh;
		reservoir->unused -= fresh;
		reservoir->spent += fresh;
	}
	drop_used_up(reservoir);
}

void reservoir_drop_before(struct reservoir *reservoir, uint64_t position)
{
	while (reservoir->count > 0 && at(reservoir, 0)->position + at(reservoir, 0)->size <= position)
		drop_first(reservoir);
	if (reservoir->count > 0 && at(reservoir, 0)->position < position)
		reservoir_spend(reservoir, at(reservoir, 0)->position, (size_t)(position - at(reservoir, 0)->position));
}

bool reservoir_find(const struct reservoir *reservoir, size_t size, uint64_t *position)
{
	uint64_t start = 0, end = 0;
	for (size_t i = 0; i < reservoir->count; i++) {
		const struct pad_key *key = at(reservoir, i);
		/* Whoever looks for bytes uses them in order: what is unused in a key stands at its end. */
		uint64_t unused = key->position + (key->size - key->unused);
		if (i == 0 || unused != end)
			start = unused;
		end = key->position + key->size;
		if (end - start >= size) {
			*position = start;
			return true;
		}
	}
	return false;
}
