/* SPDX-License-Identifier: Apache-2.0 */
#include "ebml.h"

#include <stdlib.h>
#include <string.h>

#define ID_VOID 0xec

void ebml_free(struct ebml *ebml)
{
	free(ebml->data);
	*ebml = (struct ebml){ 0 };
}

void ebml_raw(struct ebml *ebml, const void *bytes, size_t size)
{
	if (ebml->room - ebml->size < size && !ebml->failed) {
		size_t room = 2 * ebml->room + size + 256;
		uint8_t *data = realloc(ebml->data, room);
		if (data) {
			ebml->data = data;
			ebml->room = room;
		} else {
			ebml->failed = true;
		}
	}
	if (ebml->failed || size == 0)
		return;
	memcpy(ebml->data + ebml->size, bytes, size);
	ebml->size += size;
}

/* The lowest `count` bytes of `value`, highest first. */
static void put(struct ebml *ebml, uint64_t value, unsigned count)
{
	uint8_t bytes[8];
	for (unsigned i = 0; i < count; i++)
		bytes[i] = (uint8_t)(value >> (8 * (count - 1 - i)));
	ebml_raw(ebml, bytes, count);
}

static unsigned bytes_of(uint64_t value)
{
	unsigned count = 1;
	while (count < 8 && value >> (8 * count))
		count++;
	return count;
}

/* Identifiers are written with the marker of their length in them. */
void ebml_id(struct ebml *ebml, uint32_t id)
{
	put(ebml, id, bytes_of(id));
}

void ebml_size8(struct ebml *ebml, uint64_t size)
{
	put(ebml, size | UINT64_C(1) << 56, 8);
}

void ebml_size(struct ebml *ebml, uint64_t size)
{
	unsigned count = 1;
	/* All ones would mean: unknown. */
	while (count < 8 && size >= (UINT64_C(1) << (7 * count)) - 1)
		count++;
	put(ebml, size | UINT64_C(1) << (7 * count), count);
}

void ebml_uint(struct ebml *ebml, uint32_t id, uint64_t value)
{
	unsigned count = bytes_of(value);
	ebml_id(ebml, id);
	ebml_size(ebml, count);
	put(ebml, value, count);
}

void ebml_int8(struct ebml *ebml, uint32_t id, int64_t value)
{
	ebml_id(ebml, id);
	ebml_size(ebml, 8);
	put(ebml, (uint64_t)value, 8);
}

void ebml_float(struct ebml *ebml, uint32_t id, double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	ebml_int8(ebml, id, (int64_t)bits);
}

void ebml_binary(struct ebml *ebml, uint32_t id, const void *bytes, size_t size)
{
	ebml_id(ebml, id);
	ebml_size(ebml, size);
	ebml_raw(ebml, bytes, size);
}

void ebml_string(struct ebml *ebml, uint32_t id, const char *text)
{
	ebml_binary(ebml, id, text, strlen(text));
}

void ebml_void(struct ebml *ebml, size_t total)
{
	static const uint8_t nothing[100] = { 0 };
	if (total >= 2 && total <= sizeof nothing)
		ebml_binary(ebml, ID_VOID, nothing, total - 2);
}

size_t ebml_begin(struct ebml *ebml, uint32_t id)
{
	ebml_id(ebml, id);
	ebml_size8(ebml, EBML_UNKNOWN);
	return ebml->size;
}

void ebml_end(struct ebml *ebml, size_t begun)
{
	struct ebml size = { .data = ebml->data + begun - 8, .room = 8 };
	if (!ebml->failed)
		ebml_size8(&size, ebml->size - begun);
}
