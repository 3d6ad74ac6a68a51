/* SPDX-License-Identifier: Apache-2.0 */
#include "span.h"

#include <stdlib.h>
#include <string.h>

#include <qvisio/secret.h>

struct row {
	size_t lead; /* its first byte that is not 0, which is 1 */
	uint8_t *bytes;
};

struct span {
	size_t size, count, room;
	struct row *rows; /* in the order of adding; each is 0 where those before it lead */
	uint8_t *work;
	uint8_t product[256][256];
};

static uint8_t multiply(unsigned a, unsigned b)
{
	unsigned product = 0;
	for (; b; b >>= 1, a = a << 1 ^ (a & 0x80 ? 0x11b : 0))
		if (b & 1)
			product ^= a;
	return (uint8_t)product;
}

struct span *span_new(size_t size)
{
	struct span *span = calloc(1, sizeof *span);
	if (!span)
		return NULL;
	span->size = size;
	span->work = malloc(size + 1);
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++)
			span->product[a][b] = multiply(a, b);
	if (span->work)
		return span;
	free(span);
	return NULL;
}

void span_free(struct span *span)
{
	if (!span)
		return;
	for (size_t i = 0; i < span->count; i++) {
		qv_wipe(span->rows[i].bytes, span->size);
		free(span->rows[i].bytes);
	}
	qv_wipe(span->work, span->size);
	free(span->rows);
	free(span->work);
	free(span);
}

/* work = string less its part in the rows; the place of its first byte that is not 0, or size. */
static size_t reduce(struct span *span, const uint8_t *string)
{
	memcpy(span->work, string, span->size);
	for (size_t i = 0; i < span->count; i++) {
		const struct row *row = &span->rows[i];
		const uint8_t *times = span->product[span->work[row->lead]];
		if (span->work[row->lead] == 0)
			continue;
		for (size_t j = 0; j < span->size; j++)
			span->work[j] ^= times[row->bytes[j]];
	}
	size_t lead = 0;
	while (lead < span->size && span->work[lead] == 0)
		lead++;
	return lead;
}

static uint8_t inverse(const struct span *span, uint8_t value)
{
	unsigned other = 1;
	while (span->product[value][other] != 1)
		other++;
	return (uint8_t)other;
}

bool span_add(struct span *span, const uint8_t *string)
{
	size_t lead = reduce(span, string);
	if (lead == span->size)
		return true;
	if (span->count == span->room) {
		size_t room = span->room ? span->room * 2 : 64;
		struct row *rows = reallocarray(span->rows, room, sizeof *rows);
		if (!rows)
			return false;
		span->rows = rows;
		span->room = room;
	}
	uint8_t *bytes = malloc(span->size);
	if (!bytes)
		return false;
	const uint8_t *times = span->product[inverse(span, span->work[lead])];
	for (size_t i = 0; i < span->size; i++)
		bytes[i] = times[span->work[i]];
	span->rows[span->count++] = (struct row){ lead, bytes };
	return true;
}

size_t span_rank(const struct span *span)
{
	return span->count;
}

bool span_holds(struct span *span, const uint8_t *string)
{
	return reduce(span, string) == span->size;
}
